"""How long to wait before the next attempt."""

from __future__ import annotations

import random

from ..core import close

# The least and the most that a delay may reach, and what a flood costs on top.
_LEAST, _MOST, _FLOOD = 0.2, 10.0, 1.0
# A server that restarts is back within seconds: the first attempts, about half a minute of them, stay close together.
_YOUNG, _MOST_YOUNG = 30, 2.0


def delay(failures: int, code: int = close.ABNORMAL, asked: float | None = None) -> float:
    """Seconds: what the server asked for, else back-off with full jitter."""
    if asked is not None:
        return asked
    most = min(_MOST_YOUNG if failures < _YOUNG else _MOST, _LEAST * 2 ** min(failures, 10))
    seconds = random.uniform(0, most)  # noqa: S311 - no secret
    return seconds + _FLOOD if code == close.FLOOD else seconds
