"""What came in and was not asked for yet, and where the one who asks stands."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic

from ..core.frames import Event, Resume
from .life import Life
from .stream import Cursor, Step

# Events that wait before the socket is read no further.
SIZE = 10_000


class Inbox:
    """`urgent` says that somebody waits for an answer, which may lie behind what does not fit in any more."""

    def __init__(self, life: Life, resume: Resume | None, urgent: Callable[[], object]):
        self._life, self._urgent = life, urgent
        self._cursor = Cursor(resume)
        self._steps: deque[Step] = deque()

    @property
    def cursor(self) -> Resume:
        with self._life.changed:
            return self._cursor.resume()

    def put(self, step: Step | None) -> None:
        """Waits while the inbox is full."""
        if step is None:
            return
        with self._life.changed:
            self._life.wait(lambda: len(self._steps) < SIZE or self._urgent())
            if step.event is None and not self._steps:
                self._cursor.move(step)
            else:
                self._steps.append(step)
                self._life.changed.notify_all()

    def get(self, timeout: float | None) -> Event | None:
        """The next event; None after `timeout`. Raises `Closed` when nothing is left and nothing will come."""
        ends = None if timeout is None else monotonic() + timeout
        with self._life.changed:
            while True:
                event = self._take()
                if event is not None:
                    return event
                self._life.check()
                left = None if ends is None else ends - monotonic()
                if not self._life.wait(lambda: self._steps, left):
                    return None

    def _take(self) -> Event | None:
        while self._steps:
            step = self._steps.popleft()
            self._cursor.move(step)
            self._life.changed.notify_all()
            if step.event is not None:
                return step.event
        return None
