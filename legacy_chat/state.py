"""Everything that one app's chat consists of, made in the process that uses it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from flask import Flask, current_app, has_app_context

from .actions import places
from .actions.events import Events
from .actions.everybody import Everybody
from .actions.hooks import Hooks
from .actions.local import Local
from .actions.outbox import Outbox
from .actions.parts import Parts
from .actions.polling import Polling
from .actions.presence import Presence
from .actions.push import Pushes
from .actions.requests import Online, Requests
from .actions.rooms import Rooms
from .actions.rules import Rules
from .actions.schedule import Schedule
from .actions.tasks import Task
from .actions.webhooks import Webhooks
from .backplane.memory import MemoryBackplane
from .backplane.relay import Relay
from .doctor.limits import warn_of_lonely_workers
from .errors import SettingsError, Unavailable
from .settings import Settings
from .storage.database import Database
from .storage.ledger import Ledger
from .storage.outbox import SiteDatabase
from .storage.writer import Inline, Offload
from .web import metrics, push_door, speaker
from .web.door import ECHO_PATH, SOCKET_PATH
from .web.identity import Identify, Tokens, member_of_request
from .web.pages import to_login
from .web.poll import POLL_PATH
from .web.text_page import TEXT_PATH

if TYPE_CHECKING:
    from .realtime.worker import Worker

_NO_WORKER = (
    "This process is no chat worker, so nothing that is to run later or beside would ever run here. Call it where "
    "gunicorn's geventwebsocket worker serves the site: in a view, a hook or a handler; elsewhere use a queue of jobs."
)


class State:
    """One app's chat. Parts that must not cross a fork are made at first use."""

    def __init__(self, app: Flask, settings: Settings, hooks: Hooks, engine: Any = None):
        self.app = app
        self._engine = engine
        self.settings = settings
        # Flask-Login's answers; sites that are not Flask put others in their place.
        self.identify: Identify = partial(member_of_request, app)
        self.to_login: Callable[[], Any] = to_login
        self.tokens = Tokens(_secret_key(app), settings.token_seconds)
        self.folder = places.folder_of(app.instance_path)
        self.database = Database(places.database_of(app.instance_path, settings.database_url), _native_lock())
        self._parts: tuple[int, Parts] | None = None
        self.hooks = hooks
        self._pushes: tuple[Parts, Pushes] | None = None
        self._site_database: tuple[int, SiteDatabase] | None = None
        self._presence: tuple[Parts, Presence] | None = None
        self._polling: tuple[Parts, Polling] | None = None
        self._events: tuple[Parts, Events] | None = None
        self._local: tuple[Parts, Local] | None = None
        self._waiting: list[Task] = []  # for the worker, before it runs
        self.start_elsewhere: Callable[[Task], None] | None = None  # in a test, where no worker is
        self._worker: tuple[int, Worker] | None = None
        self.serves_sockets = False  # the server has a chat worker from its start on
        self._ledger: tuple[Parts, Ledger] | None = None

    @property
    def parts(self) -> Parts:
        if self._parts is None or self._parts[0] != os.getpid():
            relay = Relay(str(self.folder))
            rules = Rules(self.hooks, self.app.app_context)
            backplane = _backplane(self.database, relay)
            parts = Parts(self.settings, self.database, backplane, _offload(), relay=relay, rules=rules)
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
            self._site_database = os.getpid(), SiteDatabase(engine, _native_lock())
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

    @property
    def ledger(self) -> Ledger:
        """What this process and the others counted."""
        if self._ledger is None or self._ledger[0] is not self.parts:
            self._ledger = self.parts, Ledger(self.folder / "chat.metrics", self.parts.counts)
        return self._ledger[1]

    @property
    def running(self) -> Worker | None:
        """The realtime half, if this process has begun it."""
        return self._worker[1] if self._worker and self._worker[0] == os.getpid() else None

    def chat_worker(self) -> Worker | None:
        """The realtime half where there is one: under gunicorn's geventwebsocket worker."""
        return self.worker() if "geventwebsocket.gunicorn.workers" in sys.modules else None

    @property
    def polling(self) -> Polling:
        if self._polling is None or self._polling[0] is not self.parts:
            worker = self.chat_worker()
            online = worker.everybody if worker else Everybody(self.parts)
            requests = worker.requests if worker else self._requests(online)
            self._polling = self.parts, Polling(self.parts, requests, self.presence, online)
        return self._polling[1]

    def _requests(self, online: Online) -> Requests:
        return Requests(self.parts, online, self.tokens.verify, self.presence, self.events)

    @property
    def events(self) -> Events:
        if self._events is None or self._events[0] is not self.parts:
            context = partial(speaker.context, self.app)
            self._events = self.parts, Events(self.parts, self.hooks.handlers, context)
        return self._events[1]

    @property
    def local(self) -> Local:
        """The people of this process who have no socket."""
        if self._local is None or self._local[0] is not self.parts:
            self._local = self.parts, Local(self.parts, self._requests)
        return self._local[1]

    def worker(self) -> Worker:
        """The realtime half; needs gevent's loop."""
        if self._worker is None or self._worker[0] != os.getpid():
            from .realtime.timers import Timers
            from .realtime.worker import Worker

            timers = Timers(self.parts, self.app.import_name, self.app.app_context)
            worker = Worker(self.parts, self.tokens.verify, self.presence, self.events, timers)
            self._worker = os.getpid(), worker
            self._begin(worker)
        return self._worker[1]

    def start(self, task: Task) -> None:
        """Let the worker of this process run it, or the one that is about to run here.

        Raises `Unavailable` where there is none, or too much waits already.
        """
        if self.start_elsewhere is not None:
            self.start_elsewhere(task)
        elif self.running is not None:
            self.running.timers.start(task)
        elif "geventwebsocket.gunicorn.workers" in sys.modules:
            self._waiting.append(task)
        else:
            raise Unavailable(_NO_WORKER)

    @contextmanager
    def moved(self, url: str) -> Iterator[None]:
        """Meanwhile the history is the database at `url`; for tests."""
        before = dict(vars(self))
        self.database, self._parts = Database(url, _native_lock()), None
        try:
            self.prepare()
            yield
        finally:
            self.database.close()
            vars(self).update(before)

    def _begin(self, worker: Worker) -> None:
        """What a worker does beside its sockets."""
        from .realtime import boot
        from .realtime.meter import Meter
        from .realtime.relay import RelayServer
        from .realtime.webhooks import Sender

        relay, parts = Relay(str(self.folder)), self.parts
        door = RelayServer(relay.path, self.pushes.carry_out, parts.mailbox.inner.deliver)
        door.start()
        boot.keep(door.look, lambda: worker.draining, "looking after the socket for other processes")
        if metrics.installed:
            Meter(worker, lambda: parts.offload.call(self.ledger.write)).start()
        boot.keep(Schedule(parts, self.pushes).run, lambda: worker.draining, "the planned pushes")
        boot.keep(self.outbox.sweep, lambda: worker.draining, "the site's outbox")
        sender = Sender(parts, self.webhooks, lambda: worker.draining)
        boot.keep(sender.run, lambda: worker.draining, "sending webhooks")
        worker.timers.begin([*self.hooks.tasks.begin(worker.timers.start), *self._waiting])

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
    """The site's main engine, where it uses Flask-SQLAlchemy; None where that has none yet, or other binds alone."""
    known: Any = app.extensions.get("sqlalchemy")
    if known is None:
        return None
    if type(known).__name__ == "_SQLAlchemyState":  # before Flask-SQLAlchemy 3
        return known.db.get_engine(app)
    # The end of a context inside another one would run the site's teardowns, in the midst of its view.
    here = has_app_context() and current_app == app
    with nullcontext() if here else app.app_context():
        try:
            return getattr(known, "engine", None)
        except KeyError:
            return None


_backplanes: WeakValueDictionary[tuple[int, str], MemoryBackplane] = WeakValueDictionary()


def _backplane(database: Database, relay: Relay) -> MemoryBackplane:
    """Apps of one process that have one history hear each other."""
    url = database.engine.url
    if url.database in (None, "", ":memory:"):
        return MemoryBackplane(relay)
    key = os.getpid(), url.render_as_string(hide_password=False)
    shared = _backplanes.get(key) or MemoryBackplane(relay)
    _backplanes[key] = shared
    return shared


def install_handler(state: State) -> None:
    """Only gunicorn's geventwebsocket worker has sockets to hand over; nobody else is made to import it."""
    if "geventwebsocket.gunicorn.workers" in sys.modules:
        from .realtime import boot, handler, webhooks, worker  # noqa: F401 - imported now, not while the first socket waits

        paths = [state.settings.prefix + path for path in (SOCKET_PATH, ECHO_PATH)]
        private = (state.settings.prefix + push_door.PUSH_PATH, state.settings.prefix + POLL_PATH)
        folders = (state.settings.prefix + TEXT_PATH,)
        seconds, prefix = state.settings.header_seconds, state.settings.prefix
        handler.install(*paths, header_seconds=seconds, private=private, folders=folders, prefix=prefix)
        boot.at_boot(state.worker)
        boot.at_boot(lambda: warn_of_lonely_workers(state.settings))
        state.serves_sockets = True


def _native_lock() -> AbstractContextManager[Any]:
    """A lock of the system's threads, whatever gevent has put in place of it."""
    monkey = sys.modules.get("gevent.monkey")
    return (monkey.get_original("threading", "Lock") if monkey else threading.Lock)()


def _offload() -> Offload:
    """Native threads under gevent's loop; elsewhere blocking calls simply block their thread."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("socket"):
        return Inline()
    from .realtime.offload import Threads

    return Threads()
