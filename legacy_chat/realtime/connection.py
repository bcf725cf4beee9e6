"""One socket: read, decode, act, answer.

A connection is parked between frames: its descriptor waits in the poller and nothing else is kept running. Bytes
are cut into frames in the hub; text frames are carried out by a greenlet that is made for them and ends with them,
one at a time for each connection, so that their order holds and whatever blocks, blocks nobody else.

    open ──close()──▶ closing (our close frame is on its way) ──peer ends, or 2 s──▶ gone

A connection leaves the registry on the way into `closing`, so nothing is handed to it from there on.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

import gevent

from ..core import close, frames
from ..core.limits import TokenBucket
from ..core.model import Conversation, Member, Snapshot
from ..core.session import Session
from ..errors import ChatError
from . import framing
from .outbox import Outbox
from .transport import WOULD_BLOCK, Transport

if TYPE_CHECKING:
    from .worker import Worker

_READ = 65536

# Frames that wait for their turn before the socket is read no further.
_INBOX = 256

# Seconds of work after which a connection's greenlet lets others run.
_SLICE = 0.004

# Seconds that a peer gets to end the connection after our close frame.
_CLOSE_SECONDS = 2.0

# Pieces that one message may come in.
_FRAGMENTS = 1024

# Bytes that wait for a slow reader before it is closed.
_OUTBOX_BYTES = 256 * 1024

_ERROR = 0x008 | 0x010  # EPOLLERR, EPOLLHUP: nobody is there any more
_WRITE = 0x004


class Connection:
    __slots__ = (
        "_assembler", "_bucket", "_inbox", "_outbox", "_paused", "_serving", "_transport", "_worker", "client_id",
        "closing", "deadline", "fd", "session",
    )  # fmt: skip

    def __init__(self, worker: Worker, transport: Transport, client_id: int, member: Member | None):
        settings = worker.settings
        now = monotonic()
        self.client_id = client_id
        self.fd = transport.fd
        self.session = Session(member, now + settings.login_seconds)
        self.closing: int | None = None
        self.deadline: float | None = None
        self._worker = worker
        self._transport = transport
        self._bucket = TokenBucket(settings.rate, now)
        self._inbox: deque[tuple[bytes, float]] | None = None
        self._outbox: Outbox | None = None
        self._assembler: framing.Assembler | None = None
        self._serving = False
        self._paused = False

    # -- in -----------------------------------------------------------------------------------------------

    def on_events(self, events: int) -> None:
        """The poller's call, in the hub."""
        try:
            if events & _WRITE:
                self._flush()
            if events & ~_WRITE:
                self._read(gone=bool(events & _ERROR))
        except OSError:
            self.drop(close.ABNORMAL)

    def _read(self, gone: bool = False) -> None:
        data = self._transport.read(_READ)
        if data == b"" or (gone and self._paused):
            self.drop(self.closing or close.ABNORMAL)
        elif data and self.closing is None:
            self.receive(data)
            if self.fd >= 0 and self._transport.pending():
                self._read()
        # Once our close frame is out, what the peer still says is read and thrown away until its stream ends.

    def receive(self, data: bytes) -> None:
        """Bytes from the peer, in order."""
        if self._assembler is None:
            items, end = framing.whole_frames(data, self._worker.settings.max_message_bytes)
            if not all(self._take(item) for item in items) or end == len(data):
                return
            data = data[end:]
        self._assemble(data)

    def _assemble(self, data: bytes) -> None:
        if self._assembler is None:
            self._assembler = framing.Assembler(self._worker.settings.max_message_bytes, _FRAGMENTS)
        try:
            if all(self._take(item) for item in self._assembler.feed(data)) and self._assembler.idle:
                self._assembler = None
        except framing.Closed as closed:
            self._shut(closed.code, closed.output)

    def _take(self, item: framing.Item) -> bool:
        """One frame or message; False where the connection ends by it."""
        wait = self._bucket.take(monotonic())
        if wait and self._bucket.flooding:
            self.close(close.FLOOD, f"too many frames; wait {wait:.0f} s")
        elif item.opcode == framing.TEXT:
            self._take_text(item.payload, wait)
        elif item.opcode == framing.PING:
            self.write(framing.frame(framing.PONG, item.payload))
        elif item.opcode == framing.BINARY:
            self.close(close.UNSUPPORTED_DATA, "send text frames: JSON in UTF-8")
        return self.closing is None

    def _take_text(self, payload: bytes, wait: float) -> None:
        if not framing.is_utf8(payload):
            self.close(close.INVALID_TEXT, "text must be UTF-8")
            return
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append((payload, wait))
        if not self._serving:
            self._serving = True
            gevent.spawn(self._serve)
        elif len(self._inbox) > _INBOX and not self._paused:
            self._pause(True)

    def _serve(self) -> None:
        """The greenlet that carries out what waits, in order."""
        inbox, turn_ends = self._inbox, monotonic() + _SLICE
        while inbox and self.closing is None:
            payload, wait = inbox.popleft()
            self._worker.requests.handle(self, payload, wait)
            if monotonic() > turn_ends:
                gevent.sleep(0)
                turn_ends = monotonic() + _SLICE
        self._inbox = None
        self._serving = False
        if self._paused and self.closing is None:
            self._pause(False)

    def _pause(self, paused: bool) -> None:
        self._paused = paused
        self._watch()

    # -- what the requests ask of a client ------------------------------------------------------------------

    def send(self, event: frames.Event) -> None:
        self.write(framing.frame(framing.TEXT, frames.encode(event)))

    def room(self, gid: str) -> Conversation | None:
        return self._worker.registry.room_of(self, gid)

    def subscribe(self, snapshot: Snapshot) -> None:
        if self.closing is None:
            self._worker.registry.subscribe(self, snapshot)

    def refuse(self, error: ChatError) -> None:
        self.send(frames.error_frame(error))
        self.close(close.NOT_LOGGED_IN, "log in to the site, then come back")

    # -- out ------------------------------------------------------------------------------------------------

    def write(self, data: bytes, droppable: bool = False) -> None:
        """Hand whole frames to the socket, or queue them behind those that wait; never blocks."""
        if self.closing is not None:
            return
        if self._outbox is not None:
            self._queue(data, droppable)
            return
        try:
            sent = self._transport.write(data)
        except OSError:
            self.drop(close.ABNORMAL)
            return
        if sent != len(data) and not (sent == WOULD_BLOCK and droppable):
            self._outbox = Outbox()
            self._outbox.started(data, max(sent, 0))
            self._watch()

    def _queue(self, data: bytes, droppable: bool) -> None:
        outbox = self._outbox
        assert outbox is not None  # noqa: S101 - the caller looked
        if droppable:
            return
        if outbox.size + len(data) > _OUTBOX_BYTES:
            outbox.abandon()
            self.close(close.TOO_SLOW, "too slow; resume to get the rest")
            return
        outbox.add(data)

    def _flush(self) -> None:
        if self._outbox is not None and self._outbox.flush(self._transport):
            self._outbox = None
            self._watch()
            if self.closing is not None:
                self._transport.finish()

    def _watch(self) -> None:
        self._worker.poller.want(self.fd, read=not self._paused, write=self._outbox is not None)

    # -- the end ----------------------------------------------------------------------------------------------

    def close(self, code: int, reason: str = "") -> None:
        """End the connection with a close frame, after what waits to be sent."""
        self._shut(code, framing.close_frame(code, reason))

    def _shut(self, code: int, last: bytes) -> None:
        if self.closing is not None:
            return
        self.write(last)
        self._leave(code)
        if self._outbox is None:
            self._transport.finish()

    def _leave(self, code: int) -> None:
        """Nothing more is handed to this connection or taken from it."""
        self.closing = code
        self.deadline = monotonic() + _CLOSE_SECONDS
        self._assembler = None
        self._worker.registry.remove(self)

    def drop(self, code: int) -> None:
        """The end of everything: the descriptor is closed and nobody refers to this connection."""
        if self.closing is None:
            self._leave(code)
        if self.fd >= 0:
            self._worker.forget(self)
            self.fd = -1
            self._transport.close()

    def check_deadline(self, now: float) -> None:
        """Called about once a second."""
        if self.deadline is not None and now >= self.deadline:
            self.drop(self.closing or close.ABNORMAL)
        elif self.closing is None and self.session.overdue(now):
            self.close(close.NOT_LOGGED_IN, "no login came")
