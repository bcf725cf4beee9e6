"""A request that a client repeats, since it saw no answer, is carried out once and answered as it was.

For a minute, in this process: events are the site's own and nothing of them is stored. Whoever repeats one while it
is being carried out waits for its end. Workers with threads call this from all of them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Generic, Protocol, TypeVar

from ..errors import ChatError, InProgress


class Sized(Protocol):
    @property
    def size(self) -> int:
        """In bytes, about."""


A = TypeVar("A", bound=Sized)

# Seconds that an answer is kept, and the bytes of all of them together.
_KEPT = 60.0
_MOST_BYTES = 4 << 20
# What an answer costs beside its bytes.
_EACH = 500

# Seconds to wait for a call that goes on.
_PATIENCE = 10.0

Key = tuple[str, str]


class _Answer(Generic[A]):
    __slots__ = ("at", "ended", "given", "size")

    def __init__(self) -> None:
        self.at = 0.0
        self.given: A | ChatError | None = None
        self.size = _EACH
        self.ended = threading.Event()


class Repeats(Generic[A]):
    def __init__(self, clock: Callable[[], float] = monotonic):
        self._clock = clock
        self._answers: OrderedDict[Key, _Answer[A]] = OrderedDict()  # those that were given, by age
        self._begun: dict[Key, _Answer[A]] = {}
        self._bytes = 0
        self._lock = threading.Lock()  # of all three; nothing is waited for under it

    def __len__(self) -> int:
        return len(self._answers)

    def once(self, key: Key, carry_out: Callable[[], A], holds: Callable[[A], bool] = lambda _: True) -> tuple[A, bool]:
        """What `carry_out` returned, and whether that was an earlier time.

        An answer that does not hold any more is none: it is carried out anew. Raises what it raised; `InProgress` where
        it takes too long. An error that asks to try again (`retry_after`) is not kept.
        """
        mine = _Answer[A]()
        known = self._find(key, mine)
        while known is not mine:
            given = _wait(known)
            if holds(given):
                return given, True
            known = self._find(key, mine, instead_of=known)
        try:
            mine.given = given = carry_out()
            return given, False
        except ChatError as error:
            mine.given = error
            raise
        finally:
            self._end(key, mine)

    def _find(self, key: Key, mine: _Answer[A], instead_of: _Answer[A] | None = None) -> _Answer[A]:
        """The one that there is, or `mine`, begun now."""
        with self._lock:
            self._forget()
            known = self._answers.get(key)
            if known is not None and known is instead_of:
                self._drop(key)
                known = None
            return known or self._begun.setdefault(key, mine)

    def _end(self, key: Key, answer: _Answer[A]) -> None:
        given = answer.given
        with self._lock:
            del self._begun[key]
            if given is not None and (not isinstance(given, ChatError) or given.retry_after is None):
                answer.at = self._clock()
                answer.size += 0 if isinstance(given, ChatError) else given.size
                self._answers[key] = answer
                self._bytes += answer.size
        answer.ended.set()

    def _forget(self) -> None:
        before = self._clock() - _KEPT
        while self._answers:
            key, oldest = next(iter(self._answers.items()))
            if oldest.at > before and self._bytes <= _MOST_BYTES:
                return
            self._drop(key)

    def _drop(self, key: Key) -> None:
        self._bytes -= self._answers.pop(key).size


def _wait(answer: _Answer[A]) -> A:
    answer.ended.wait(_PATIENCE)
    if answer.given is None:
        raise InProgress("The same request is still being carried out.", retry_after=1.0)
    if isinstance(answer.given, ChatError):
        raise answer.given
    return answer.given
