"""What the site asks the worker to do by itself: again and again, later, or beside what it does now."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from .handlers import name_of

Start = Callable[["Task"], None]


class Task:
    """`every`, `after` or `spawn` of a function, in milliseconds; what those calls return.

    A task that was declared at import has one course in each worker that starts it.
    """

    def __init__(
        self,
        kind: str,
        function: Callable[..., Any],
        arguments: tuple[Any, ...] = (),
        named: dict[str, Any] | None = None,
        ms: int = 0,
        each_worker: bool = False,
    ):
        if not callable(function):
            raise TypeError(f"chat.{kind} takes a function, not {function!r}.")
        self.kind = kind
        self.function = function
        self.arguments, self.named = arguments, named or {}
        self.ms = _milliseconds(ms, least=1 if kind == "every" else 0)
        self.each_worker = each_worker
        self.cancelled = False
        self.on_cancel: list[Callable[[], None]] = []

    @property
    def name(self) -> str:
        return name_of(self.function)

    def __repr__(self) -> str:
        when = {"every": f"every {self.ms} ms: ", "after": f"after {self.ms} ms: "}.get(self.kind, "")
        return f"<{when}{self.name}>"

    def call(self) -> None:
        self.function(*self.arguments, **self.named)

    def cancel(self) -> None:
        """What has not begun does not begin any more; a call that runs now goes on to its end."""
        self.cancelled = True
        for forget in self.on_cancel:
            forget()


def _milliseconds(ms: float, least: int) -> int:
    if isinstance(ms, bool) or not isinstance(ms, int | float) or not least <= ms < 2**40:
        raise ValueError(f"{ms!r} is no number of milliseconds from {least} on.")
    return round(ms)


class Declared:
    """Tasks without an app, as at import: each worker of each app of this `Chat` starts them."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []
        self._workers: list[tuple[int, Start]] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Declared) and self._tasks == other._tasks

    def add(self, task: Task) -> None:
        """Start it with the worker; at once where one runs. Raises what starting raises."""
        self._tasks = [known for known in self._tasks if not known.cancelled]
        running = [start for process, start in self._workers if process == os.getpid()]
        if not running or task.kind == "every":
            self._tasks.append(task)
        for start in running:
            start(task)

    def begin(self, start: Start) -> list[Task]:
        """A worker runs in this process now; what it is to start."""
        self._workers.append((os.getpid(), start))
        return [task for task in self._tasks if not task.cancelled]

    def end(self, start: Start) -> None:
        """That worker runs no more, while its process goes on."""
        self._workers = [known for known in self._workers if known[1] != start]
