"""One person's connection: chat frames over a WebSocket.

Text messages are carried out in a greenlet (`runners`), one at a time for each connection, so that their order holds
and whatever blocks, blocks nobody else. A connection leaves the registry on the way into `closing`, so nothing is
handed to it from there on; what it had said by then is still carried out.
"""

from __future__ import annotations

import logging
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from ..core import close, frames
from ..core.model import Conversation, Member, Snapshot
from ..core.session import Session
from ..errors import ChatError
from . import framing
from .transport import Transport
from .websocket import Limits, WebSocket

if TYPE_CHECKING:
    from .worker import Worker

log = logging.getLogger("legacy_chat.sockets")

# Messages that wait for their turn before the socket is read no further.
_INBOX = 256


class Connection(WebSocket):
    __slots__ = ("_began", "_inbox", "_serving", "_worker", "address", "client_id", "session")

    def __init__(
        self,
        worker: Worker,
        transport: Transport,
        limits: Limits,
        client_id: int,
        member: Member | None,
        address: str | None,
    ):
        super().__init__(worker, transport, limits)
        self.client_id = client_id
        self.address = address
        self._began = monotonic()
        self.session = Session(member, self._began + worker.settings.login_seconds)
        self._worker = worker
        self._inbox: deque[tuple[bytes, float]] | None = None
        self._serving = False

    def received(self, opcode: int, payload: bytes, wait: float) -> None:
        if opcode == framing.BINARY:
            self.close(close.UNSUPPORTED_DATA, "send text frames: JSON in UTF-8")
            return
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append((payload, wait))
        if not self._serving:
            self._serving = True
            self._worker.runners.add(self._serve)
        elif len(self._inbox) > _INBOX and not self._paused:
            self.pause(True)

    def _serve(self) -> None:
        """Carry out what waits, in order; in a greenlet."""
        inbox = self._inbox
        while inbox:
            payload, wait = inbox.popleft()
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

    def room(self, gid: str) -> Conversation | None:
        return self._worker.registry.room_of(self, gid)

    def subscribe(self, snapshot: Snapshot) -> None:
        if self.closing is None:
            self._worker.registry.subscribe(self, snapshot)

    def set_away(self, away: bool) -> None:
        self._worker.registry.set_away(self, away)

    def admit(self, member: Member) -> None:
        self._worker.admission.check_uid(member.uid)
        self._worker.admission.enter_uid(member.uid)

    def refuse(self, error: ChatError, code: int) -> None:
        self.send(frames.error_frame(error))
        self.close(code, error.message)

    # -- the end ----------------------------------------------------------------------------------------------

    def left(self, code: int) -> None:
        self._worker.registry.remove(self)
        member = self.session.member
        log.info(
            "socket %d of %s over websocket: %.1f s, %d frames in, %d out, closed %d",
            self.client_id,
            member.uid if member else "nobody",
            monotonic() - self._began,
            self.frames_in,
            self.frames_out,
            code,
        )

    def excuse(self, seconds: float) -> None:
        self.session.excuse(seconds)
        super().excuse(seconds)

    def directed(self) -> None:
        self._worker.registry.replace(self)

    def check(self, now: float) -> None:
        if self.closing is None and self.session.overdue(now):
            self.close(close.NOT_LOGGED_IN if self.session.member is None else close.POLICY, "no login came")
        super().check(now)
