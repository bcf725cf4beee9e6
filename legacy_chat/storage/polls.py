"""What polls read, at one point between two commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from ..core.model import Conversation, Message, event_room_key
from ..core.poll import EVERYBODY, Heading, Kept, News, Place, client_key, ended_key, person_key
from . import bulk, messages, notices
from .tables import conversations, members

_c, _m = conversations.c, members.c

_headings = (
    select(_m.uid, _c.id, _c.gid, _m.peer, _c.seq, _m.read, _m.since)
    .select_from(members.join(conversations, _c.id == _m.conversation))
    .where(_m.uid.in_(bindparam("who", expanding=True)))
    .order_by(_c.id)
)

# Messages of one conversation in one answer.
_PAGE = 100
# And at the most, for one who said something after a long silence.
_THROUGH = 500


class Ask(NamedTuple):
    """What came after `place`, with at most about `most` messages?

    `through` names conversations, and the number up to which their messages are needed if that is not far off.
    """

    place: Place
    most: int
    through: dict[int, int]


def headings(connection: Connection, uid: str) -> list[Heading]:
    """Every conversation of a person."""
    return _headings_of(connection, [uid])[uid]


def _headings_of(connection: Connection, uids: list[str]) -> dict[str, list[Heading]]:
    found: dict[str, list[Heading]] = {uid: [] for uid in uids}
    for chunk in bulk.chunks(uids):
        for uid, id_, gid, peer, seq, read, since in connection.execute(_headings, {"who": chunk}):
            pair = None if gid is not None else (min(uid, peer), max(uid, peer))
            found[uid].append(Heading(Conversation(id_, gid=gid, pair=pair), seq, read, since))
    return found


def news(connection: Connection, asked: Sequence[Ask]) -> list[News]:
    """The answers; what several ask for is read once."""
    look = _Look(connection, asked)
    return [look.answer(ask) for ask in asked]


class _Look:
    """At one point between two commits."""

    def __init__(self, connection: Connection, asked: Sequence[Ask]):
        self._connection = connection
        self._headings = _headings_of(connection, list({ask.place.member.uid for ask in asked}))
        self._newest = notices.newest(connection)
        self._pages: dict[tuple[int, int, int], tuple[list[Message], bool]] = {}

    def answer(self, ask: Ask) -> News:
        found = self._headings[ask.place.member.uid]
        pages, more = self._messages(ask, found)
        return News(found, pages, self._notices(ask.place, found), self._newest, more)

    def _notices(self, place: Place, found: list[Heading]) -> list[Kept]:
        if self._newest <= place.notice:
            return []
        uid = place.member.uid
        # What was told in a room before somebody came is not for them.
        rooms = [h.where.key for h in found if h.where.gid is not None and h.where.id in place.seqs]
        since = {event_room_key(room): notice for room, notice in place.rooms.items()}
        keys = [EVERYBODY, person_key(uid), ended_key(uid), client_key(place.client_id), *rooms, *since]
        kept = notices.since(self._connection, place.notice, keys)
        return [notice for notice in kept if notice.id > since.get(notice.key, 0)]

    def _messages(self, ask: Ask, found: list[Heading]) -> tuple[list[tuple[Conversation, list[Message]]], bool]:
        pages: list[tuple[Conversation, list[Message]]] = []
        more, most = False, ask.most
        for heading in found:
            had = ask.place.seqs.get(heading.where.id, heading.since)
            if heading.seq <= had:
                continue
            count = max(min(most, _PAGE), min(ask.through.get(heading.where.id, 0) - had, _THROUGH))
            if count <= 0:
                more = True
                continue
            page, rest = self._page(heading.where.id, had, count)
            pages.append((heading.where, page))
            most -= len(page)
            more = more or rest
        return pages, more

    def _page(self, conversation: int, after: int, count: int) -> tuple[list[Message], bool]:
        key = conversation, after, count
        if key not in self._pages:
            self._pages[key] = messages.page(self._connection, conversation, None, after, count)
        return self._pages[key]
