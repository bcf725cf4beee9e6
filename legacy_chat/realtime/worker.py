"""The realtime half of one app in one process: made at the first socket, so that nothing is carried over a fork."""

from __future__ import annotations

import gc
import itertools
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import gevent

from ..actions.events import Events
from ..actions.everybody import Everybody
from ..actions.greeting import hello
from ..actions.parts import Parts
from ..actions.presence import Presence
from ..actions.requests import Requests
from ..actions.text_rooms import TextRooms
from ..backplane.contract import Disconnect, Notice
from ..core import close, frames
from ..core.metrics import HANDSHAKES
from ..core.model import Member
from ..errors import ChatError, Unavailable
from . import boot, framing
from .admission import Admission
from .admitted import Admitted
from .connection import Connection
from .drain import Drain
from .echo import LIMITS as ECHO_LIMITS
from .echo import Echo
from .holds import Holds
from .poller import Poller
from .presence import PresenceNotices
from .registry import Registry
from .runners import Runners
from .text import Text
from .timers import Timers
from .transport import Transport, reserve_descriptors
from .turns import in_turns
from .websocket import Limits, WebSocket

log = logging.getLogger(__name__)

# Connections are counted per process, over all apps; the first is 1001.
_client_ids = itertools.count(1001)

# Seconds between two looks; beyond the second figure it was we who stood still.
_LOOK = 1.0
_STALL = 1.5


class Worker:
    """Keeps the open sockets and looks after them once a second."""

    in_turns = staticmethod(in_turns)

    def __init__(
        self, parts: Parts, verify: Callable[[str], Member], presence: Presence, events: Events, timers: Timers
    ):
        reserve_descriptors()
        gc.freeze()  # what was imported stays: no collection walks over it again, which takes 20 ms and more
        self.settings = s = parts.settings
        self.counts = parts.counts
        self.registry = Registry(self.counts)
        self.everybody = Everybody(parts, self.registry)
        self.requests = Requests(parts, self.everybody, verify, presence, events)
        self.timers = timers
        self._farewells = 0
        self.presence = PresenceNotices(self.registry, presence, self.everybody)
        self.text_rooms = TextRooms(parts)
        self.holds = Holds(s, boot.slots())
        self.poller = Poller()
        self.runners = Runners()
        self.admission = Admission(s)
        self.sockets: set[WebSocket] = set()
        self._expected: set[Connection] = set()  # the site knows whose they are, and their login is still to come
        self._asked: dict[object, list[Disconnect]] = {}  # questions to the site, and what ended since
        self._writer = parts.writer
        self._drain = Drain(self, s.worker_seconds)
        self._chat_limits = Limits(s.max_message_bytes, s.fragments, s.rate, s.outbox_bytes)
        parts.backplane.subscribe(self.registry.receive, self.registry.reach)
        parts.backplane.subscribe(self.holds.receive)
        parts.backplane.subscribe(self._end_expected)
        boot.keep(parts.mailbox.look, lambda: self.draining, "looking who polls")
        gevent.spawn(self._tick)
        self.presence.start()

    @property
    def draining(self) -> bool:
        return self._drain.begun

    @property
    def connections(self) -> list[Connection]:
        return [socket for socket in self.sockets if isinstance(socket, Connection)]

    @property
    def busy(self) -> bool:
        """Something that was said is not answered yet."""
        return self._writer.busy or any(connection.busy for connection in self.connections)

    @property
    def full(self) -> bool:
        """No more sockets may come."""
        return self.admission.full

    # -- for its meter ----------------------------------------------------------------------------------------

    @property
    def people(self) -> int:
        return len(self.registry.people)

    @property
    def polls(self) -> int:
        return len(self.holds)

    @property
    def commit_queue(self) -> int:
        return self._writer.waiting

    # -- sockets ----------------------------------------------------------------------------------------------

    def check_room(self, address: str | None, member: Member | None) -> None:
        """May one more socket come? Raises `Unavailable`."""
        self.check_drain()
        self.admission.check(address, member.uid if member else None)

    def check_drain(self) -> None:
        """Raises `Unavailable` where this worker is on its way out."""
        if self.draining:
            raise Unavailable("This worker is restarting: come back in a second.", 1.0, reason="draining")

    def serve(
        self,
        transport: Transport,
        received: bytes,
        member: Member | None,
        address: str | None,
        request: bytes | None = None,
    ) -> None:
        """Take over an upgraded connection; `received` came right behind the handshake, and `request` began it."""
        connection = Connection(self, transport, self._chat_limits, next(_client_ids), member, address)
        connection.session.request = request
        self._keep(connection)
        if member is not None:
            self._expected.add(connection)
        self.admission.enter(address, member.uid if member else None)
        connection.send(hello(connection.client_id, self.settings))
        if received and connection.closing is None:
            connection.receive(received)

    def send_away(self, transport: Transport, address: str | None, error: ChatError) -> None:
        """Whom the site does not let into its chat."""
        connection = Connection(self, transport, self._chat_limits, next(_client_ids), None, address)
        self._keep(connection)
        self.admission.enter(address, None)
        connection.send(hello(connection.client_id, self.settings))
        connection.refuse(error, close.FORBIDDEN)

    def serve_text(self, transport: Transport, received: bytes, member: Member, address: str | None, room: str) -> None:
        """The same for a socket in a plain-text room."""
        text = Text(self, transport, self._chat_limits, next(_client_ids), member, address, room)
        self._keep(text)
        self.admission.enter(address, member.uid)
        text.enter()
        if received and text.closing is None:
            text.receive(received)

    def serve_echo(self, transport: Transport, received: bytes) -> None:
        echo = Echo(self, transport, ECHO_LIMITS)
        self._keep(echo)
        if received:
            echo.receive(received)

    def _keep(self, socket: WebSocket) -> None:
        self.sockets.add(socket)
        self.poller.add(socket)
        self.counts[HANDSHAKES[socket.transport]] += 1

    def _end_expected(self, notice: Notice) -> None:
        """A session that ends before the `login` frame: the registry ends those that are logged in."""
        if not isinstance(notice, Disconnect):
            return
        for ended in self._asked.values():
            ended.append(notice)
        self._expected = {connection for connection in self._expected if not connection.session.open}
        for connection in list(self._expected):
            if notice.ends(connection.session.member):
                connection.close(notice.code, notice.reason)

    @contextmanager
    def asking(self) -> Iterator[list[Disconnect]]:
        """While the site is asked who somebody is, which may take a while: what ended meanwhile."""
        question, ended = object(), list[Disconnect]()
        self._asked[question] = ended
        try:
            yield ended
        finally:
            del self._asked[question]

    def forget(self, socket: WebSocket) -> None:
        self.poller.remove(socket.fd)
        self.sockets.discard(socket)
        if isinstance(socket, Connection):
            self._expected.discard(socket)
        if isinstance(socket, Admitted):
            member = socket.session.member
            self.admission.leave(socket.address, member.uid if member else None)

    # -- the site's own code ----------------------------------------------------------------------------------

    def expects_farewell(self) -> bool:
        """The site asked to be told who goes: a call of `farewell` has to follow."""
        wanted = bool(self.requests.events.handlers.close)
        self._farewells += wanted
        return wanted

    def farewell(self, connection: Connection) -> None:
        """All that the connection had said is carried out."""
        try:
            if connection.session.open:
                self.requests.events.went(connection)
        finally:
            self._farewells -= 1

    @property
    def site_busy(self) -> bool:
        """A function of the site runs that nobody waits for."""
        return self._farewells > 0 or self.timers.busy

    def end_tasks(self) -> None:
        self.timers.end()

    # -- time -------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        last = monotonic()
        while True:
            gevent.sleep(_LOOK)
            now = monotonic()
            self._excuse(now - last)
            last = now
            try:
                self._check_sockets(now)
                self.presence.tell_how_many()
            except Exception:
                log.exception("looking after the sockets failed")

    def _excuse(self, seconds: float) -> None:
        """A standstill of ours must not cost anybody the connection."""
        if seconds > _STALL:
            log.warning("this worker stood still for %.1f s", seconds - _LOOK)
            for socket in self.sockets:
                socket.excuse(seconds)
            self.presence.excuse(seconds)

    def _check_sockets(self, now: float) -> None:
        for socket in in_turns(self.sockets):
            socket.check(now)

    # -- the end ----------------------------------------------------------------------------------------------

    def announce_drain(self) -> None:
        """Tell clients when to come back: spread, so that they do not come all at once."""
        self.holds.end()
        self.timers.stop()
        connections = self.connections
        spread = 500 + 2 * len(connections)
        for connection in in_turns(connections):
            frame = frames.Drain(retry_after=random.randint(200, spread))  # noqa: S311 - no secret
            connection.write(framing.frame(framing.TEXT, frames.encode(frame)))

    def close_all(self) -> None:
        self.presence.stop()
        for socket in in_turns(self.sockets):
            socket.close(close.RESTART, "the server restarts; come back")

    def drop_all(self) -> None:
        for socket in list(self.sockets):
            socket.drop(close.RESTART)
