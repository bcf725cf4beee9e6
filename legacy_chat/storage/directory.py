"""Rooms and their members in pages, as back ends see them: private rooms too."""

from __future__ import annotations

from sqlalchemy import and_, func, select
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql import Select

from ..core.api import RoomInfo
from ..core.model import room_key
from .tables import conversations, members, people

_c, _m = conversations.c, members.c

_count = select(func.count()).where(_m.conversation == _c.id).correlate(conversations).scalar_subquery()
_rooms = select(_c.id, _c.gid, _c.name, _c.private, _count, _c.seq, _c.ts).where(_c.gid.is_not(None))
_members = select(_m.uid, func.coalesce(people.c.name, _m.uid)).select_from(
    members.outerjoin(people, people.c.uid == _m.uid)
)


def rooms_after(connection: Connection, last: int, limit: int) -> tuple[list[RoomInfo], int | None]:
    """The rooms behind the room with the id `last`, and the id to go on from; None where there are no more."""
    rows, more = _page(connection, _rooms.where(_c.id > last).order_by(_c.id), limit)
    return [_room(row) for row in rows], rows[-1][0] if more else None


def room(connection: Connection, gid: str) -> RoomInfo | None:
    row = connection.execute(_rooms.where(_c.key == room_key(gid))).first()
    return _room(row) if row else None


def members_after(
    connection: Connection, conversation: int, last: str, limit: int
) -> tuple[list[tuple[str, str]], str | None]:
    """`(uid, name)` of those behind `last`, by uid, and the uid to go on from."""
    query = _members.where(and_(_m.conversation == conversation, _m.uid > last)).order_by(_m.uid)
    rows, more = _page(connection, query, limit)
    return [(uid, name) for uid, name in rows], rows[-1][0] if more else None


def _page(connection: Connection, query: Select, limit: int) -> tuple[list[Row], bool]:
    rows = list(connection.execute(query.limit(limit + 1)))
    return rows[:limit], len(rows) > limit


def _room(row: Row) -> RoomInfo:
    _, gid, name, private, count, seq, ts = row
    return RoomInfo(gid=gid, name=name, private=bool(private), members=count, seq=seq, ts=ts)
