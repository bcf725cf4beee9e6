"""Chat over single requests: carry out the frames of a poll, then find what came since the client's last one.

Everything a client gets is read from the store, by the numbers in its cursor: messages from the history, the rest from
the mailbox. So it makes no difference which process answers, or whether an answer got lost and the poll is repeated.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Any

import msgspec

from ..core import close, frames
from ..core.limits import TokenBucket
from ..core.metrics import HANDSHAKES
from ..core.model import Conversation, Member, Message, Snapshot, event_room_key
from ..core.poll import EVERYBODY, Ended, Kept, News, Place, ended_key, person_key
from ..core.session import Session
from ..errors import ChatError, NotLoggedIn, RateLimited, Refused
from ..storage import notices, polls, rooms
from ..storage.database import Connection
from .everybody import Everybody
from .greeting import hello
from .parts import Parts
from .presence import News as PresenceNews
from .presence import Presence
from .requests import Requests
from .together import Together

log = logging.getLogger("legacy_chat.sockets")

# Client ids of connections count up from 1001 in each process; these are drawn, far above and exact in JavaScript.
_FIRST_ID, _IDS = 1 << 40, 1 << 52

# Milliseconds after which a client's presence is noted again, and that it may be late with its next poll.
_TOUCH = 5_000
_LATE = 20_000
_LATE_AWAY = 90_000  # browsers let the timers of a hidden page run once a minute
# Milliseconds between two looks at who has not come back.
_LOOK = 1_000

# Clients whose rate is remembered.
_REMEMBERED = 10_000


InTurns = Callable[[Iterable[bytes]], Iterator[bytes]]


class Over(Exception):
    """The client's session ends, or does not begin: `code` is a close code."""

    def __init__(self, code: int, error: ChatError):
        super().__init__(error.message)
        self.code, self.error = code, error


class Poller:
    """A client during one poll, as the requests see it (`requests.Client`)."""

    def __init__(self, parts: Parts, place: Place | None, member: Member | None):
        self._parts = parts
        self.place = place
        self.touched = place.touched if place else 0
        self.admit: Callable[[Member], None] = lambda _: None
        self.client_id = place.client_id if place else _FIRST_ID + secrets.randbelow(_IDS - _FIRST_ID)
        self.session = Session(place.member if place else member, None)
        self.session.open = place is not None
        self.session.rooms = frozenset(place.rooms if place else ())
        self.session.away = place is not None and place.away
        self.out: list[frames.Event] = []
        self.said: dict[tuple[int, int], str | None] = {}  # what it said in this poll: (conversation, seq) → request id
        self.refused: Over | None = None
        self.fresh = place is None
        self.came: list[PresenceNews] = []  # of its person, for the rooms that the first login brings them into as well
        self.spoke = False
        self.moved = False  # into or out of an event room, which only the next cursor knows
        self.rooms: list[str] = []  # keys of its rooms
        self._notice = 0

    def send(self, event: frames.Event) -> None:
        self.out.append(event)

    def stored(self, where: Conversation, message: Message) -> None:
        self.said[message.conversation, message.seq] = message.request_id

    def room(self, gid: str) -> Conversation | None:
        assert self.session.member is not None  # noqa: S101 - `check` let the request through
        uid = self.session.member.uid

        def query(connection: Connection) -> Conversation | None:
            room = rooms.find_room(connection, gid)
            return Conversation(room.id, gid=gid) if room and rooms.is_member(connection, room.id, uid) else None

        return self._parts.read(query)

    def before_login(self) -> None:
        """What is kept from here on is for this client."""
        self._notice = self._parts.read(notices.newest)

    def subscribe(self, snapshot: Snapshot) -> None:
        member = self.session.member
        assert member is not None  # noqa: S101 - a login without identity is refused before
        seqs = {m.id: m.seq for m in snapshot.memberships}
        notice = self.place.notice if self.place else self._notice
        event_rooms = self.place.rooms if self.place else {}
        self.place = Place(member, self.client_id, seqs, notice, rooms=event_rooms)
        self._parts.mailbox.came(member.uid, [m.key for m in snapshot.memberships if m.gid is not None])

    def set_away(self, away: bool) -> None:
        self.session.away = away

    def enter(self, room: str) -> None:
        place = _place(self)
        place.rooms = {**place.rooms, room: self._parts.read(notices.newest)}
        self.moved = True

    def exit(self, room: str) -> None:
        place = _place(self)
        place.rooms = {name: notice for name, notice in place.rooms.items() if name != room}
        self.moved = True

    def refuse(self, error: ChatError, code: int) -> None:
        self.refused = Over(code, error)

    def close(self, code: int, reason: str = "") -> None:
        self.refuse(Refused(f"The connection was ended: {reason or code}."), code)


class Polling:
    """One for each process. `online` counts the people and connections that this process knows of."""

    def __init__(self, parts: Parts, requests: Requests, presence: Presence, online: Everybody):
        self._parts = parts
        self._requests = requests
        self._presence = presence
        self._online = online
        self._buckets: dict[int | str, TokenBucket] = {}
        self._looked_at = 0
        self._news = Together(self._read_news)

    # -- what the client says -----------------------------------------------------------------------------------

    def carry_out(
        self, client: Poller, said: Iterable[bytes], address: str | None = None, in_turns: InTurns = iter
    ) -> None:
        """Carry out its frames and wait for their answers. Raises `Over`; `RateLimited` for one poll too many.

        `in_turns` lets others have their turns between them.
        """
        bucket = self._bucket(client, address)
        wait = bucket.take(monotonic())
        if wait:
            raise RateLimited("You poll too often: wait.", retry_after=round(wait, 3))
        said = list(said)
        client.spoke = bool(said)
        if said:
            self._check_open(client)
            self._online.know_who_polls()
        if client.fresh:
            self._receive(client)
            client.send(hello(client.client_id, self._parts.settings))
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
            fields = {"client_id": client.client_id, "uid": client.place.member.uid}
            extra = {**fields, "transport": "polling", "address": address}
            log.info("client %d of %s begins to poll", *fields.values(), extra=extra)
            self._parts.counts[HANDSHAKES["polling"]] += 1

    def _check_open(self, client: Poller) -> None:
        """A session that has ended says nothing more; `collect` would find the end too late. Raises `Over`."""
        place = client.place
        if place is not None:
            ends = self._parts.read(lambda c: notices.since(c, place.notice, [ended_key(place.member.uid)]))
            _check_ended(place, ends)

    def _receive(self, client: Poller) -> None:
        """A login is about to come; whoever it is, is here before they are told how many are."""
        client.before_login()
        client.admit = lambda member: self._note(client, member.uid, False, 0)
        if client.session.member is not None:
            client.admit(client.session.member)

    def _carry_out_one(self, client: Poller, raw: bytes, bucket: TokenBucket) -> None:
        wait = bucket.take(monotonic())
        if bucket.flooding:
            raise Over(close.FLOOD, RateLimited("Too many frames.", retry_after=round(wait, 3)))
        self._requests.handle(client, raw, wait)
        if client.refused:
            raise client.refused

    def _bucket(self, client: Poller, address: str | None) -> TokenBucket:
        """That of the client; before its login that of the person or the address, for whoever logs in and in again."""
        member = client.session.member
        key = client.client_id if client.place else member.uid if member else address or ""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= _REMEMBERED:
                self._buckets.clear()
            bucket = self._buckets[key] = TokenBucket(self._parts.settings.rate, monotonic())
        return bucket

    def touch(self, client: Poller, wait: float) -> None:
        """Its person is here until the next poll is due."""
        place = _place(client)
        away = client.session.away
        if away != place.away or self._parts.clock() - client.touched >= _TOUCH:
            self._note(client, place.member.uid, away, wait)
        place.away, place.touched = away, client.touched

    def _note(self, client: Poller, uid: str, away: bool, wait: float) -> None:
        now = client.touched = self._parts.clock()
        until = now + round(wait * 1000) + (_LATE_AWAY if away else _LATE)
        looks = now - self._looked_at >= _LOOK
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

    def keys(self, client: Poller) -> list[str]:
        """Under which news for it are announced, as of the last `collect`."""
        uid = _place(client).member.uid
        event_rooms = map(event_room_key, _place(client).rooms)
        return [person_key(uid), ended_key(uid), EVERYBODY, *client.rooms, *event_rooms]

    def collect(self, client: Poller) -> tuple[list[Any], bool]:
        """The frames that came since its place, which moves on; whether there are more. Raises `Over`."""
        place = _place(client)
        through = dict(sorted(client.said))  # by conversation; the last where several were said
        news = self._news.ask(polls.Ask(place, self._parts.settings.replay, through))
        _check_ended(place, news.notices)
        client.rooms = [h.where.key for h in news.headings if h.where.gid is not None]
        found = _Found(client, news)
        place.seqs = found.seqs
        place.notice = news.newest
        client.out = []
        client.said = {}
        return found.frames, news.more

    def _read_news(self, asked: list[polls.Ask]) -> list[News]:
        return self._parts.read(lambda c: polls.news(c, asked))

    def count(self, client: Poller) -> list[Any]:
        """How many are online, where that is not what it was told."""
        self._online.refresh()
        place, count = _place(client), self._online.count()
        if place.online == count:
            return []
        place.online = count
        return [frames.OnlineNotice(*count)]


class _Found:
    """The answer to one poll in its order: by time, messages of a conversation by number, acks where they belong."""

    def __init__(self, client: Poller, news: News):
        place = _place(client)
        self._client = client
        self._me = place.member.uid
        ids = {id_ for id_ in client.said.values() if id_ is not None}
        self._acks = {event.id: event for event in client.out if isinstance(event, frames.Ack) and event.id in ids}
        self._timed: list[tuple[int, Any]] = []
        self.seqs = {h.where.id: place.seqs.get(h.where.id, polls.start(h)) for h in news.headings}
        for where, page in news.messages:
            self._add_page(where, page)
        self._add_notices(news.notices)
        self._timed.sort(key=lambda item: item[0])
        late = set(map(id, self._acks.values()))  # those that found no place: what they answer was read before
        first = [e for e in client.out if not (isinstance(e, frames.Ack) and e.id in ids) or id(e) in late]
        self.frames = [*first, *(frame for _, frame in self._timed)]

    def _add_page(self, where: Conversation, page: list[Message]) -> None:
        ts = 0
        for message in page:
            ts = max(ts, message.ts)
            said = (message.conversation, message.seq) in self._client.said
            # The ack of a private message stands in its place.
            if not (said and where.pair):
                self._timed.append((ts, frames.message_frame(where, message)))
            ack = self._acks.pop(message.request_id or "", None) if said else None
            if ack is not None:
                self._timed.append((ts, ack))
            self.seqs[where.id] = message.seq

    def _add_notices(self, kept: list[Kept]) -> None:
        seen: set[str] = set()
        for notice in kept:
            mine = notice.skip == self._client.client_id or notice.about == self._me
            if mine or notice.frame in seen:
                continue
            if notice.about is not None:  # it may lie under several keys
                seen.add(notice.frame)
            self._timed.append((notice.ts, msgspec.Raw(notice.frame.encode())))


def _check_ended(place: Place, kept: list[Kept]) -> None:
    key = ended_key(place.member.uid)
    for notice in kept:
        if notice.key != key:
            continue
        ended = msgspec.json.decode(notice.frame, type=Ended)
        if ended.device is None or ended.device == place.member.device:
            raise Over(ended.code, NotLoggedIn(f"Your session has ended: {ended.reason}."))
    kept[:] = [notice for notice in kept if notice.key != key]


def _place(client: Poller) -> Place:
    assert client.place is not None  # noqa: S101 - `carry_out` saw to it
    return client.place
