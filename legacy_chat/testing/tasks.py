"""What the site lets the chat do later or beside, in a test: each task runs when the clock gets to it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import Context
from typing import Any

from ..actions.tasks import Task
from .clock import Clock

# Tasks at one moment: more start each other without end.
_MOST = 10_000


class Tasks:
    """`after`, `spawn` and `every` of one app, in the thread of the test. What a task raises, the test sees."""

    def __init__(self, clock: Callable[[], int], context: Callable[[], AbstractContextManager[Any]]):
        self._clock = clock
        self._context = context
        self._waiting: list[tuple[int, int, Task]] = []  # by when they are due
        self._numbers = itertools.count()

    @contextmanager
    def instead_of_worker(self, state: Any) -> Iterator[None]:
        """Meanwhile the tasks of this app come here, those that were declared at import first."""
        state.start_elsewhere = self.start
        for task in state.hooks.tasks.begin(self.start):
            self.start(task)
        try:
            yield
        finally:
            state.start_elsewhere = None
            state.hooks.tasks.end(self.start)

    def start(self, task: Task) -> None:
        """Let it wait for its time."""
        now = self._clock()
        # As in a worker: round n is due n periods after the epoch.
        due = (now // task.ms + 1) * task.ms if task.kind == "every" else now + task.ms
        heapq.heappush(self._waiting, (due, next(self._numbers), task))

    def run(self, clock: Clock, until: int) -> None:
        """Run what is due until then, each at its own time. Raises what they raise."""
        at_once = 0
        while self._waiting and self._waiting[0][0] <= until:
            due, _, task = heapq.heappop(self._waiting)
            if task.cancelled:
                continue
            at_once = at_once + 1 if due <= clock.now else 0
            if at_once > _MOST:
                raise RuntimeError(f"{_MOST} tasks ran at one moment: {task!r} is started again and again")
            clock.now = max(clock.now, due)
            self._run_one(task)

    def _run_one(self, task: Task) -> None:
        try:
            Context().run(self._in_context, task)
        finally:
            if task.kind == "every":
                self.start(task)

    def _in_context(self, task: Task) -> None:
        with self._context():
            task.call()
