"""Presence that people can count on: what a worker sees becomes rows, callbacks and news for those it concerns.

Once a second the changes of all people are committed together with their webhooks, and told only after that. Whether
somebody really came or went is decided there, by the rows of all workers: whoever is seen by another worker, or was
by one that ended, did not come.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from ..backplane.contract import ToAudience
from ..core import frames
from ..core.model import room_key
from ..core.presence import Change, PersonState, Roster
from ..storage import pollers, presence
from ..storage.database import Connection
from ..storage.presence import NOBODY, Audience, Row
from .hooks import Changed
from .parts import Parts

log = logging.getLogger(__name__)

# Changes written in one transaction: bounds how long messages wait for it.
MOST = 500

Record = Callable[[Connection, str, dict[str, Any], int], None]


class News(NamedTuple):
    """Something to tell; `crossed` where the person came or went, and did not just turn away or back."""

    change: Change
    crossed: bool
    audience: Audience


class Settled(NamedTuple):
    news: list[News]
    adopted: list[Row]
    full: bool = False  # there may be more


class _Stored(NamedTuple):
    """What one transaction did; `known` says whether our lease was in the table, `next_lease` when another ends."""

    changes: list[Change]
    news: list[News]
    adopted: list[Row]
    known: bool = True
    next_lease: int | None = None


def _no_webhooks(*_: Any) -> None:
    pass


class Presence:
    """One for each process. Without `begin` it only reads.

    `record` writes a webhook's event beside the row; the callbacks of `changed` are called after the commit, each in
    a `context` of its own.
    """

    def __init__(
        self,
        parts: Parts,
        record: Record = _no_webhooks,
        changed: list[Changed] | None = None,
        context: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ):
        self.roster = Roster(parts.settings.grace_seconds)
        self.changed: list[Changed] = [] if changed is None else changed
        self._context = context
        self._parts = parts
        self._record = record
        self._worker: str | None = None
        self._kept = False  # our lease is in the table
        self._look_at = 0.0
        self._lease = round(parts.settings.lease_seconds * 1000)

    def begin(self) -> None:
        """This process has connections: from now on its word counts, as long as it renews its lease."""
        self._worker = secrets.token_hex(8)
        self._kept, self._look_at = False, 0.0

    # -- reading ----------------------------------------------------------------------------------------------

    def is_online(self, uid: str) -> bool:
        return self.state([uid])[0].online

    def state(self, uids: Sequence[str]) -> list[PersonState]:
        """How each of them stands, in this order."""
        others = [uid for uid in uids if self.roster.state(uid) is None]
        alive = None if self._worker else self._parts.clock() - round(self._parts.settings.grace_seconds * 1000)
        found = self._parts.read(lambda c: presence.find(c, others, alive)) if others else {}
        return [self.seen_here(uid, found) for uid in uids]

    def seen_here(self, uid: str, found: dict[str, PersonState]) -> PersonState:
        """How somebody stands for this worker; beside it, what was `found` in the tables."""
        return self.roster.state(uid) or found.get(uid) or PersonState(uid, False)

    # -- writing ----------------------------------------------------------------------------------------------

    def settle(self, now: float) -> Settled:
        """Commit what is due, and look after the leases; what is to be told and whom we adopted.

        The caller hands whom we adopted to the roster. Raises `Unavailable`; then the same is due again.
        """
        changes, looks = self.roster.due(now, MOST), now >= self._look_at
        worker = self._worker
        if worker is None or not (changes or looks):
            return Settled([], [])

        stored = self._parts.writer.call(lambda c: self._store(c, worker, changes, looks))
        if looks:
            self._looked(stored, now)
        self.roster.settled(stored.changes, now, self._parts.clock())
        return Settled(stored.news, stored.adopted, len(changes) == MOST)

    def release(self) -> None:
        """This worker ends: the next one takes its people over, and nothing is told of them."""
        if self._worker is not None:
            worker, now, self._worker = self._worker, self._parts.clock(), None
            self._parts.writer.submit(lambda c: presence.renew(c, worker, now, now), lambda _: None)

    def call_back(self, uid: str, online: bool) -> None:
        """The site's own `on_online` and `on_offline`."""
        for callback in self.changed:
            try:
                with self._context():
                    callback(uid, online)
            except KeyboardInterrupt:
                raise
            except BaseException:  # as for handlers
                log.exception("%s failed", "on_online" if online else "on_offline")

    def _looked(self, stored: _Stored, now: float) -> None:
        """Look again when it is time to renew, or when somebody else's lease ends without that."""
        if self._kept and not stored.known:  # we stood still so long that another worker took our people over
            self.roster.restart()
        self._kept = True
        pause = self._lease / 3
        if stored.next_lease is not None:
            pause = min(pause, max(0, stored.next_lease - self._parts.clock()))
        self._look_at = now + pause / 1000

    # -- those who poll -----------------------------------------------------------------------------------------

    def polls(self, connection: Connection, client_id: int, uid: str, away: bool, until: int) -> list[News]:
        """A client that polls is here `until` then (ms): what comes of it, in the caller's transaction."""
        now, worker = self._parts.clock(), pollers.name(client_id)
        presence.renew(connection, worker, now, until)
        return self._news(connection, self._write(connection, worker, [Change(uid, True, away)], set(), now))

    def expire(self, connection: Connection) -> list[News]:
        """Who polled and has not come back within the grace period, where no chat worker looks after that."""
        now = self._parts.clock()
        outcomes = []
        for row, renewed in pollers.lapsed(connection, now - round(self._parts.settings.grace_seconds * 1000)):
            outcomes += self._write(connection, row.worker, [Change(row.uid, False, seen=renewed)], set(), now)
        return self._news(connection, outcomes)

    def anew(self, news: list[News]) -> list[News]:
        """The same, for those whom it concerns by now."""
        uids = [item.change.uid for item in news]
        audience = self._parts.read(lambda c: presence.audience(c, uids)) if uids else {}
        return [item._replace(audience=audience[item.change.uid]) for item in news]

    def tell(self, news: list[News]) -> None:
        """Tell everybody it concerns, over all workers, and the site's own hooks."""
        for item in news:
            self._parts.backplane.publish(_notice(item))
            if item.crossed:
                self.call_back(item.change.uid, item.change.online)

    def keep(self, news: list[News]) -> None:
        """Tell those who poll; the caller has told all others."""
        for item in news:
            self._parts.mailbox.keep(_notice(item))

    # -- in the transaction -----------------------------------------------------------------------------------

    def _store(self, connection: Connection, worker: str, changes: list[Change], looks: bool) -> _Stored:
        now = self._parts.clock()
        known = presence.renew(connection, worker, now, now + self._lease) if looks else True
        adopted = presence.adopt(connection, worker, now)
        moved = {row.uid for row in adopted.people}
        outcomes = self._write(connection, worker, changes, moved, now) if changes else []
        turned = [_Outcome(Change(uid, True, True), False, True) for uid in adopted.turned]
        news = self._news(connection, outcomes + turned)
        next_lease = presence.next_lease(connection, worker) if looks else None
        return _Stored([o.change for o in outcomes], news, adopted.people, known, next_lease)

    def _news(self, connection: Connection, outcomes: list[_Outcome]) -> list[News]:
        told = [outcome for outcome in outcomes if outcome.told]
        audience = presence.audience(connection, [outcome.change.uid for outcome in told])
        return [News(o.change, o.crossed, audience[o.change.uid]) for o in told]

    def _write(
        self, connection: Connection, worker: str, changes: list[Change], moved: set[str], now: int
    ) -> list[_Outcome]:
        known = presence.rows_of(connection, [change.uid for change in changes])
        outcomes = [_outcome(worker, c, known.get(c.uid, []), c.uid in moved) for c in changes]
        presence.drop(connection, worker, [o.change.uid for o in outcomes if not o.change.online])
        presence.put(connection, [_row(worker, o.change, now) for o in outcomes if o.change.online or o.crossed])
        for outcome in outcomes:
            if outcome.crossed:
                self._record(connection, *_webhook(outcome.change, now))
        return outcomes


class _Outcome(NamedTuple):
    change: Change
    crossed: bool
    told: bool


def _outcome(worker: str, change: Change, rows: list[Row], moved: bool) -> _Outcome:
    """What a change that we saw comes to beside what all workers know of the person; `moved`: just adopted."""
    here = [row for row in rows if row.online]
    others = [row for row in here if row.worker != worker]
    if not change.online:
        crossed = bool(here) and not others
        return _Outcome(change, crossed, crossed)
    if not here:
        return _Outcome(change, True, True)
    was_away = all(row.away for row in here)
    if moved or len(others) == len(here):  # they come from another worker, and are what they were there
        return _Outcome(Change(change.uid, True, was_away), False, False)
    is_away = change.away and all(row.away for row in others)
    return _Outcome(change, False, is_away != was_away)


def _notice(item: News) -> ToAudience:
    change = item.change
    frame = frames.encode(frames.Presence(change.uid, change.online, change.away, change.seen))
    keys = tuple(room_key(gid) for gid in item.audience.gids)
    return ToAudience(keys, tuple(item.audience.peers), frame, change.uid)


def _row(worker: str, change: Change, now: int) -> Row:
    if change.online:
        return Row(change.uid, worker, True, change.away, now)
    return Row(change.uid, NOBODY, False, False, change.seen or now)


def _webhook(change: Change, now: int) -> tuple[str, dict[str, Any], int]:
    if change.online:
        return "user.online", {"uid": change.uid}, now
    return "user.offline", {"uid": change.uid, "seen": change.seen}, now
