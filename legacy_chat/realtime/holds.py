"""Polls that are held back until there is something to say.

Each waits in the greenlet of its request, so there is a limit: pages need greenlets too. A client has one poll here at
a time; its next one sends the one before home.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from gevent.event import Event

from ..backplane.contract import Disconnect, Notice, Posted, Subscribe, ToPeople, ToRoom, Unsubscribe
from ..core.poll import person_key
from ..errors import Unavailable
from ..settings import Settings
from .admission import decrease

_RETRY_AFTER = 5.0
_MANY = 1 << 31
# Notices that are remembered for polls that are about to be held.
_REMEMBERED = 1000


class Hold:
    """One poll that waits for news under its keys; `superseded` where its client has come with another."""

    __slots__ = ("_news", "address", "client_id", "keys", "superseded", "uid")

    def __init__(self, client_id: int, uid: str, address: str | None):
        self.client_id, self.uid, self.address = client_id, uid, address
        self.keys: set[str] = set()
        self.superseded = False
        self._news = Event()

    def wake(self) -> None:
        self._news.set()

    def wait(self, seconds: float) -> bool:
        """Whether there may be news; what came since the last `wait` counts."""
        found = bool(self._news.wait(seconds))
        self._news.clear()
        return found


class Holds:
    """`slots` is how many requests the process carries out at a time; half of them stay for pages."""

    def __init__(self, settings: Settings, slots: int | None = None):
        self._settings = settings
        self._most = min(settings.max_polls or _MANY, slots // 2 if slots else _MANY)
        self._by_client: dict[int, Hold] = {}
        self._by_key: defaultdict[str, set[Hold]] = defaultdict(set)
        self._by_uid: Counter[str] = Counter()
        self._by_address: Counter[str] = Counter()
        self.ended = False
        self.news = 0  # how many notices came, and under which keys the last ones
        self._recent: deque[Sequence[str]] = deque(maxlen=_REMEMBERED)

    def __len__(self) -> int:
        return len(self._by_client)

    def supersede(self, client_id: int) -> None:
        """The client is back: its poll that waits here is answered, with nothing."""
        hold = self._by_client.get(client_id)
        if hold is not None:
            hold.superseded = True
            self.leave(hold)
            hold.wake()

    def check(self, uid: str, address: str | None) -> None:
        """May one more be held? Raises `Unavailable`."""
        s = self._settings
        if len(self._by_client) >= self._most:
            raise Unavailable("This server holds as many polls as it may: try again later.", _RETRY_AFTER, "full")
        if s.max_per_user and self._by_uid[uid] >= s.max_per_user:
            message = f"You have {s.max_per_user} polls waiting already: close a page."
            raise Unavailable(message, _RETRY_AFTER, "per_user")
        if address and s.max_per_address and self._by_address[address] >= s.max_per_address:
            message = f"{s.max_per_address} polls of your address wait already: close a page."
            raise Unavailable(message, _RETRY_AFTER, "per_address")

    @contextmanager
    def hold(self, client_id: int, uid: str, address: str | None) -> Iterator[Hold]:
        """Keep one poll waiting. Raises `Unavailable` where there are too many."""
        self.check(uid, address)
        hold = Hold(client_id, uid, address)
        self.enter(hold)
        try:
            yield hold
        finally:
            self.leave(hold)

    def enter(self, hold: Hold) -> None:
        self.supersede(hold.client_id)  # two of its polls may have come this far side by side
        self._by_client[hold.client_id] = hold
        self._by_uid[hold.uid] += 1
        if hold.address:
            self._by_address[hold.address] += 1

    def listen(self, hold: Hold, keys: Iterable[str], since: int | None = None) -> None:
        """Wake it by news under these keys: by those that come, and by those that came `since` this count of `news`."""
        for key in keys:
            hold.keys.add(key)
            self._by_key[key].add(hold)
        if since is not None and self._came_since(hold, since):
            hold.wake()

    def _came_since(self, hold: Hold, since: int) -> bool:
        missed = self.news - since
        if missed > len(self._recent):
            return True
        return any(not hold.keys.isdisjoint(keys) for keys in islice(reversed(self._recent), missed))

    def leave(self, hold: Hold) -> None:
        """Doing so twice changes nothing."""
        if self._by_client.get(hold.client_id) is not hold:
            return
        del self._by_client[hold.client_id]
        decrease(self._by_uid, hold.uid)
        decrease(self._by_address, hold.address)
        for key in hold.keys:
            self._by_key[key].discard(hold)
            if not self._by_key[key]:
                del self._by_key[key]

    # -- notices ------------------------------------------------------------------------------------------------

    def receive(self, notice: Notice) -> None:
        keys = _keys(notice)
        if not keys:
            return
        self.news += 1
        self._recent.append(keys)
        for key in keys:
            for hold in self._by_key.get(key, ()):
                hold.wake()

    def end(self) -> None:
        """The worker ends: everybody is answered."""
        self.ended = True
        for hold in self._by_client.values():
            hold.wake()

    def come_back(self) -> int:
        """In how many ms somebody who was sent away comes back: spread, so that they do not come all at once."""
        return random.randint(200, 500 + 2 * len(self._by_client))  # noqa: S311 - no secret


def _keys(notice: Notice) -> Sequence[str]:
    """Under which keys this is news in the store: notices are, once they are posted there."""
    if isinstance(notice, Posted):
        return notice.keys
    if isinstance(notice, ToRoom) and notice.stored:
        return (notice.key,)
    if isinstance(notice, ToPeople) and notice.stored:
        return [person_key(uid) for uid in notice.uids]
    return (person_key(notice.uid),) if isinstance(notice, Subscribe | Unsubscribe | Disconnect) else ()
