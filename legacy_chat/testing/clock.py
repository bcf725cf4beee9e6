"""Time that passes only when a test says so."""

from __future__ import annotations


class Clock:
    """The time of the chat in milliseconds since the epoch; call it to read it."""

    def __init__(self, now: int):
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises `ValueError` for less than nothing: time goes on only."""
        if seconds < 0:
            raise ValueError("time goes on only")
        self.now += round(seconds * 1000)
