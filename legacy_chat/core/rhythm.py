"""The rounds of a timer that runs again and again.

Round n is due n periods after the epoch. So the schedule does not drift, and it is the same in every worker and after
every restart. Of rounds that were missed, the newest is made up for and the others are skipped.
"""

from __future__ import annotations


class Rhythm:
    """`last` is the last round that was begun, here or elsewhere."""

    def __init__(self, ms: int, now: int):
        self.ms = ms
        self.last = now // ms

    def due(self, now: int) -> int | None:
        """The round to begin now; None where it is not time yet."""
        newest = now // self.ms
        if newest < self.last - 1:  # the clock was set back, which must not cost all that time
            self.last = newest
        return newest if newest > self.last else None

    def wait(self, now: int) -> int:
        """Milliseconds until the next round is due."""
        return max(0, (self.last + 1) * self.ms - now)
