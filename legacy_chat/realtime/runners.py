"""Greenlets for what came in: one for all that is ready in a turn of the loop, one more whenever it has to wait.

A greenlet for each message would cost more than most messages do. Here one takes the connections that are ready, in
order; when one of them blocks (on the database, on a commit), the next greenlet goes on with the rest at once.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from time import monotonic

import gevent

from .turns import SLICE

log = logging.getLogger(__name__)


class Runners:
    def __init__(self) -> None:
        self._loop = gevent.get_hub().loop
        self._ready: deque[Callable[[], None]] = deque()
        self._scheduled = False
        self._resting = 0
        self._turn_ends = 0.0
        self._idle: gevent.Greenlet | None = None

    def add(self, job: Callable[[], None]) -> None:
        """Run `job` in a greenlet soon, after what was added before has begun."""
        self._ready.append(job)
        if not self._scheduled:
            self._scheduled = True
            self._loop.run_callback(self._start)

    def _start(self) -> None:
        """In the hub: go on with what is ready, unless somebody who only rests will."""
        if not self._ready:
            self._scheduled = False
            return
        if not self._resting:
            self._go_on()
        # After that greenlet has run out of work, or blocked.
        self._loop.run_callback(self._start)

    def _go_on(self) -> None:
        if self._idle is None:
            gevent.spawn(self._run)
        else:
            idle, self._idle = self._idle, None
            idle.switch()

    def _run(self) -> None:
        """In a greenlet: what is ready; one greenlet then stays for the next turn, as each new one costs pages."""
        while self._idle is None:
            self._run_ready()
            if self._idle is None:
                self._idle = gevent.getcurrent()
                gevent.get_hub().switch()

    def _run_ready(self) -> None:
        self._turn_ends = monotonic() + SLICE
        while self._ready:
            try:
                self._ready.popleft()()
            except Exception:
                log.exception("a connection's work failed")
            self.rest()

    def rest(self) -> None:
        """Let others run, if this turn has been long; called between two pieces of work."""
        if monotonic() < self._turn_ends:
            return
        self._resting += 1
        gevent.sleep(0)
        self._resting -= 1
        self._turn_ends = monotonic() + SLICE
