"""Slows down guessing: after some failures a name and an address wait before the next try."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

_FREE = 5  # failures that cost nothing
_WINDOW = 15 * 60.0  # seconds after which a failure is forgotten
_MOST = 10_000  # keys kept; beyond that the oldest are forgotten


class Throttle:
    """Counts failures by key; each one beyond the free ones doubles the wait, up to the window."""

    def __init__(self, clock: Callable[[], float] = monotonic):
        self._clock = clock
        self._failures: dict[str, tuple[int, float]] = {}

    def wait(self, *keys: str) -> float:
        """Seconds until the next try is allowed; 0 means now."""
        return max(self._wait(key) for key in keys)

    def _wait(self, key: str) -> float:
        count, last = self._failures.get(key, (0, 0.0))
        if count < _FREE:
            return 0.0
        pause = min(_WINDOW, 2.0 ** (count - _FREE + 1))
        return max(0.0, last + pause - self._clock())

    def failed(self, *keys: str) -> None:
        now = self._clock()
        for key in keys:
            count, last = self._failures.pop(key, (0, now))
            self._failures[key] = (count + 1 if now - last < _WINDOW else 1, now)
        while len(self._failures) > _MOST:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, key: str) -> None:
        self._failures.pop(key, None)
