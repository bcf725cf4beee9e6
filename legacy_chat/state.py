"""Everything that one app's chat consists of, made in the process that uses it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask

from .actions.hooks import Hooks
from .actions.outbox import Outbox
from .actions.parts import Parts
from .actions.presence import Presence
from .actions.push import Pushes
from .actions.rooms import Rooms
from .actions.schedule import Schedule
from .actions.webhooks import Webhooks
from .backplane.memory import MemoryBackplane
from .backplane.relay import Relay
from .errors import SettingsError
from .settings import Settings
from .storage.database import Database
from .storage.outbox import SiteDatabase
from .storage.writer import Inline, Offload
from .web import push_door
from .web.door import ECHO_PATH, SOCKET_PATH
from .web.identity import Tokens

if TYPE_CHECKING:
    from .realtime.worker import Worker


class State:
    """One app's chat. Parts that must not cross a fork are made at first use."""

    def __init__(self, app: Flask, settings: Settings, hooks: Hooks, engine: Any = None):
        self.app = app
        self._engine = engine
        self.settings = settings
        self.tokens = Tokens(_secret_key(app), settings.token_seconds)
        self.database = Database(settings.database_url or _default_database(app))
        self._parts: tuple[int, Parts] | None = None
        self.hooks = hooks
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
            self._presence = self.parts, Presence(self.parts, record, self.hooks.changed, context)
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


def install_handler(state: State) -> None:
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
