"""What is told to everybody, also for those who poll: they have no connection to which a frame could be handed.

Messages stand in the history. Every other notice that concerns somebody who polls is kept in the store for a minute,
and whoever's poll is held back is woken after that commit. Where nobody polls, nothing is kept and nothing is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from ..backplane.contract import (
    Backplane,
    Count,
    Disconnect,
    Notice,
    Posted,
    Reach,
    Receive,
    ToAll,
    ToAudience,
    ToPeople,
    ToRoom,
    nobody,
)  # fmt: skip
from ..core.poll import EVERYBODY, Ended, Kept, ended_key, person_key
from ..errors import ChatError, Unavailable
from ..storage import notices, pollers
from ..storage.writer import Inline

if TYPE_CHECKING:
    from .parts import Parts

# Seconds between two looks at who polls, and how much rarer looks are than the time that one takes.
_PAUSE = 1.0
_RARER = 20

# Milliseconds that a notice is kept, and the end of a session: longer than any cursor of it lives.
KEPT = 60_000
ENDED_KEPT = 900_000
# Notices after which old ones are looked for.
_TIDY_EVERY = 500


class Mailbox:
    """The backplane of the actions: the site's own, with a copy for those who poll."""

    def __init__(self, inner: Backplane, parts: Parts):
        self.inner = inner
        self._parts = parts
        self._people: Counter[str] = Counter()
        self._rooms: dict[str, set[str]] = {}
        self._came: dict[str, set[str]] = {}  # since the last look began
        self._look_at = 0.0
        self._kept = 0

    @property
    def here(self) -> bool:
        return self.inner.here

    def subscribe(self, receive: Receive, count: Count = nobody) -> None:
        self.inner.subscribe(receive, count)

    def publish(self, notice: Notice) -> None:
        self.inner.publish(notice)
        self.keep(notice)

    def deliver(self, notice: Notice) -> Reach:
        polled = self._polled(notice)
        try:
            reached = self.inner.deliver(notice)
        except Unavailable:
            if not self.people:
                raise
            reached = Reach()
        self.keep(notice)
        return self._sum(reached, polled)

    def reach(self, notice: Notice) -> Reach:
        return self._sum(self.inner.reach(notice), self._polled(notice))

    # -- keeping ----------------------------------------------------------------------------------------------

    def keep(self, notice: Notice) -> None:
        """For those who poll; returns before it is committed."""
        kept = self._letters(notice)
        if not kept:
            return
        keys = tuple({letter.key for letter in kept})

        def done(result: ChatError | None) -> None:
            if result is None:
                self.inner.publish(Posted(keys))

        self._kept += len(kept)
        tidy = self._kept >= _TIDY_EVERY
        self._kept = 0 if tidy else self._kept
        now = self._parts.clock()
        self._parts.writer.submit(lambda c: _keep(c, kept, now, tidy), done)

    def end(self, key: str, ended: Ended) -> None:
        """Something is over for a client that polls; waits until that is committed."""
        kept = [_end(key, ended, self._parts.clock())]
        self._parts.writer.call(lambda c: notices.keep(c, kept))

    def _letters(self, notice: Notice) -> list[Kept]:
        now = self._parts.clock()
        if isinstance(notice, Disconnect):  # of whom nobody knows whether they poll
            return [_end(ended_key(notice.uid), Ended(notice.code, notice.reason, notice.device), now)]
        if not self.people:
            return []
        if isinstance(notice, ToRoom) and not notice.stored:
            frame = notice.frame.decode()
            own = [Kept(person_key(notice.about), frame, now)] if notice.about else []
            return [Kept(notice.key, frame, now, notice.about, notice.skip), *own]
        if isinstance(notice, ToPeople) and not notice.stored:
            polling = [uid for uid in dict.fromkeys(notice.uids) if uid in self._people]
            return [Kept(person_key(uid), notice.frame.decode(), now, skip=notice.skip) for uid in polling]
        if isinstance(notice, ToAudience):
            keys = [*notice.keys, *(person_key(uid) for uid in notice.uids if uid in self._people)]
            return [Kept(key, notice.frame.decode(), now, notice.about) for key in keys]
        return [Kept(EVERYBODY, notice.frame.decode(), now, skip=notice.skip)] if isinstance(notice, ToAll) else []

    # -- who polls --------------------------------------------------------------------------------------------

    @property
    def people(self) -> Counter[str]:
        """Who polls, with how many pages; at most about a second old."""
        if isinstance(self._parts.offload, Inline):
            self.refresh()
        return self._people

    def refresh(self) -> None:
        """Look, where the last look was too long ago; may wait for the store."""
        if monotonic() >= self._look_at:
            self.look()

    def look(self) -> float:
        """Ask the store who polls; the seconds until it is worth asking again."""
        began, self._came = monotonic(), {}
        found = self._parts.read(lambda c: pollers.polling(c, self._parts.clock()))
        self._people, self._rooms = Counter(found.people), found.rooms
        for uid, keys in self._came.items():
            self._add(uid, keys)
        pause = max(_PAUSE, (monotonic() - began) * _RARER)
        self._look_at = monotonic() + pause
        return pause

    def came(self, uid: str, keys: Iterable[str] = ()) -> None:
        """Somebody whose poll this process answers; known before the next look."""
        self._came.setdefault(uid, set()).update(keys)
        self._add(uid, keys)

    def _add(self, uid: str, keys: Iterable[str]) -> None:
        self._people[uid] = max(1, self._people[uid])
        for key in keys:
            self._rooms.setdefault(key, set()).add(uid)

    def _polled(self, notice: Notice) -> set[str]:
        people = self.people
        if isinstance(notice, ToPeople):
            return {uid for uid in notice.uids if uid in people}
        if isinstance(notice, ToRoom):
            return {uid for uid in self._rooms.get(notice.key, ()) if uid in people}
        return set(people) if isinstance(notice, ToAll) else set()

    def _sum(self, reached: Reach, polled: set[str]) -> Reach:
        """Somebody with both kinds of page is one person."""
        new = sum(not self.inner.reach(ToPeople((uid,), b"")).users for uid in polled)
        return Reach(reached.users + new, reached.connections + sum(self._people[uid] for uid in polled))


def _end(key: str, ended: Ended, now: int) -> Kept:
    return Kept(key, msgspec.json.encode(ended).decode(), now)


def _keep(connection: notices.Connection, kept: list[Kept], now: int, tidy: bool) -> None:
    notices.keep(connection, kept)
    if tidy:
        notices.forget(connection, now - KEPT, now - ENDED_KEPT)
