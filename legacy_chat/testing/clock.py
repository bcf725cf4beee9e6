"""Time that passes only when a test says so."""

from __future__ import annotations

from typing import Protocol


class Waiting(Protocol):
    """What waits for its time."""

    def run(self, clock: Clock, until: int) -> None: ...


class Clock:
    """The time of the chat in milliseconds since the epoch; call it to read it. `tasks` run as it gets to them."""

    def __init__(self, now: int, tasks: Waiting | None = None):
        self.now = now
        self._tasks = tasks

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass, and run the site's tasks that come up meanwhile.

        Raises what a task raises, and `ValueError` for less than nothing: time goes on only.
        """
        if seconds < 0:
            raise ValueError("time goes on only")
        ends = self.now + round(seconds * 1000)
        self._run(ends)
        self.now = ends

    def run(self) -> None:
        """Run the site's tasks that are due now, such as what a view gave to `chat.spawn`. Raises what they raise."""
        self._run(self.now)

    def _run(self, until: int) -> None:
        if self._tasks is not None:
            self._tasks.run(self, until)
