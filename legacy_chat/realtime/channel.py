"""A room in this worker: what one turn of the loop says in it is joined and written once to each member.

The floor of a fan-out is the kernel's `send`, about 3 µs; only fewer of them beat it. At rest a frame goes out in the
turn in which it came, under load many frames share a write, without any timer.

Members whose socket took everything so far are kept as bare descriptors, so that the loop over them touches nothing but
the kernel. Whoever has something queued (a slow reader) or no descriptor to write to (TLS) is written to one by one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import gevent

from ..core.model import Conversation
from .connection import Connection
from .transport import WOULD_BLOCK


class Channel:
    __slots__ = ("_direct", "_frames", "_others", "_waiting", "conversation")

    def __init__(self, conversation: Conversation):
        self.conversation = conversation
        self._direct: dict[int, Connection] = {}
        self._others: set[Connection] = set()
        self._waiting: list[bytes] = []
        self._frames = 0  # ever handed out; a member's share is counted when it leaves

    def __len__(self) -> int:
        return len(self._direct) + len(self._others)

    def __iter__(self) -> Iterator[Connection]:
        return iter([*self._direct.values(), *self._others])

    def __contains__(self, connection: object) -> bool:
        return connection in self._others or getattr(connection, "fd", -1) in self._direct

    def enter(self, connection: Connection) -> None:
        if connection not in self:
            self.flush()
            connection.frames_out -= self._frames
            self._place(connection)

    def leave(self, connection: Connection) -> None:
        if connection in self:
            connection.frames_out += self._frames
            self._direct.pop(connection.fd, None)
            self._others.discard(connection)

    def replace(self, connection: Connection) -> None:
        """The connection's socket is full, or free again."""
        if connection in self:
            self._direct.pop(connection.fd, None)
            self._others.discard(connection)
            self._place(connection)

    def _place(self, connection: Connection) -> None:
        if connection.direct:
            self._direct[connection.fd] = connection
        else:
            self._others.add(connection)

    def send(self, data: bytes) -> None:
        """A frame for everybody, at the end of this turn of the loop."""
        if not self._waiting:
            gevent.get_hub().loop.run_callback(self.flush)
        self._waiting.append(data)

    def flush(self) -> None:
        """Write what waits; called early before members change, so that each gets what was said in their time."""
        if not self._waiting:
            return
        self._frames += len(self._waiting)
        data, self._waiting = b"".join(self._waiting), []
        others = list(self._others)  # before those whose socket gets full now come to them
        for connection, sent in self._write_direct(data):
            connection.unfinished(data, sent)
        for connection in others:
            connection.write(data)
            connection.frames_out -= 1  # it is in our own count

    def _write_direct(self, data: bytes) -> list[tuple[Connection, int]]:
        """Those whose socket did not take it all, with what it took; WOULD_BLOCK for nothing, less for an error."""
        write, size, troubled = os.write, len(data), []
        for fd in self._direct:
            try:
                sent = write(fd, data)
            except BlockingIOError:
                sent = WOULD_BLOCK
            except OSError:
                sent = WOULD_BLOCK - 1
            if sent != size:
                troubled.append((self._direct[fd], sent))
        return troubled

    def send_but(self, skip: int | None, data: bytes, droppable: bool) -> None:
        """A frame for everybody but one connection, at once."""
        self.flush()
        for connection in self:
            if connection.client_id != skip:
                connection.write(data, droppable)
