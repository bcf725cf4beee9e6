"""Chat over single requests: carry out the frames of a poll, then find what came since the client's last one.

Everything a client gets is read from the store, by the numbers in its cursor: messages from the history, the rest from
the mailbox. So it makes no difference which process answers, or whether an answer got lost and the poll is repeated.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Any

from ..core import close, frames
from ..core.limits import TokenBucket
from ..core.metrics import HANDSHAKES
from ..core.poll import News
from ..errors import NotLoggedIn, RateLimited
from ..storage import notices, polls
from ..storage.database import Connection
from .everybody import Everybody
from .greeting import hello
from .parts import Parts
from .poll_answer import PollAnswer
from .poll_client import Over, PollClient
from .presence import News as PresenceNews
from .presence import Presence
from .requests import Requests
from .together import Together

log = logging.getLogger("legacy_chat.sockets")

# Milliseconds after which a client's presence is noted again, and that it may be late with its next poll.
_TOUCH = 5_000
_LATE = 20_000
_LATE_AWAY = 90_000  # browsers let the timers of a hidden page run once a minute
# Milliseconds between two looks at who has not come back.
_LOOK = 1_000

# People and addresses whose rate is remembered.
_REMEMBERED = 10_000

# Bytes of answers after which no more of a poll's frames are carried out, and for how many seconds to wait then.
_FULL = 1 << 20
_FULL_WAIT = 1.0

InTurns = Callable[[Iterable[bytes]], Iterator[bytes]]


class Polling:
    """One for each process. `online` counts the people and connections that this process knows of."""

    def __init__(self, parts: Parts, requests: Requests, presence: Presence, online: Everybody):
        self._parts = parts
        self._requests = requests
        self._presence = presence
        self._online = online
        self._buckets: dict[str, TokenBucket] = {}
        self._looked_at = 0
        self._news = Together(self._read_news)

    # -- what the client says -----------------------------------------------------------------------------------

    def carry_out(
        self, client: PollClient, said: Iterable[bytes], address: str | None = None, in_turns: InTurns = iter
    ) -> None:
        """Carry out its frames and wait for their answers. Raises `Over`; `RateLimited` for one poll too many.

        `in_turns` lets others have their turns between them.
        """
        bucket, said = self._bucket(client, address), list(said)
        wait = bucket.take(monotonic())
        if wait:
            raise RateLimited("You poll too often: wait.", retry_after=round(wait, 3))
        client.spoke = bool(said)
        if said:
            self._check_open(client)
            self._online.know_who_polls()
        if client.fresh:
            self._receive(client)
        try:
            for raw in in_turns(said):
                self._carry_out_one(client, raw, bucket)
            if said:
                self._parts.writer.call(lambda _: None)  # what was said before is answered before
        finally:
            self._presence.tell(self._presence.anew(client.came))
        if client.place is None:
            raise Over(close.NOT_LOGGED_IN, NotLoggedIn('Begin with a {"type": "login"} frame.'))
        if client.fresh:
            self._begins(client, address)

    def _check_open(self, client: PollClient) -> None:
        """A session that has ended says nothing more; `collect` would find the end too late. Raises `Over`."""
        if client.place is not None:
            after, keys = client.place.notice, client.ends
            client.heed(self._parts.read(lambda c: notices.since(c, after, keys)))

    def _receive(self, client: PollClient) -> None:
        """A login is about to come; whoever it is, is here before they are told how many are."""
        client.admit = lambda member: self._note(client, member.uid, False, 0)
        if client.session.member is not None:
            client.admit(client.session.member)
        client.send(hello(client.client_id, self._parts.settings))

    def _begins(self, client: PollClient, address: str | None) -> None:
        fields = {"client_id": client.client_id, "uid": client.here.member.uid}
        extra = {**fields, "transport": "polling", "address": address}
        log.info("client %d of %s begins to poll", *fields.values(), extra=extra)
        self._parts.counts[HANDSHAKES["polling"]] += 1

    def _carry_out_one(self, client: PollClient, raw: bytes, bucket: TokenBucket) -> None:
        wait = bucket.take(monotonic())
        if bucket.flooding:
            raise Over(close.FLOOD, RateLimited("Too many frames.", retry_after=round(wait, 3)))
        self._requests.handle(client, raw, wait or (_FULL_WAIT if client.size > _FULL else 0.0))
        if client.refused:
            raise client.refused

    def _bucket(self, client: PollClient, address: str | None) -> TokenBucket:
        """That of the person, or of the address before anybody is known."""
        member = client.session.member
        key = f"u:{member.uid}" if member else f"a:{address}"
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= _REMEMBERED:
                del self._buckets[next(iter(self._buckets))]
            bucket = self._buckets[key] = TokenBucket(self._parts.settings.rate, monotonic())
        return bucket

    def touch(self, client: PollClient, wait: float) -> None:
        """Its person is here until the next poll is due."""
        place, away = client.here, client.session.away
        if away != place.away or self._parts.clock() - client.touched >= _TOUCH:
            self._note(client, place.member.uid, away, wait)
        place.away, place.touched = away, client.touched

    def _note(self, client: PollClient, uid: str, away: bool, wait: float) -> None:
        now = client.touched = self._parts.clock()
        until = now + round(wait * 1000) + (_LATE_AWAY if away else _LATE)
        looks = abs(now - self._looked_at) >= _LOOK  # the clock may have been set back
        self._looked_at = now if looks else self._looked_at

        def job(connection: Connection) -> list[PresenceNews]:
            came = self._presence.polls(connection, client.client_id, uid, away, until)
            return came + self._presence.expire(connection) if looks else came

        news = self._parts.writer.call(job)
        self._parts.mailbox.came(uid)
        self._online.refresh()
        if client.place is None:
            client.came += news
        else:
            self._presence.tell(news)

    # -- what it gets -------------------------------------------------------------------------------------------

    def collect(self, client: PollClient) -> tuple[list[Any], bool]:
        """The frames that came since its place, which moves on; whether there are more. Raises `Over`."""
        through = dict(sorted(client.said))  # by conversation; the last where several were said
        news = self._news.ask(polls.Ask(client.here, self._parts.settings.replay, through))
        kept = client.heed(news.notices)
        client.rooms = [h.where.key for h in news.headings if h.where.gid is not None]
        answer = PollAnswer(client, news, kept)
        client.here.seqs, client.here.notice = answer.seqs, news.newest
        client.out, client.said = [], {}
        return answer.frames, news.more

    def _read_news(self, asked: list[polls.Ask]) -> list[News]:
        return self._parts.read(lambda c: polls.news(c, asked))

    def count(self, client: PollClient) -> list[Any]:
        """How many are online, where that is not what it was told."""
        self._online.refresh()
        place, count = client.here, self._online.count()
        if place.online == count:
            return []
        place.online = count
        return [frames.OnlineNotice(*count)]
