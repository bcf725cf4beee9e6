"""Some members of a room, at most as many as one turn of the loop may write to.

Members whose socket took everything so far are kept as bare descriptors, so that a write to all of them touches
nothing but the kernel. Whoever has something queued (a slow reader) or no descriptor to write to (TLS) is written to
one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from ..core.metrics import DELIVERIES, FRAMES_SENT
from . import multisend
from .admitted import Admitted
from .multisend import Multisend, Targets

SIZE = multisend.MOST

# Bytes in one call, over all members: 4 KiB for each of 256 take about 2 ms.
_BYTES = 1 << 20
# What a write costs beside its bytes, in bytes that could be copied meanwhile.
_WRITE = 2000


C = TypeVar("C", bound=Admitted)


class _ButFor(bytes):
    """A frame for all but one, `client_id`."""

    client_id: int


class Section(Generic[C]):
    __slots__ = ("_direct", "_frames", "_multisend", "_others", "_targets", "_waiting")

    def __init__(self, sender: Multisend):
        self._multisend = sender
        self._direct: dict[int, C] = {}
        self._targets: Targets | None = None  # for all of `_direct`
        self._others: set[C] = set()
        self._waiting: list[bytes] = []
        self._frames = 0  # ever handed out; a member's share is counted when it leaves

    def __len__(self) -> int:
        return len(self._direct) + len(self._others)

    def __iter__(self) -> Iterator[C]:
        return iter([*self._direct.values(), *self._others])

    def __contains__(self, connection: object) -> bool:
        return connection in self._others or getattr(connection, "fd", -1) in self._direct

    def enter(self, connection: C) -> None:
        self.flush()
        connection.frames_out -= self._frames
        self._place(connection)

    def leave(self, connection: C) -> None:
        connection.frames_out += self._frames
        self._remove(connection)

    def replace(self, connection: C) -> None:
        """The connection's socket is full, or free again."""
        self._remove(connection)
        self._place(connection)

    def _place(self, connection: C) -> None:
        if connection.direct:
            self._direct[connection.fd] = connection
            self._targets = None
        else:
            self._others.add(connection)

    def _remove(self, connection: C) -> None:
        if self._direct.pop(connection.fd, None) is not None:
            self._targets = None
        self._others.discard(connection)

    def add(self, data: bytes, skip: int | None = None) -> None:
        """A frame for everybody, with the next `flush`; not for the one of this client_id, who must not be `direct`."""
        if skip is not None:
            data = _ButFor(data)
            data.client_id = skip
        self._waiting.append(data)

    @property
    def waits(self) -> bool:
        return bool(self._waiting)

    def flush(self) -> None:
        """Write all that waits; called before members change, so that each gets what was said in their time."""
        while self._waiting:
            self.write()

    def write(self) -> int:
        """Write what waits, or as much of it as one turn may take; the cost, in bytes."""
        frames = self._take()
        data = b"".join(frames)
        self._frames += len(frames)
        handed = len(frames) * len(self)
        others = list(self._others)  # before those whose socket gets full now come to them
        direct = self._direct
        if self._targets is None:
            self._targets = self._multisend.targets(direct)
        for connection, sent in [(direct[fd], sent) for fd, sent in self._targets.send(data)]:
            connection.unfinished(data, sent)
        skipped = {frame.client_id for frame in frames if isinstance(frame, _ButFor)}
        for connection in others:
            if skipped and connection.client_id in skipped:
                handed -= _write_some(connection, frames)
            else:
                connection.write(data)
                connection.frames_out -= 1  # it is in our own count
        counts = self._multisend.counts
        counts[DELIVERIES] += handed
        counts[FRAMES_SENT] += handed - len(others)  # each of them counted one, the joined data
        return len(self) * (len(data) + _WRITE)

    def _take(self) -> list[bytes]:
        waiting, size = self._waiting, 0
        most = _BYTES // len(self) if len(self) else _BYTES
        for count, frame in enumerate(waiting):
            size += len(frame)
            if size > most and count:
                self._waiting = waiting[count:]
                return waiting[:count]
        self._waiting = []
        return waiting


def _write_some(connection: Admitted, frames: list[bytes]) -> int:
    """Those that are for this one, though the section counts them all; how many are not."""
    some = [frame for frame in frames if getattr(frame, "client_id", None) != connection.client_id]
    if some:
        connection.write(b"".join(some))
        connection.frames_out -= 1
    connection.frames_out -= len(frames) - len(some)
    return len(frames) - len(some)
