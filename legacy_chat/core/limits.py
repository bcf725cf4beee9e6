"""The token bucket that every frame of a connection passes."""

from __future__ import annotations

from typing import NamedTuple


class Rate(NamedTuple):
    """`per_second` frames for ever, `burst` at once; `per_second` 0 means no limit."""

    per_second: float
    burst: float


class TokenBucket:
    """Holds up to `burst` tokens, refilled at `per_second`.

    `take` answers 0 for go ahead, or after how many seconds the next frame will pass. The debt of somebody who goes on
    regardless grows up to another burst; `flooding` is true from there on.
    """

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float):
        self._rate = rate
        self._tokens = rate.burst
        self._at = now

    def take(self, now: float, cost: float = 1.0) -> float:
        per_second, burst = self._rate
        if not per_second:
            return 0.0
        self._tokens = min(burst, self._tokens + (now - self._at) * per_second) - cost
        self._at = now
        if self._tokens >= 0:
            return 0.0
        return (cost - self._tokens) / per_second

    def ask(self, now: float, cost: float = 1.0) -> float:
        """As `take`, but a refusal costs nothing: for requests that are answered one by one."""
        if not self.take(now, cost):
            return 0.0
        self._tokens += cost
        return (cost - self._tokens) / self._rate.per_second

    @property
    def flooding(self) -> bool:
        return self._tokens < -self._rate.burst
