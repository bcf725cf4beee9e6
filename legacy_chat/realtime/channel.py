"""A room in this worker: what one turn of the loop says in it is joined and written once to each member.

The floor of a fan-out is the kernel's `send`, about 3 µs; only fewer of them beat it. At rest a frame goes out in the
turn in which it came, under load many frames share a write, without any timer. A crowd is written to section by
section, and between two of them everybody else gets the loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Generic

import gevent

from ..core.model import Conversation
from . import section
from .multisend import Multisend
from .section import C, Section

# What one turn of the loop may cost, in bytes as sections count them: 256 small writes, 1 to 3 ms by the machine.
_TURN = 1 << 19


class Channel(Generic[C]):
    __slots__ = ("_multisend", "_scheduled", "_sections", "_waiting", "conversation")

    def __init__(self, conversation: Conversation, sender: Multisend):
        self.conversation = conversation
        self._multisend = sender
        self._sections: list[Section[C]] = []
        self._waiting: deque[Section[C]] = deque()  # in the order in which they got something to write
        self._scheduled = False

    def __len__(self) -> int:
        return sum(map(len, self._sections))

    def __iter__(self) -> Iterator[C]:
        return chain.from_iterable(self._sections)

    def _section_of(self, connection: C) -> Section[C] | None:
        return next((part for part in self._sections if connection in part), None)

    def __contains__(self, connection: C) -> bool:
        return self._section_of(connection) is not None

    def enter(self, connection: C) -> None:
        if connection not in self:
            self._free_section().enter(connection)

    def _free_section(self) -> Section[C]:
        for part in self._sections:
            if len(part) < section.SIZE:
                return part
        self._sections.append(Section(self._multisend))
        return self._sections[-1]

    def leave(self, connection: C) -> None:
        part = self._section_of(connection)
        if part is not None:
            part.leave(connection)

    def replace(self, connection: C) -> None:
        """The connection's socket is full, or free again."""
        part = self._section_of(connection)
        if part is not None:
            part.replace(connection)

    def send(self, data: bytes, skip: int | None = None) -> None:
        """A frame for everybody, at the end of this turn of the loop.

        `skip` is the client_id of the one who is not to get it, and who is not `direct`.
        """
        for part in self._sections:
            if not part.waits:
                self._waiting.append(part)
            part.add(data, skip)
        if self._waiting and not self._scheduled:
            self._scheduled = True
            gevent.get_hub().loop.run_callback(self._turn)

    def _turn(self) -> None:
        """Write to those sections that wait longest, and come back for the rest."""
        budget = _TURN
        while self._waiting and budget > 0:
            part = self._waiting.popleft()
            if part.waits:
                budget -= part.write()
            if part.waits:
                self._waiting.append(part)
        self._scheduled = bool(self._waiting)
        if self._scheduled:
            # By a timer: callbacks run before the loop looks at its sockets again.
            gevent.spawn_later(0, self._turn)

    def flush(self) -> None:
        """Write all that waits now."""
        for part in self._sections:
            part.flush()

    def send_but(self, skip: int | None, data: bytes, droppable: bool) -> None:
        """A frame for everybody but one connection, at once."""
        self.flush()
        for connection in list(self):
            if connection.client_id != skip:
                connection.write(data, droppable)
