"""Who keeps the event loop from going round? A watchdog inside the server, for tests only.

A stretch is what runs between two moments in which somebody else could get a turn: a switch of greenlets, or the
loop's look at its sockets. One that lasts longer than `LIMIT` is written to the file `WATCHDOG_FILE`, a JSON line
each, with the stack that was seen somewhere in its second half. Time in which the process was ready but the machine ran
something else is not counted.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from time import monotonic, thread_time

import gevent
import greenlet
from gevent import monkey

LIMIT = 0.005
_LOOK = 0.001  # the native thread's pause between two looks

_sleep = monkey.get_original("time", "sleep")
_get_ident = monkey.get_original("_thread", "get_ident")
_start_thread = monkey.get_original("_thread", "start_new_thread")


class Watchdog:
    def __init__(self, file: Path):
        self._file = file
        self._thread = _get_ident()
        self._schedule = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
        self._began: tuple[float, float, float] | None = None
        self._stack: list[str] = []
        self._number = 0
        loop = gevent.get_hub().loop
        # gevent runs its callbacks in a `prepare` of its own: ours come last before the wait, and first after it.
        self._watchers = [loop.prepare(priority=loop.MINPRI), loop.check(priority=loop.MAXPRI)]
        self._watchers[0].start(self._rest)
        self._watchers[1].start(self._mark)
        greenlet.settrace(lambda *_: self._mark())
        _start_thread(self._look, ())

    def _waited(self) -> float:
        """Seconds that the loop's thread has been ready without being run, from the beginning."""
        return int(os.pread(self._schedule, 100, 0).split()[1]) / 1e9

    def _mark(self) -> None:
        """A stretch ends here and the next one begins."""
        self._rest()
        self._began = monotonic(), self._waited(), thread_time()

    def _rest(self) -> None:
        """A stretch ends here: the loop waits."""
        if self._began is None:
            return
        began, waited, worked = self._began
        self._began = None
        self._number += 1
        seconds = monotonic() - began - (self._waited() - waited)
        if seconds > LIMIT:
            self._tell(seconds, thread_time() - worked)
        self._stack = []

    def _tell(self, seconds: float, worked: float) -> None:
        with self._file.open("a") as file:
            file.write(json.dumps({"ms": _ms(seconds), "cpu_ms": _ms(worked), "stack": self._stack}) + "\n")

    def _look(self) -> None:
        """The native thread: note what runs when half of the limit is over, and again after twice that time each."""
        seen, pause = -1, LIMIT / 2
        while True:
            _sleep(_LOOK)
            began, number = self._began, self._number
            if number != seen:
                seen, pause = number, LIMIT / 2
            if began is None or monotonic() - began[0] < pause:
                continue
            frame = sys._current_frames().get(self._thread)
            if frame is not None and number == self._number:
                self._stack, pause = _stack(frame), 2 * pause


def _stack(frame) -> list[str]:
    """Innermost last. By hand: the library's own way reads the source files, and all wait for that."""
    calls = []
    while frame is not None:
        calls.append(f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    return calls[::-1]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def watch(app):
    """The app, with a watchdog once `/watch` was asked for, and a page that blocks on purpose."""
    running = []

    def watched(environ, start_response):
        if environ["PATH_INFO"] == "/watch" and not running:
            running.append(Watchdog(Path(os.environ["WATCHDOG_FILE"])))
        if environ["PATH_INFO"] == "/block":
            block_on_purpose()
        return app(environ, start_response)

    return watched


def block_on_purpose() -> None:
    _sleep(0.2)
