"""Blocking work in native threads, so that the loop stays free."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar, cast

import gevent
from gevent import monkey

from .turns import SLICE

T = TypeVar("T")

# How long a native thread may keep the interpreter lock while the loop waits for it; Python's own 5 ms are felt.
_SWITCH_SECONDS = 0.0001

_new_lock = monkey.get_original("_thread", "allocate_lock")
_start_thread = monkey.get_original("_thread", "start_new_thread")
_thread_id = monkey.get_original("_thread", "get_native_id")
_sleep = monkey.get_original("time", "sleep")

# How long the process's end waits for work that is under way.
_LAST_SECONDS = 0.5

_at_work: set[int] = set()  # threads


class Threads:
    """One thread of its own for the writer, so that commits follow each other; the loop's pool for the rest.

    The writer has one piece of work at a time. Handing it over takes one lock and one wake-up of the loop, a
    fraction of what a pool needs.
    """

    def __init__(self) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._loop = _thread_id()
        self._given = _new_lock()
        self._given.acquire()
        self._work: tuple[Callable[[], Any], Callable[[Any], None]] | None = None
        self._result: Any = None
        self._finished = gevent.get_hub().loop.async_()
        self._finished.start(self._hand_back)
        _start_thread(self._run, ())

    def start(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self._work = work, done
        self._given.release()

    def _run(self) -> None:
        """The writer's thread."""
        while True:
            self._given.acquire()
            assert self._work is not None  # noqa: S101 - given with the lock
            self._result = _noted(self._work[0])
            self._finished.send()

    def _hand_back(self) -> None:
        """In the hub."""
        assert self._work is not None  # noqa: S101 - the thread has just done it
        done, result = self._work[1], self._result
        self._work = self._result = None
        done(result)

    def call(self, work: Callable[[], T]) -> T:
        if _thread_id() != self._loop:  # a native thread of the site's own: it may wait by itself
            return work()
        result, error = gevent.get_hub().threadpool.apply(_outcome, (work,))
        if error is not None:
            raise error
        return cast(T, result)

    def repeat(self, step: Callable[[], bool]) -> None:
        ends = monotonic() + SLICE
        while step():
            if monotonic() >= ends:
                gevent.spawn_later(0, self.repeat, step)
                return


def _outcome(work: Callable[[], T]) -> tuple[T | None, Exception | None]:
    """The result or the error as a value: gevent prints a traceback for what a native thread raises."""
    try:
        return _noted(work), None
    except Exception as error:
        return None, error


def _noted(work: Callable[[], T]) -> T:
    _at_work.add(_thread_id())
    try:
        return work()
    finally:
        _at_work.discard(_thread_id())


@atexit.register
def _wait_at_exit() -> None:
    """A process that a signal ends in the midst of a query lets it finish: what Python clears away at its exit must
    not change meanwhile."""
    ends = monotonic() + _LAST_SECONDS
    while _at_work and monotonic() < ends:
        _sleep(0.001)
