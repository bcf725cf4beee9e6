"""Who is here, by person over all their pages: what the others are told, and when.

    gone ──a page opens──▶ here ──the last page closes──▶ in grace ──CHAT_GRACE_SECONDS──▶ gone
                            ▲                                 │
                            └────────── a page opens ─────────┘

Only the outer arrows are told. So a page change, a reload or a restart of the server is nothing to tell, and neither
is a visit that begins and ends between two looks. `away` (all pages hidden or idle) is told once it has held for a
moment, since a page that was just opened says only then that it is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import msgspec

# Seconds that somebody is away, or back, before it is told.
SETTLE = 2.0


class Change(msgspec.Struct, frozen=True, gc=False):
    """What is to be told of somebody; `seen` (ms) is when they were last here, for those who are not."""

    uid: str
    online: bool
    away: bool = False
    seen: int | None = None


class PersonState(msgspec.Struct, frozen=True, gc=False):
    """How somebody stands now; `seen` (ms) is None for those who are here and for those who never were."""

    uid: str
    online: bool
    away: bool = False
    seen: int | None = None


class Roster:
    """The people of one worker. `now` is in seconds and never goes back; `seen` is the time of the day in ms."""

    def __init__(self, grace: float):
        self._grace = grace
        self._here: dict[str, bool] = {}  # who has a page open, and whether they are away
        self._told: dict[str, bool] = {}  # who is here as far as the others know, and whether away
        # Of these the first is always due first.
        self._come: dict[str, None] = {}  # here, but not told
        self._turned: dict[str, float] = {}  # here and told, but with the wrong `away`; when it will be told
        self._gone: dict[str, tuple[float, int]] = {}  # told, but not here: the end of the grace, and when last seen

    # -- what happens -----------------------------------------------------------------------------------------

    def here(self, uid: str, away: bool, now: float) -> None:
        """This person has a page open; `away` where all of them are hidden or idle."""
        self._here[uid] = away
        self._gone.pop(uid, None)
        self._compare(uid, now)

    def gone(self, uid: str, now: float, seen: int) -> None:
        """This person's last page is closed."""
        self._here.pop(uid, None)
        self._come.pop(uid, None)
        self._turned.pop(uid, None)
        if uid in self._told:
            self._gone.setdefault(uid, (now + self._grace, seen))

    def adopt(self, uid: str, away: bool, now: float, seen: int) -> None:
        """A worker that is no more told that this person is here."""
        if uid in self._told:
            return
        self._told[uid] = away
        self._come.pop(uid, None)
        if uid in self._here:
            self._compare(uid, now)
        else:
            self._gone[uid] = (now + self._grace, seen)

    def _compare(self, uid: str, now: float) -> None:
        if uid not in self._told:
            self._come[uid] = None
        elif self._told[uid] == self._here[uid]:
            self._turned.pop(uid, None)
        else:
            self._turned.setdefault(uid, now + SETTLE)

    def excuse(self, seconds: float) -> None:
        """The server itself stood still that long: nobody could come back meanwhile."""
        self._gone = {uid: (until + seconds, seen) for uid, (until, seen) in self._gone.items()}

    def restart(self) -> None:
        """Nothing that was told counts any more."""
        self._told.clear()
        self._gone.clear()
        self._turned.clear()
        self._come = dict.fromkeys(self._here)

    # -- what is told -----------------------------------------------------------------------------------------

    def due(self, now: float, most: int) -> list[Change]:
        """What is to be told now: the same again until it is `settled`."""
        return list(islice(self._due(now), most))

    def _due(self, now: float) -> Iterable[Change]:
        for uid, (until, seen) in self._gone.items():
            if until > now:
                break
            yield Change(uid, False, seen=seen)
        for uid in self._come:
            yield Change(uid, True, self._here[uid])
        for uid, when in self._turned.items():
            if when > now:
                break
            yield Change(uid, True, self._here[uid])

    def settled(self, changes: Iterable[Change], now: float, seen: int) -> None:
        """These were told; whatever happened meanwhile is compared with that."""
        for change in changes:
            if change.online:
                self._settled_here(change, now, seen)
            else:
                self._settled_gone(change.uid)

    def _settled_here(self, change: Change, now: float, seen: int) -> None:
        uid = change.uid
        self._told[uid] = change.away
        self._come.pop(uid, None)
        self._turned.pop(uid, None)
        if uid in self._here:
            self._compare(uid, now)
        else:
            self._gone.setdefault(uid, (now + self._grace, seen))

    def _settled_gone(self, uid: str) -> None:
        self._told.pop(uid, None)
        self._gone.pop(uid, None)
        self._turned.pop(uid, None)
        if uid in self._here:
            self._come[uid] = None

    # -- what is known ----------------------------------------------------------------------------------------

    def state(self, uid: str) -> PersonState | None:
        """How somebody stands who is here, or is still taken to be; None for everybody else."""
        away = self._told.get(uid, self._here.get(uid))
        return None if away is None else PersonState(uid, True, away)
