"""Pushes that were planned: each round happens once, over restarts and with two workers side by side."""

from __future__ import annotations

import logging

import msgspec

from ..core.push import Errand, Push
from ..errors import ChatError, Internal, Unavailable
from ..storage import schedule
from ..storage.database import Connection
from ..storage.schedule import Planned
from .parts import Parts
from .push import Pushes

log = logging.getLogger(__name__)

# Milliseconds between two looks: the most by which another process's plan is late.
_LOOK = 1000

# What is for open pages waits until pages had the time to come back after a restart.
_RETURN = 5000

_decode = msgspec.json.Decoder(Push).decode


class Schedule:
    def __init__(self, parts: Parts, pushes: Pushes):
        self._parts = parts
        self._pushes = pushes
        self._events_from = parts.clock() + _RETURN
        self._unread: set[str] = set()

    def run(self) -> float:
        """Carry out what is due; the seconds until the next look. Raises `Unavailable` where the store is ill."""
        now = self._parts.clock()
        due, upcoming = self._parts.read(lambda c: (schedule.due(c, now), schedule.next_after(c, now)))
        carried_out = [self._run(planned, now) for planned in due]
        if any(carried_out):
            return 0.0  # a round may have come up meanwhile
        wait = _LOOK if upcoming is None else upcoming - self._parts.clock()
        return min(max(wait, 0), _LOOK) / 1000

    def _run(self, planned: Planned, now: int) -> bool:
        """Whether it was its turn."""
        push = self._read(planned)
        if push is None or (not push.durable and now < self._events_from):
            return False

        def claim(connection: Connection) -> bool:
            return schedule.claim(connection, planned, now)

        try:
            self._pushes.carry_out(Errand(push, f"at:{planned.id}:{planned.due}"), claim)
        except Unavailable:
            raise
        except Internal:  # as its log says; the others have their turn, and this one has it again
            return False
        except ChatError as error:  # such as a room that is gone: this round cannot be carried out
            log.error("the planned push %s was not sent: %s", planned.id, error.message)
            self._parts.writer.call(claim)
        return True

    def _read(self, planned: Planned) -> Push | None:
        """None where another version planned it: it stays, is logged once, and holds up no other."""
        try:
            return _decode(planned.push)
        except msgspec.MsgspecError as error:
            if planned.id not in self._unread:
                self._unread.add(planned.id)
                log.error("the planned push %s cannot be read: %s", planned.id, error)
            return None
