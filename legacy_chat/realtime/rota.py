"""Which timers are this worker's to run: it takes and renews their turns, all in one transaction, every two seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent
from gevent.event import Event

from ..actions.turns import LEASE, Steady, Turns, steady_ms
from ..core.rhythm import Rhythm
from ..errors import ChatError

log = logging.getLogger(__name__)

# Seconds between two renewals, and between two looks whether a turn is free.
_RENEW = LEASE / 3000
_LOOK = 0.5
# And after the store did not answer.
_AGAIN = 1.0
# Milliseconds before the end of a turn from which on it counts as over.
_MARGIN = 500

# Rounds of timers from this many ms on are written down one by one, so that a restart neither loses nor repeats one.
KEPT_FROM = 60_000


class Place:
    """One timer on the rota. `bell` rings when it may be time to look again; `until` is in steady milliseconds."""

    __slots__ = ("bell", "name", "rhythm", "until")

    def __init__(self, name: str, rhythm: Rhythm):
        self.name = name
        self.rhythm = rhythm
        self.bell = Event()
        self.until = 0

    @property
    def kept(self) -> bool:
        return self.rhythm.ms >= KEPT_FROM


class Rota:
    """`clock` is the time of day, to which rounds are due; `steady` is what leases last by."""

    def __init__(self, turns: Turns, clock: Callable[[], int], steady: Steady = steady_ms):
        self._turns = turns
        self._clock = clock
        self._steady = steady
        self._places: dict[str, Place] = {}
        self._renew_at = self._steady()
        self._wakes = Event()
        self._keeper: gevent.Greenlet | None = None

    def enter(self, name: str, rhythm: Rhythm) -> Place:
        place = self._places[name] = Place(name, rhythm)
        self._renew_at = self._steady()
        self._wakes.set()
        if self._keeper is None:
            self._keeper = gevent.spawn(self._keep)
        return place

    def leave(self, place: Place) -> None:
        """The timer has ended here: somebody else may run it."""
        if self._places.pop(place.name, None) is not None and place.until:
            place.until = 0
            self._turns.give_back(place.name)

    def has(self, place: Place) -> bool:
        return place.until - _MARGIN > self._steady()

    def begin(self, place: Place, number: int) -> bool:
        """Whether this round is ours to run. Raises `Unavailable` where it cannot be written down."""
        if not self.has(place):
            return False
        if place.kept and not self._turns.claim(place.name, number):
            place.until = 0  # somebody else has the turn, or had it and ran this round
            self._renew_at = self._steady()
            return False
        return True

    # -- turns --------------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        while self._places:
            self._wakes.clear()
            if self._looked():
                self._wakes.wait(_LOOK)
            else:
                gevent.sleep(_AGAIN)
        self._keeper = None

    def _looked(self) -> bool:
        try:
            self.look()
        except ChatError:
            return False  # the store does not answer, as its log says; turns run out meanwhile
        except Exception:
            log.exception("taking turns failed")
            return False
        return True

    def look(self) -> None:
        """Renew what is ours when it is time, and take what is free. Raises `ChatError`."""
        now = self._steady()
        others = [name for name, place in self._places.items() if place.until <= now]
        if now < self._renew_at and not (others and self._turns.free(others)):
            return
        taken = self._turns.take({name: place.rhythm.last for name, place in self._places.items()})
        self._renew_at = now + round(_RENEW * 1000)
        for name, place in list(self._places.items()):
            turn = taken.get(name)
            if turn is None:
                place.until = 0
            else:
                self._took(place, now + LEASE, turn.last)

    def _took(self, place: Place, until: int, last: int) -> None:
        new = place.until <= self._steady()
        place.until = until
        if new:
            place.rhythm.last = last if place.kept else self._clock() // place.rhythm.ms
            place.bell.set()
