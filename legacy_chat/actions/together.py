"""Questions that are asked at the same time are answered together, by one look at the store.

A message that wakes a hundred held polls is one query for the next dozens of them, not one for each. Nobody waits for
company: the first who asks begins at once, and whoever comes meanwhile is in the next look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from ..errors import Internal

Q = TypeVar("Q")
A = TypeVar("A")

# Questions in one look: bounds how long the first of them waits for the last.
_MOST = 50


class _Asked(Generic[Q, A]):
    __slots__ = ("answer", "error", "over", "question", "told")

    def __init__(self, question: Q):
        self.question = question
        self.told = threading.Event()
        self.over = False
        self.answer: A | None = None
        self.error: Exception | None = None


class Together(Generic[Q, A]):
    """`look` answers several questions, in their order; it may wait. From any thread or greenlet."""

    def __init__(self, look: Callable[[list[Q]], list[A]]):
        self._look = look
        self._lock = threading.Lock()
        self._waiting: list[_Asked[Q, A]] = []
        self._busy = False

    def ask(self, question: Q) -> A:
        """The answer. Raises what `look` raised."""
        mine: _Asked[Q, A] = _Asked(question)
        with self._lock:
            self._waiting.append(mine)
            first, self._busy = not self._busy, True
        if not first:
            self._await(mine)
        if not mine.over:
            self._answer_first()
        if mine.error is not None:
            raise mine.error
        return cast(A, mine.answer)

    def _await(self, mine: _Asked[Q, A]) -> None:
        """Until there is an answer, or it is its turn to look. A site's `gevent.Timeout` may end the waiting."""
        try:
            mine.told.wait()
        except BaseException:
            with self._lock:
                if mine in self._waiting:
                    self._waiting.remove(mine)
            if mine.told.is_set() and not mine.over:
                self._pass_on([])
            raise

    def _answer_first(self) -> None:
        """Those who wait longest, with whoever calls this at their head; then it is the turn of the next."""
        with self._lock:
            asked, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            answers = self._look([one.question for one in asked])
            for one, answer in zip(asked, answers, strict=True):
                one.answer = answer
        except Exception as error:
            for one in asked:
                one.error = error
        except BaseException:  # whoever asks is being ended: the others are not
            for one in asked:
                one.error = Internal("The answer was not found in time.")
            raise
        finally:
            self._pass_on(asked)

    def _pass_on(self, asked: list[_Asked[Q, A]]) -> None:
        with self._lock:
            following = self._waiting[:1]
            self._busy = bool(following)
        for one in asked:
            one.over = True
        for one in (*following, *asked):
            one.told.set()
