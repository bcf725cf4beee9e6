"""`Chat`: what a host site creates, and the calls it makes.

The extension keeps no app (Flask's rule for extensions): all state of an app is its `State` in
`app.extensions["legacy_chat"]`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app
from flask_login import user_logged_out

from . import settings as settings_table
from .actions.outbox import Outbox
from .actions.parts import Parts
from .actions.presence import Changed, Presence
from .actions.push import Pushes, make_push
from .actions.rooms import Rooms
from .actions.schedule import Schedule
from .actions.webhooks import Webhooks
from .backplane.contract import Disconnect
from .backplane.memory import MemoryBackplane
from .backplane.relay import Relay
from .core import close
from .core.push import Pushed
from .errors import SettingsError
from .settings import Settings
from .storage.database import Database
from .storage.outbox import SiteDatabase
from .storage.writer import Inline, Offload
from .web import api, push_door
from .web.door import ECHO_PATH, SOCKET_PATH, SocketDoor
from .web.identity import Tokens, device_of_request
from .web.pages import blueprint
from .web.services import Services

if TYPE_CHECKING:
    from .realtime.worker import Worker

EXTENSION = "legacy_chat"


class State:
    """Everything that one app's chat consists of. Parts that must not cross a fork are made at first use."""

    def __init__(self, app: Flask, settings: Settings, engine: Any = None):
        self.app = app
        self._engine = engine
        self.settings = settings
        self.tokens = Tokens(_secret_key(app), settings.token_seconds)
        self.database = Database(settings.database_url or _default_database(app))
        self._parts: tuple[int, Parts] | None = None
        self.changed: list[Changed] = []
        self._pushes: tuple[Parts, Pushes] | None = None
        self._site_database: tuple[int, SiteDatabase] | None = None
        self._presence: tuple[Parts, Presence] | None = None
        self._worker: tuple[int, Worker] | None = None

    @property
    def parts(self) -> Parts:
        if self._parts is None or self._parts[0] != os.getpid():
            relay = Relay(self.app.instance_path)
            parts = Parts(self.settings, self.database, MemoryBackplane(relay), _offload(), relay=relay)
            self._parts = os.getpid(), parts
        return self._parts[1]

    @property
    def pushes(self) -> Pushes:
        if self._pushes is None or self._pushes[0] is not self.parts:
            self._pushes = self.parts, Pushes(self.parts)
        return self._pushes[1]

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.parts, self.pushes, self.site_database)

    def site_database(self) -> SiteDatabase | None:
        """The site's own database, for messages that follow its transactions; None where it told of none."""
        if self._site_database is None or self._site_database[0] != os.getpid():
            engine = self._engine or _flask_sqlalchemy(self.app)
            if engine is None:
                return None
            self._site_database = os.getpid(), SiteDatabase(engine)
        return self._site_database[1]

    @property
    def presence(self) -> Presence:
        if self._presence is None or self._presence[0] is not self.parts:
            record, context = self.webhooks.record, self.app.app_context
            self._presence = self.parts, Presence(self.parts, record, self.changed, context)
        return self._presence[1]

    @property
    def webhooks(self) -> Webhooks:
        return Webhooks(self.parts)

    def worker(self) -> Worker:
        """The realtime half; needs gevent's loop."""
        if self._worker is None or self._worker[0] != os.getpid():
            from .realtime.worker import Worker

            self._worker = os.getpid(), Worker(self.parts, self.tokens.verify, self.presence)
            self._begin(self._worker[1])
        return self._worker[1]

    def _begin(self, worker: Worker) -> None:
        """What a worker does beside its sockets."""
        from .realtime import boot
        from .realtime.relay import RelayServer
        from .realtime.webhooks import Sender

        relay, parts = Relay(self.app.instance_path), self.parts
        RelayServer(relay.path, self.pushes.carry_out, parts.backplane.deliver).start()
        boot.keep(Schedule(parts, self.pushes).run, lambda: worker.draining, "the planned pushes")
        boot.keep(self.outbox.sweep, lambda: worker.draining, "the site's outbox")
        sender = Sender(parts, self.webhooks, lambda: worker.draining)
        boot.keep(sender.run, lambda: worker.draining, "sending webhooks")

    def prepare(self) -> None:
        """Tables and default rooms. A SQLite file prepares itself; for a server it is `flask chat init-db`."""
        self.database.migrate()
        Rooms(self.parts).ensure_defaults()
        self.database.close()
        self._parts = None


def _secret_key(app: Flask) -> str | bytes:
    if not app.secret_key:
        raise SettingsError("SECRET_KEY is not set: sessions and connect tokens are signed with it.")
    return app.secret_key


def _flask_sqlalchemy(app: Flask) -> Any:
    """The site's main engine, where it uses Flask-SQLAlchemy."""
    known = app.extensions.get("sqlalchemy")
    known = getattr(known, "db", known)
    with app.app_context():
        return getattr(known, "engine", None)


def _default_database(app: Flask) -> str:
    return f"sqlite:///{Path(app.instance_path) / 'chat.sqlite'}"


def _install_handler(state: State) -> None:
    """Only gunicorn's geventwebsocket worker has sockets to hand over; nobody else is made to import it."""
    if "geventwebsocket.gunicorn.workers" in sys.modules:
        from .realtime import boot, handler, webhooks, worker  # noqa: F401 - imported now, not while the first socket waits

        paths = [state.settings.prefix + path for path in (SOCKET_PATH, ECHO_PATH)]
        private = (state.settings.prefix + push_door.PUSH_PATH,)
        handler.install(*paths, header_seconds=state.settings.header_seconds, private=private)
        boot.at_boot(state.worker)


def _offload() -> Offload:
    """Native threads under gevent's loop; elsewhere blocking calls simply block their thread."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("socket"):
        return Inline()
    from .realtime.offload import Threads

    return Threads()


class Chat:
    """Chat for the users of a Flask site: `Chat(app)`, or `chat.init_app(app)` in a factory."""

    def __init__(self, app: Flask | None = None, engine: Any = None):
        self._changed: list[Changed] = []
        if app is not None:
            self.init_app(app, engine)

    def init_app(self, app: Flask, engine: Any = None) -> None:
        """Add chat to `app`. Raises `SettingsError` with every mistake of its CHAT_* settings.

        `engine` is the site's own SQLAlchemy engine, for `post(session=...)`; Flask-SQLAlchemy's is found by itself.
        """
        from .cli import group

        state = State(app, settings_table.load(app.config, os.environ), engine)
        state.changed = self._changed
        app.extensions[EXTENSION] = state
        if state.database.engine.dialect.name == "sqlite":
            state.prepare()
        app.register_blueprint(blueprint(state))
        services = Services(state)
        app.register_blueprint(api.blueprint(services))
        app.register_blueprint(push_door.blueprint(services))
        app.wsgi_app = SocketDoor(app.wsgi_app, state)  # type: ignore[method-assign]
        app.cli.add_command(group())
        user_logged_out.connect(_on_logout, app)
        _install_handler(state)

    def token(self, uid: str, name: str | None = None) -> str:
        """A signed connect token for `uid`, good for CHAT_TOKEN_SECONDS."""
        return _state().tokens.mint(uid, name)

    def room(self, gid: str, name: str | None = None, private: bool = False, members: tuple[str, ...] = ()) -> None:
        """Create a room. Raises `Exists` where the key is taken."""
        Rooms(_state().parts).create(gid, name or gid, private, members)

    def push(
        self,
        to: str | int | Iterable[str | int] | None = None,
        content: str | None = None,
        *,
        name: str | None = None,
        data: Any = None,
        gid: str | None = None,
        everybody: bool = False,
        durable: bool = False,
        sender: tuple[str, str] | None = None,
        at: datetime | int | None = None,
        every: timedelta | int | None = None,
    ) -> Pushed:
        """Say something to a person (`to=uid`), to several, to a room (`gid`) or to `everybody`; whom it reached.

        Text (`content`) is shown by the page, an event (`name`, `data`) is for the site's own script. `durable` text
        is a message as well, from `sender` (uid, name). `at` and `every` (or milliseconds) plan it: the answer's `id`
        is for `unschedule`. Raises a `ChatError`: `Unavailable` where nobody can take it.
        """
        who = sender and {"uid": sender[0], "name": sender[1]}
        push = make_push(
            to, content=content, name=name, data=data, gid=gid, all=everybody, durable=durable, sender=who, at=at,
            every=every,
        )  # fmt: skip
        return _state().pushes.push(push)

    def unschedule(self, id: str) -> bool:
        """Forget a push that waits for its time; False where there is none."""
        return _state().pushes.unschedule(id)

    def post(
        self, room: str, text: str, *, uid: str = "site", name: str | None = None, session: Any = None
    ) -> Pushed | None:
        """A message to a room, in the name of `uid`; whom it reached.

        With the site's SQLAlchemy `session` it goes out when that is committed, once, and never after a rollback.
        """
        if session is None:
            return _state().pushes.post(room, text, uid, name)
        _state().outbox.post(session, room, text, uid, name)
        return None

    def disconnect(self, uid: str, device: str | None = None) -> None:
        """Close somebody's sockets (those of one device, where given) at once; they must log in again."""
        notice = Disconnect(uid, close.SESSION_ENDED, "logged out", device)
        _state().parts.backplane.publish(notice)

    def on_online(self, hook: Callable[[str], Any]) -> Callable[[str], Any]:
        """`@chat.on_online`: called with the uid of somebody who came, in a greenlet with the app's context."""
        self._changed.append(lambda uid, online: hook(uid) if online else None)
        return hook

    def on_offline(self, hook: Callable[[str], Any]) -> Callable[[str], Any]:
        """`@chat.on_offline`: called with the uid of somebody who is gone for longer than the grace period."""
        self._changed.append(lambda uid, online: None if online else hook(uid))
        return hook

    def offload(self, work: Any) -> Any:
        """Run `work()` (hashing, a slow query) in a native thread while only this request waits."""
        return _state().parts.offload.call(work)


def _state() -> State:
    state: State = current_app.extensions[EXTENSION]
    return state


def _on_logout(app: Flask, user: Any = None, **_: Any) -> None:
    """Flask-Login's signal: this browser's sockets end with its session; other devices stay."""
    uid = user.get_id() if user is not None else None
    if uid is not None and EXTENSION in app.extensions:
        notice = Disconnect(str(uid), close.SESSION_ENDED, "logged out", device_of_request())
        _state().parts.backplane.publish(notice)
