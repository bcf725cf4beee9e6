"""One WebSocket: bytes in and out of an accepted socket, framed, limited, kept alive and ended in order.

    open ──close(), or the peer's close──▶ closing (our close frame is on its way) ──the stream ends, or 2 s──▶ gone

It is parked between frames: its descriptor waits in the poller and nothing else is kept running. What it waits for (the
rest of a frame, a pong, a reader that reads, the peer's end) has a time limit; `check` looks about once a second.
"""

from __future__ import annotations

from time import monotonic
from typing import NamedTuple, Protocol

from ..core import close
from ..core.limits import Rate, TokenBucket
from ..core.metrics import CLOSES, FRAMES_DROPPED, FRAMES_RECEIVED, FRAMES_SENT, Counts
from ..settings import Settings
from . import framing
from .outbox import Outbox
from .poller import ERROR, WRITE, Poller
from .transport import WOULD_BLOCK, PlainTransport, Transport

# Bytes read at a time: even as the smallest frames they take no more than a few milliseconds.
_READ = 16384


class Limits(NamedTuple):
    """What a peer may send, and how much may wait for it."""

    message_bytes: int
    fragments: int
    rate: Rate
    outbox_bytes: int


class Owner(Protocol):
    """Whoever keeps the open sockets."""

    settings: Settings
    poller: Poller
    counts: Counts

    def forget(self, socket: WebSocket) -> None:
        """The socket is about to be closed."""


class WebSocket:
    """Subclasses say what happens with messages (`received`) and on the way out (`left`)."""

    transport = "websocket"  # as logs and metrics call it

    __slots__ = (
        "_assembler",
        "_bucket",
        "_heard_at",
        "_limits",
        "_outbox",
        "_owner",
        "_paused",
        "_pinged_at",
        "_since",
        "_transport",
        "_waits_since",
        "closing",
        "fd",
        "frames_in",
        "frames_out",
    )

    def __init__(self, owner: Owner, transport: Transport, limits: Limits):
        now = monotonic()
        self.fd = transport.fd
        self.closing: int | None = None
        self.frames_in = self.frames_out = 0
        self._owner = owner
        self._transport = transport
        self._limits = limits
        self._bucket = TokenBucket(limits.rate, now)
        self._assembler: framing.Assembler | None = None
        self._outbox: Outbox | None = None
        self._paused = False
        self._heard_at = now
        self._pinged_at: float | None = None
        self._since = now  # closing: when our close frame was sent; before: when the unfinished message began
        self._waits_since = now  # when the outbox last got anything away

    def received(self, opcode: int, payload: bytes, wait: float) -> None:
        """A whole message. `wait` seconds are missing in the rate limit; 0 is within it."""
        raise NotImplementedError

    def left(self, code: int) -> None:
        """Nothing more comes in or goes out; called once."""

    def directed(self) -> None:
        """`direct` has changed."""

    # -- in -----------------------------------------------------------------------------------------------

    def on_events(self, events: int) -> None:
        """The poller's call, in the hub."""
        try:
            if events & WRITE:
                self._flush()
            if events & ~WRITE:
                self._read(gone=bool(events & ERROR))
        except OSError:
            self.drop(close.ABNORMAL)

    def _read(self, gone: bool = False) -> None:
        data = self._transport.read(_READ)
        if data == b"" or (gone and self._paused):
            self.drop(close.ABNORMAL)
        elif data and self.closing is None:
            self.receive(data)
            if self.fd >= 0 and self._transport.pending():
                self._read()
        # Once our close frame is out, what the peer still says is read and thrown away until its stream ends.

    def receive(self, data: bytes) -> None:
        """Bytes from the peer, in order."""
        self._heard_at = monotonic()
        self._pinged_at = None
        if self._assembler is None:
            items, end = framing.whole_frames(data, self._limits.message_bytes)
            if not all(self._take(item) for item in items) or end == len(data):
                return
            data = data[end:]
            self._assembler = framing.Assembler(self._limits.message_bytes, self._limits.fragments)
            self._since = self._heard_at
        self._assemble(self._assembler, data)

    def _assemble(self, assembler: framing.Assembler, data: bytes) -> None:
        try:
            if all(self._take(item) for item in assembler.feed(data)) and assembler.idle:
                self._assembler = None
        except framing.Closed as closed:
            self._shut(closed.code, closed.output)

    def _take(self, item: framing.Item) -> bool:
        """One frame or message; False where the connection ends by it."""
        self.frames_in += 1
        self._owner.counts[FRAMES_RECEIVED] += 1
        wait = self._bucket.take(self._heard_at)
        if wait and self._bucket.flooding:
            self.close(close.FLOOD, f"too many frames; wait {wait:.0f} s")
        elif item.opcode == framing.PING:
            self.write(framing.frame(framing.PONG, item.payload))
        elif item.opcode in (framing.TEXT, framing.BINARY):
            self._since = self._heard_at
            self._take_message(item, wait)
        return self.closing is None

    def _take_message(self, item: framing.Item, wait: float) -> None:
        if item.opcode == framing.TEXT and not framing.is_utf8(item.payload):
            self.close(close.INVALID_TEXT, "text must be UTF-8")
        else:
            self.received(item.opcode, item.payload, wait)

    def pause(self, paused: bool) -> None:
        """Read no further until those that came are done."""
        self._paused = paused
        self._watch()

    # -- out ------------------------------------------------------------------------------------------------

    def write(self, data: bytes, droppable: bool = False) -> None:
        """Hand whole frames to the socket, or queue them behind those that wait; never blocks.

        What is `droppable` is not queued: a slow reader does without it.
        """
        if self.closing is not None:
            return
        if self._outbox is not None and (droppable or self._overflows(self._outbox, data)):
            self._owner.counts[FRAMES_DROPPED] += droppable
            return
        self._put(data, droppable)

    def _overflows(self, outbox: Outbox, data: bytes) -> bool:
        if outbox.takes(len(data), self._limits.outbox_bytes, monotonic()):
            return False
        self._give_up(outbox)
        return True

    def _give_up(self, outbox: Outbox) -> None:
        outbox.abandon()
        self.close(close.TOO_SLOW, "too slow; resume to get the rest")

    def _put(self, data: bytes, droppable: bool = False) -> None:
        self.frames_out += 1
        self._owner.counts[FRAMES_SENT] += 1
        if self._outbox is not None:
            self._outbox.add(data)
            return
        try:
            sent = self._transport.write(data)
        except OSError:
            self.drop(close.ABNORMAL)
            return
        if sent == WOULD_BLOCK and droppable and self.direct:
            self._owner.counts[FRAMES_DROPPED] += 1
        elif sent != len(data):
            self._start_outbox(data, max(sent, 0))

    @property
    def queued(self) -> int:
        """Bytes that wait for a peer who does not read."""
        return 0 if self._outbox is None else self._outbox.size

    @property
    def direct(self) -> bool:
        """Its descriptor may be written to past this object, as long as everything is taken."""
        return self._outbox is None and self.closing is None and isinstance(self._transport, PlainTransport)

    def unfinished(self, data: bytes, sent: int) -> None:
        """Somebody wrote to the descriptor, and it took only `sent` bytes (below WOULD_BLOCK: it failed)."""
        if self.closing is not None:
            return
        if sent < WOULD_BLOCK:
            self.drop(close.ABNORMAL)
        else:
            self._start_outbox(data, max(sent, 0))

    def _start_outbox(self, data: bytes, sent: int) -> None:
        self._outbox = Outbox()
        self._outbox.started(data, sent)
        self._waits_since = monotonic()
        self._watch()
        self.directed()

    def _flush(self) -> None:
        if self._outbox is None:
            return
        before = self._outbox.size
        if self._outbox.flush(self._transport):
            self._outbox = None
            self._watch()
            self.directed()
            if self.closing is not None:
                self._transport.finish()
        elif self._outbox.size < before:
            self._waits_since = monotonic()

    def _watch(self) -> None:
        self._owner.poller.want(self.fd, read=not self._paused, write=self._outbox is not None)

    # -- the end ----------------------------------------------------------------------------------------------

    def close(self, code: int, reason: str = "") -> None:
        """End the connection with a close frame, after what waits to be sent."""
        self._shut(code, framing.close_frame(code, reason))

    def _shut(self, code: int, last: bytes) -> None:
        if self.closing is None:
            self._put(last)
        if self.closing is not None:  # it was, or writing found nobody there
            return
        self._leave(code)
        if self._outbox is None:
            self._transport.finish()
        if self._paused:
            self.pause(False)  # to see the end of the stream

    def _leave(self, code: int) -> None:
        self.closing = code
        self._owner.counts[CLOSES[code]] += 1
        self._since = monotonic()
        self._assembler = None
        self.left(code)

    def drop(self, code: int) -> None:
        """The end of everything: the descriptor is closed and nobody refers to this connection.

        `code` is what the log says, unless a close frame said something before.
        """
        if self.closing is None:
            self._leave(code)
        if self.fd >= 0:
            self._owner.forget(self)
            self.fd = -1
            self._transport.close()

    # -- time -------------------------------------------------------------------------------------------------

    def check(self, now: float) -> None:
        """Look at the time limits; called about once a second."""
        s = self._owner.settings
        if self.closing is not None:
            if now - self._since >= s.close_seconds:
                self.drop(self.closing)
        elif self._outbox is not None and now - self._waits_since >= s.write_seconds:
            self.drop(close.TOO_SLOW)
        elif self._outbox is not None and self._outbox.stuck(self._limits.outbox_bytes, now - self._waits_since):
            self._give_up(self._outbox)
        elif self._assembler is not None and now - self._since >= s.frame_seconds:
            self.close(close.POLICY, f"a frame or message was not finished in {s.frame_seconds:.0f} s")
        else:
            self._check_pulse(now, s)

    def _check_pulse(self, now: float, s: Settings) -> None:
        if self._pinged_at is not None:
            if now - self._pinged_at >= s.pong_seconds:
                self.drop(close.ABNORMAL)
        elif now - self._heard_at >= s.ping_seconds:
            self._pinged_at = now
            self.write(framing.frame(framing.PING, b""))

    def excuse(self, seconds: float) -> None:
        """The server itself stood still: nobody else is to blame for that time."""
        self._since += seconds
        self._waits_since += seconds
        if self._pinged_at is not None:
            self._pinged_at += seconds
