"""What the site lets the chat worker do by itself: again and again, later, or beside what it does now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from flask import has_app_context

from ..actions.handlers import name_of
from ..actions.tasks import Task
from .aspect import Aspect, state_of_app

F = TypeVar("F", bound=Callable[..., Any])


class TaskCalls(Aspect):
    """In the worker that serves the chat. Each call runs in a greenlet, with a context of the app of its own."""

    @overload
    def every(self, ms: int, *, each_worker: bool = False) -> Callable[[F], F]: ...

    @overload
    def every(self, ms: int, fn: Callable[[], Any], *, each_worker: bool = False) -> Task: ...

    def every(self, ms: int, fn: Callable[[], Any] | None = None, *, each_worker: bool = False) -> Any:
        """`@chat.every(ms=1000)`: call the function every so many milliseconds, in one worker of all.

        With `each_worker` in every one. A call that takes longer than that is followed by the next at once, and what
        was missed is skipped. `chat.every(1000, fn)` returns a handle with `cancel()`.
        """
        if callable(ms):
            raise TypeError(f"The function {name_of(ms)} is no number of milliseconds: write @chat.every(ms=1000).")
        if fn is not None:
            return self._declare(Task("every", fn, ms=ms, each_worker=each_worker))

        def register(function: F) -> F:
            self._declare(Task("every", function, ms=ms, each_worker=each_worker))
            return function

        return register

    def after(self, ms: int, fn: Callable[..., Any], *args: Any, **named: Any) -> Task:
        """Call the function once, in so many milliseconds; a handle with `cancel()`. Lost where the worker ends before.

        Without an app context, as at import, the time begins when a worker starts. Raises `Unavailable` in a process
        that is no chat worker, and where CHAT_TASKS wait or run already.
        """
        return self._start(Task("after", fn, args, named, ms))

    def spawn(self, fn: Callable[..., Any], *args: Any, **named: Any) -> Task:
        """Call the function at once, beside what runs now. Otherwise as `after`."""
        return self._start(Task("spawn", fn, args, named))

    def _declare(self, task: Task) -> Task:
        self._hooks.tasks.add(task)
        return task

    def _start(self, task: Task) -> Task:
        if has_app_context():
            state_of_app().start(task)
            return task
        return self._declare(task)
