"""What one connection still has to be sent: a queue bounded in bytes, made only when the socket is full."""

from __future__ import annotations

from collections import deque

from .transport import WOULD_BLOCK, Transport

# What is said at one moment may come in several turns of the loop. A reader who does read gets through it, so for a
# moment so many times the limit may wait.
_BURST = 8
_BURST_SECONDS = 0.25


class Outbox:
    """Frames in their order; the first may have gone out in part."""

    __slots__ = ("_frames", "_over_since", "_sent", "size")

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._sent = 0
        self._over_since: float | None = None  # since when more waits than the limit
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._frames)

    def takes(self, size: int, limit: int, now: float) -> bool:
        """Whether `size` bytes more may wait: up to the limit, and beyond it while a burst passes."""
        if self.size <= limit:
            self._over_since = None
        if self.size + size <= limit:
            return True
        if self._over_since is None:
            self._over_since = now
        return self.size + size <= _BURST * limit and now - self._over_since <= _BURST_SECONDS

    def stuck(self, limit: int, idle: float) -> bool:
        """More than the limit waits, and nothing of it went out for `idle` seconds."""
        return self.size > limit and idle > _BURST_SECONDS

    def add(self, data: bytes) -> None:
        self._frames.append(data)
        self.size += len(data)

    def started(self, data: bytes, sent: int) -> None:
        """Keep the rest of data whose first `sent` bytes went out before there was a queue."""
        self.add(data)
        self._sent = sent
        self.size -= sent

    def flush(self, transport: Transport) -> bool:
        """Write what the socket takes; True when nothing is left. Raises OSError."""
        while self._frames:
            rest = memoryview(self._frames[0])[self._sent :]
            sent = transport.write(rest)
            if sent == WOULD_BLOCK:
                return False
            self.size -= sent
            if sent < len(rest):
                self._sent += sent
                return False
            self._frames.popleft()
            self._sent = 0
        return True

    def abandon(self) -> None:
        """Drop all but the first frame: one that went out in part must be finished (RFC 6455 §5.4).

        TLS may have taken it without saying so, and wants the same bytes again (SSL_write(3)).
        """
        while len(self._frames) > 1:
            self.size -= len(self._frames.pop())
