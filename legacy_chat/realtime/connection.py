"""One person's connection: chat frames over a WebSocket.

Text messages are carried out in a greenlet (`runners`), one at a time for each connection, so that their order holds
and whatever blocks, blocks nobody else. A connection leaves the registry on the way into `closing`, so nothing is
handed to it from there on; what it had said by then is still carried out.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ..core import close, frames
from ..core.metrics import ERRORS
from ..core.model import Conversation, Member, Message, Snapshot
from ..errors import ChatError
from . import framing
from .admitted import Admitted
from .transport import Transport
from .websocket import Limits

if TYPE_CHECKING:
    from .worker import Worker

# Messages that wait for their turn before the socket is read no further.
_INBOX = 256


class Connection(Admitted):
    __slots__ = ("_inbox", "_serving")

    def __init__(
        self,
        worker: Worker,
        transport: Transport,
        limits: Limits,
        client_id: int,
        member: Member | None,
        address: str | None,
    ):
        super().__init__(worker, transport, limits, client_id, member, address, worker.settings.login_seconds)
        self._inbox: deque[tuple[bytes | None, float]] | None = None
        self._serving = False

    def received(self, opcode: int, payload: bytes, wait: float) -> None:
        if opcode == framing.BINARY:
            self.close(close.UNSUPPORTED_DATA, "send text frames: JSON in UTF-8")
            return
        if self._put_in(payload, wait) > _INBOX and not self._paused:
            self.pause(True)

    def _put_in(self, payload: bytes | None, wait: float = 0.0) -> int:
        """Something to carry out in its turn, or the end (None); how much waits."""
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append((payload, wait))
        if not self._serving:
            self._serving = True
            self._worker.runners.add(self._serve)
        return len(self._inbox)

    def _serve(self) -> None:
        """Carry out what waits, in order; in a greenlet."""
        inbox = self._inbox
        while inbox:
            payload, wait = inbox.popleft()
            if payload is None:
                self._worker.farewell(self)
            else:
                self._worker.requests.handle(self, payload, wait)
            if inbox:
                self._worker.runners.rest()
        self._inbox = None
        self._serving = False
        if self._paused and self.closing is None:
            self.pause(False)

    @property
    def busy(self) -> bool:
        """Something it said is not carried out yet."""
        return self._serving

    # -- what the requests ask of a client ------------------------------------------------------------------

    def send(self, event: frames.Event) -> None:
        self.write(framing.frame(framing.TEXT, frames.encode(event)))

    def stored(self, where: Conversation, message: Message) -> None:
        """Its frame is on its way already."""

    def room(self, gid: str) -> Conversation | None:
        return self._worker.registry.room_of(self, gid)

    def subscribe(self, snapshot: Snapshot) -> None:
        if self.closing is None:
            self._worker.registry.subscribe(self, snapshot)

    def set_away(self, away: bool) -> None:
        self._worker.registry.set_away(self, away)

    def enter(self, room: str) -> None:
        if self.closing is None:
            self._worker.registry.event_rooms.enter(self, room)

    def exit(self, room: str) -> None:
        self._worker.registry.event_rooms.leave(self, room)

    def admit(self, member: Member) -> None:
        self._worker.admission.check_uid(member.uid)
        self._worker.admission.enter_uid(member.uid)

    def refuse(self, error: ChatError, code: int) -> None:
        self._worker.counts[ERRORS[error.code]] += 1
        self.send(frames.error_frame(error))
        self.close(code, error.message)

    # -- the end ----------------------------------------------------------------------------------------------

    def left(self, code: int) -> None:
        self._worker.registry.remove(self)
        if self._worker.expects_farewell():
            self._put_in(None)  # after what it has said
        super().left(code)

    def excuse(self, seconds: float) -> None:
        self.session.excuse(seconds)
        super().excuse(seconds)

    def directed(self) -> None:
        self._worker.registry.replace(self)

    def check(self, now: float) -> None:
        if self.closing is None and self.session.overdue(now):
            self.close(close.NOT_LOGGED_IN if self.session.member is None else close.POLICY, "no login came")
        super().check(now)
