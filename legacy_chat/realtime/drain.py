"""A worker that is told to end (TERM, HUP's old workers, QUIT, INT, its age) leaves nobody in the dark.

gunicorn itself tells sockets nothing, and does not know of parked ones. The signal handler it set is kept and called
once the sockets are done:

    stop taking → `drain` to all → what was said is committed and acked → 1012 to all → the site's tasks end → gone
"""

from __future__ import annotations

import logging
import os
import random
import signal
from collections.abc import Callable
from time import monotonic
from types import FrameType
from typing import Any, Protocol

import gevent

from . import handler

log = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)

# Seconds at the most until what was said is committed, and then for the peers to end their connections.
_COMMIT_SECONDS = 0.8
_FAREWELL_SECONDS = 0.5
# The same for functions of the site that run by themselves; after that they are ended.
_SITE_SECONDS = 0.5


class Drained(Protocol):
    """What a drain asks of a worker."""

    @property
    def busy(self) -> bool: ...

    sockets: set[Any]

    def announce_drain(self) -> None: ...

    def close_all(self) -> None: ...

    def drop_all(self) -> None: ...

    @property
    def site_busy(self) -> bool: ...

    def end_tasks(self) -> None: ...


class Drain:
    """Made in the worker's main thread, after gunicorn set its signal handlers."""

    def __init__(self, worker: Drained, max_age: float = 0):
        self.begun = False
        self._worker = worker
        self._previous = {number: signal.getsignal(number) for number in _SIGNALS}
        self._wake = gevent.get_hub().loop.async_()
        self._wake.start(self._start)
        self._signal: tuple[int, FrameType | None] | None = None
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)
        if max_age:
            # Spread, so that workers that started together do not end together.
            gevent.spawn_later(max_age * random.uniform(1.0, 1.1), os.kill, os.getpid(), signal.SIGTERM)  # noqa: S311

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Runs between any two lines of Python, so it only notes the signal and wakes the loop."""
        self._signal = number, frame
        if self.begun:
            self._pass_on()
        else:
            self._wake.send()

    def _start(self) -> None:
        if not self.begun:
            self.begun = True
            gevent.spawn(self._run)

    def _run(self) -> None:
        began, count = monotonic(), len(self._worker.sockets)
        log.info("this worker ends: %d sockets are told to come back", count, extra={"sockets": count})
        try:
            handler.waiting.end()
            self._worker.announce_drain()
            _wait(lambda: not self._worker.busy, _COMMIT_SECONDS)
            self._worker.close_all()
            _wait(lambda: not self._worker.sockets, _FAREWELL_SECONDS)
            self._worker.drop_all()
            _wait(lambda: not self._worker.site_busy, _SITE_SECONDS)
            self._worker.end_tasks()
        finally:
            seconds = round(monotonic() - began, 2)
            log.info("this worker is done in %.2f s", seconds, extra={"seconds": seconds})
            self._pass_on()

    def _pass_on(self) -> None:
        """gunicorn's own handler goes on from here."""
        number, frame = self._signal or (signal.SIGTERM, None)
        previous = self._previous[signal.Signals(number)]
        if callable(previous):
            previous(number, frame)


def _wait(done: Callable[[], bool], seconds: float) -> None:
    ends = monotonic() + seconds
    while not done() and monotonic() < ends:
        gevent.sleep(0.005)
