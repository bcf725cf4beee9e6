"""What one poll reads, at one point between two commits."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection, Row

from ..core.model import Conversation, Message, event_room_key
from ..core.poll import EVERYBODY, Heading, News, Place, ended_key, person_key
from . import messages, notices
from .tables import conversations, members

_c, _m = conversations.c, members.c

_headings = (
    select(_c.id, _c.gid, _m.peer, _c.seq, _m.read)
    .select_from(members.join(conversations, _c.id == _m.conversation))
    .where(_m.uid == bindparam("who"))
    .order_by(_c.id)
)

# Messages of one conversation in one answer.
_PAGE = 100


def headings(connection: Connection, uid: str) -> list[Heading]:
    """Every conversation of a person."""
    return [_heading(row, uid) for row in connection.execute(_headings, {"who": uid})]


def _heading(row: Row, uid: str) -> Heading:
    id_, gid, peer, seq, read = row
    pair = None if gid is not None else (min(uid, peer), max(uid, peer))
    return Heading(Conversation(id_, gid=gid, pair=pair), seq, read)


def news(connection: Connection, place: Place, most: int, through: dict[int, int]) -> News:
    """What came after `place`, with at most about `most` messages.

    `through` names conversations, and the number up to which their messages are needed in any case.
    """
    uid = place.member.uid
    found = headings(connection, uid)
    # What was told in a room before somebody came is not for them.
    rooms = [h.where.key for h in found if h.where.gid is not None and h.where.id in place.seqs]
    since = {event_room_key(room): notice for room, notice in place.rooms.items()}
    keys = [EVERYBODY, person_key(uid), ended_key(uid), *rooms, *since]
    newest = notices.newest(connection)
    kept = notices.since(connection, place.notice, keys) if newest > place.notice else []
    kept = [notice for notice in kept if notice.id > since.get(notice.key, 0)]
    pages, more = _pages(connection, place, found, most, through)
    return News(found, pages, kept, newest, more)


def _pages(
    connection: Connection, place: Place, found: list[Heading], most: int, through: dict[int, int]
) -> tuple[list[tuple[Conversation, list[Message]]], bool]:
    pages: list[tuple[Conversation, list[Message]]] = []
    more = False
    for heading in found:
        had = place.seqs.get(heading.where.id, start(heading))
        if heading.seq <= had:
            continue
        count = max(min(most, _PAGE), through.get(heading.where.id, 0) - had)
        if count <= 0:
            more = True
            continue
        page, rest = messages.page(connection, heading.where.id, None, had, count)
        pages.append((heading.where, page))
        most -= len(page)
        more = more or rest
    return pages, more


def start(heading: Heading) -> int:
    """A room that somebody was brought into begins where they came in; a private talk at its first word."""
    return heading.read if heading.where.gid is not None else 0
