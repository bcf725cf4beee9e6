"""One worker at a time has the turn of a timer: over several workers, and while one replaces another.

A turn is a lease: whoever has it renews it, gives it back when the worker ends, and loses it where it died. The others
see that from its row, which does not change any more for as long as a lease lasts. They take that time by a clock that
nobody sets, so neither a change of the time of day nor hosts that do not agree on it give one turn to two of them.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping

from ..storage import turns
from ..storage.database import Connection
from ..storage.turns import Turn
from .parts import Parts

# Milliseconds that a turn lasts without being renewed.
LEASE = 6000

_NOBODY = "-"

# Rounds that a clock may be set back by without any being run again. Where it is more, the rounds go on from there:
# a clock that once was years ahead must not stop a timer for years.
_SET_BACK = 1

Steady = Callable[[], int]


def steady_ms() -> int:
    """Milliseconds since some moment; the time of day may be set meanwhile."""
    return time.monotonic_ns() // 1_000_000


class Turns:
    """Those of one worker. `scope` keeps apart sites that share a store."""

    def __init__(self, parts: Parts, scope: str, steady: Steady = steady_ms):
        self._parts = parts
        self._scope = scope
        self._steady = steady
        self._worker = secrets.token_hex(8)
        self._seen: dict[str, tuple[Turn, int]] = {}  # those of others, and since when they look like that

    def free(self, names: Iterable[str]) -> bool:
        """Whether it is worth trying to take one of them. Raises `ChatError` where the store does not answer."""
        keys = [self._key(name) for name in names]
        found = self._parts.read(lambda c: turns.find(c, keys))
        return any(key not in found or self._is_free(key, found[key]) for key in keys)

    def _is_free(self, key: str, turn: Turn) -> bool:
        if turn.worker in (self._worker, _NOBODY):
            return True
        seen, since = self._seen.get(key, (None, 0))
        if turn != seen:
            self._seen[key] = turn, self._steady()
            return False
        return self._steady() - since >= LEASE

    def take(self, lasts: Mapping[str, int]) -> dict[str, Turn]:
        """Take or renew the turns of these timers; those that are ours now.

        Where nobody ever had it, the given number becomes that of the last round.
        """
        return self._parts.writer.call(lambda c: self._take(c, lasts))

    def _take(self, connection: Connection, lasts: Mapping[str, int]) -> dict[str, Turn]:
        now, taken = self._parts.clock(), {}
        known = turns.find(connection, map(self._key, lasts))
        for name, last in lasts.items():
            key = self._key(name)
            before = known.get(key)
            if before is not None and not self._is_free(key, before):
                continue
            after = Turn(self._worker, now + LEASE, last if before is None else before.last)
            if turns.change(connection, key, before, after):
                taken[name] = after
        return taken

    def claim(self, name: str, number: int) -> bool:
        """Write down that a round begins; False where it is not ours to begin. Raises `Unavailable`."""
        return self._parts.writer.call(lambda c: self._claim(c, name, number))

    def _claim(self, connection: Connection, name: str, number: int) -> bool:
        before = self._own(connection, name)
        if before is None or number <= before.last <= number + _SET_BACK:
            return False
        return turns.change(connection, self._key(name), before, before._replace(last=number))

    def give_back(self, name: str) -> None:
        """The next worker may take it at once; returns before that is written."""
        self._parts.writer.submit(lambda c: self._give_back(c, name), lambda _: None)

    def _give_back(self, connection: Connection, name: str) -> None:
        before = self._own(connection, name)
        if before is not None:
            turns.change(connection, self._key(name), before, Turn(_NOBODY, 0, before.last))

    def _own(self, connection: Connection, name: str) -> Turn | None:
        key = self._key(name)
        found = turns.find(connection, [key]).get(key)
        return found if found is not None and found.worker == self._worker else None

    def _key(self, name: str) -> str:
        return "turn:" + hashlib.sha256(f"{self._scope}\n{name}".encode()).hexdigest()[:24]
