"""Looks at what only a look can tell: what is open now, what waits, and how late the loop wakes whoever sleeps.

Everything else is counted where it happens. Once a second the counts are put down for whoever asks another worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Protocol

import gevent

from ..core.metrics import (
    COMMIT_QUEUE,
    CONNECTIONS,
    LOOP_DELAY,
    OUTBOX_BYTES,
    PEOPLE,
    SLOW_CONNECTIONS,
    Counts,
)  # fmt: skip
from .turns import in_turns
from .websocket import WebSocket

log = logging.getLogger(__name__)

_LOOK = 1.0
_NAP = 0.2


class Measured(Protocol):
    """What a meter asks of a worker."""

    counts: Counts

    @property
    def sockets(self) -> Iterable[WebSocket]: ...

    @property
    def people(self) -> int: ...

    @property
    def polls(self) -> int:
        """Polls that are held."""

    @property
    def commit_queue(self) -> int:
        """Jobs that wait for the next transaction."""


class Meter:
    """`write` puts the counts down; it may wait, but must not block."""

    def __init__(self, worker: Measured, write: Callable[[], None]):
        self._worker = worker
        self._counts = worker.counts
        self._write = write

    def start(self) -> list[gevent.Greenlet]:
        return [gevent.spawn(self._look_again), gevent.spawn(self._nap_again)]

    def _look_again(self) -> None:
        while True:
            try:
                self.look()
                self._write()
            except Exception:
                log.exception("the metrics are not up to date")
            gevent.sleep(_LOOK)

    def look(self) -> None:
        counts, worker = self._counts, self._worker
        open_now = dict.fromkeys(CONNECTIONS.values(), 0)
        waiting = slow = 0
        for socket in in_turns(worker.sockets):
            open_now[CONNECTIONS[socket.transport]] += 1
            if socket.queued:
                waiting, slow = waiting + socket.queued, slow + 1
        open_now[CONNECTIONS["polling"]] = worker.polls
        for place, count in open_now.items():
            counts[place] = count
        counts[OUTBOX_BYTES], counts[SLOW_CONNECTIONS] = waiting, slow
        counts[PEOPLE], counts[COMMIT_QUEUE] = worker.people, worker.commit_queue

    def _nap_again(self) -> None:
        """Sleep a little, and note by how much it was more."""
        while True:
            began = monotonic()
            gevent.sleep(_NAP)
            LOOP_DELAY.observe(self._counts, max(0.0, monotonic() - began - _NAP))
