"""`Chat`: what a host site creates, and the calls it makes.

The extension keeps no app (Flask's rule for extensions): all state of an app is its `State` in
`app.extensions["legacy_chat"]`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app
from flask_login import user_logged_out

from . import settings as settings_table
from .actions.parts import Parts
from .actions.rooms import Rooms
from .backplane.contract import Disconnect
from .backplane.memory import MemoryBackplane
from .core import close
from .errors import SettingsError
from .settings import Settings
from .storage.database import Database
from .storage.writer import Inline, Offload
from .web.door import ECHO_PATH, SOCKET_PATH, SocketDoor
from .web.identity import Tokens, device_of_request
from .web.pages import blueprint

if TYPE_CHECKING:
    from .realtime.worker import Worker

EXTENSION = "legacy_chat"


class State:
    """Everything that one app's chat consists of. Parts that must not cross a fork are made at first use."""

    def __init__(self, app: Flask, settings: Settings):
        self.app = app
        self.settings = settings
        self.tokens = Tokens(_secret_key(app), settings.token_seconds)
        self.database = Database(settings.database_url or _default_database(app))
        self._parts: tuple[int, Parts] | None = None
        self._worker: tuple[int, Worker] | None = None

    @property
    def parts(self) -> Parts:
        if self._parts is None or self._parts[0] != os.getpid():
            parts = Parts(self.settings, self.database, MemoryBackplane(), _offload())
            self._parts = os.getpid(), parts
        return self._parts[1]

    def worker(self) -> Worker:
        """The realtime half; needs gevent's loop."""
        if self._worker is None or self._worker[0] != os.getpid():
            from .realtime.worker import Worker

            self._worker = os.getpid(), Worker(self.parts, self.tokens.verify)
        return self._worker[1]

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


def _default_database(app: Flask) -> str:
    return f"sqlite:///{Path(app.instance_path) / 'chat.sqlite'}"


def _install_handler(settings: Settings) -> None:
    """Only gunicorn's geventwebsocket worker has sockets to hand over; nobody else is made to import it."""
    if "geventwebsocket.gunicorn.workers" in sys.modules:
        from .realtime import handler, worker  # noqa: F401 - imported now, not while the first socket waits

        paths = [settings.prefix + path for path in (SOCKET_PATH, ECHO_PATH)]
        handler.install(*paths, header_seconds=settings.header_seconds)


def _offload() -> Offload:
    """Native threads under gevent's loop; elsewhere blocking calls simply block their thread."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("socket"):
        return Inline()
    from .realtime.offload import Threads

    return Threads()


class Chat:
    """Chat for the users of a Flask site: `Chat(app)`, or `chat.init_app(app)` in a factory."""

    def __init__(self, app: Flask | None = None):
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add chat to `app`. Raises `SettingsError` with every mistake of its CHAT_* settings."""
        from .cli import group

        state = State(app, settings_table.load(app.config, os.environ))
        app.extensions[EXTENSION] = state
        if state.database.engine.dialect.name == "sqlite":
            state.prepare()
        app.register_blueprint(blueprint(state))
        app.wsgi_app = SocketDoor(app.wsgi_app, state)  # type: ignore[method-assign]
        app.cli.add_command(group())
        user_logged_out.connect(_on_logout, app)
        _install_handler(state.settings)

    def token(self, uid: str, name: str | None = None) -> str:
        """A signed connect token for `uid`, good for CHAT_TOKEN_SECONDS."""
        return _state().tokens.mint(uid, name)

    def room(self, gid: str, name: str | None = None, private: bool = False, members: tuple[str, ...] = ()) -> None:
        """Create a room. Raises `Exists` where the key is taken."""
        Rooms(_state().parts).create(gid, name or gid, private, members)

    def disconnect(self, uid: str, device: str | None = None) -> None:
        """Close somebody's sockets (those of one device, where given) at once; they must log in again."""
        notice = Disconnect(uid, close.SESSION_ENDED, "logged out", device)
        _state().parts.backplane.publish(notice)

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
