"""Conversations and who belongs to them: rooms by `gid`, private talks by the pair of people."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, delete, func, select, update
from sqlalchemy.engine import Connection, Row

from ..core.model import Member, Membership, Room, private_key, room_key
from . import bulk
from .tables import conversations, info, members, people

_c, _m = conversations.c, members.c

_ROOM = (_c.id, _c.gid, _c.name, _c.private, _c.seq, _c.ts, _c.founder)
_room = select(*_ROOM).where(_c.key == bindparam("the_key"))
_conversation_id = select(_c.id).where(_c.key == bindparam("the_key"))
_member = select(_m.read).where(and_(_m.uid == bindparam("who"), _m.conversation == bindparam("where")))
_memberships = (
    select(
        _c.id,
        _c.key,
        _c.gid,
        _m.peer,
        _c.name,
        people.c.name.label("peer_name"),
        _c.private,
        _c.seq,
        _m.read,
        _c.ts,
        people.c.avatar,
        _c.founder,
    )
    .select_from(members.join(conversations, _c.id == _m.conversation).outerjoin(people, people.c.uid == _m.peer))
    .where(_m.uid == bindparam("who"))
    .order_by(_c.ts.desc(), _c.id)
)
_of_conversation = (
    select(_m.uid, func.coalesce(people.c.name, _m.uid).label("name"), people.c.avatar)
    .select_from(members.outerjoin(people, people.c.uid == _m.uid))
    .where(_m.conversation == bindparam("where"))
    .order_by("name")
)
_mark_read = (
    update(members)
    .where(and_(_m.uid == bindparam("who"), _m.conversation == bindparam("where"), _m.read < bindparam("upto")))
    .values(read=bindparam("upto"))
)
_head = select(_c.seq).where(_c.id == bindparam("where"))


def epoch(connection: Connection) -> str:
    return connection.execute(select(info.c.value).where(info.c.name == "epoch")).scalar_one()


def find_room(connection: Connection, gid: str) -> Room | None:
    row = connection.execute(_room, {"the_key": room_key(gid)}).first()
    return Room(*row) if row else None


def is_member(connection: Connection, conversation: int, uid: str) -> bool:
    return connection.execute(_member, {"who": uid, "where": conversation}).first() is not None


def create_room(connection: Connection, gid: str, name: str, private: bool, founder: str | None = None) -> Room | None:
    """The new room, or None where the key is taken."""
    if find_room(connection, gid):
        return None
    row = {"key": room_key(gid), "gid": gid, "name": name, "private": private, "seq": 0, "ts": 0, "founder": founder}
    return find_room(connection, gid) if bulk.insert_new(connection, conversations, row) else None


def change_room(connection: Connection, room: Room, name: str, private: bool) -> None:
    """Another name, open or closed to the public."""
    connection.execute(update(conversations).where(_c.id == room.id).values(name=name, private=private))


def add_member(connection: Connection, conversation: int, uid: str, peer: str | None = None, read: int = 0) -> bool:
    """True where the person did not belong before; what was said by then counts as `read`."""
    row = {"uid": uid, "conversation": conversation, "peer": peer, "read": read, "since": read}
    return not is_member(connection, conversation, uid) and bulk.insert_new(connection, members, row)


def add_members(connection: Connection, room: Room, uids: Sequence[str]) -> None:
    """People who did not belong before; what was said by then counts as read."""
    more = {"conversation": room.id, "peer": None, "read": room.seq, "since": room.seq}
    if uids and not bulk.insert_new(connection, members, [{"uid": uid, **more} for uid in uids]):
        for uid in uids:
            add_member(connection, room.id, uid, read=room.seq)


def remove_member(connection: Connection, conversation: int, uid: str) -> bool:
    where = and_(_m.uid == uid, _m.conversation == conversation)
    return connection.execute(delete(members).where(where)).rowcount > 0


def count_rooms(connection: Connection, uid: str) -> int:
    joined = members.join(conversations, _c.id == _m.conversation)
    query = select(func.count()).select_from(joined).where(and_(_m.uid == uid, _c.gid.is_not(None)))
    return connection.execute(query).scalar_one()


def find_private(connection: Connection, one: str, other: str) -> int | None:
    return connection.execute(_conversation_id, {"the_key": private_key(one, other)}).scalar()


def open_private(connection: Connection, one: str, other: str) -> int:
    """The conversation of two people, made at their first message."""
    known = find_private(connection, one, other)
    if known is not None:
        return known
    row = {"key": private_key(one, other), "gid": None, "name": "", "private": True, "seq": 0, "ts": 0}
    bulk.insert_new(connection, conversations, row)
    conversation = connection.execute(_conversation_id, {"the_key": row["key"]}).scalar_one()
    add_member(connection, conversation, one, peer=other)
    add_member(connection, conversation, other, peer=one)
    return conversation


def memberships(connection: Connection, uid: str) -> list[Membership]:
    """All rooms and private talks of a person, the one that spoke last first."""
    return [_membership(row) for row in connection.execute(_memberships, {"who": uid})]


def _membership(row: Row) -> Membership:
    id_, key, gid, peer, name, peer_name, *more = row
    return Membership(id_, key, gid, peer, name if gid else peer_name or peer or "", *more)


def membership(connection: Connection, uid: str, conversation: int) -> Membership | None:
    row = connection.execute(
        _memberships.where(_c.id == bindparam("where")), {"who": uid, "where": conversation}
    ).first()
    return _membership(row) if row else None


def members_of(connection: Connection, conversation: int) -> list[Member]:
    """Everybody who belongs, by name."""
    rows = connection.execute(_of_conversation, {"where": conversation})
    return [Member(uid, name, avatar=avatar) for uid, name, avatar in rows]


def uids_of(connection: Connection, conversation: int) -> set[str]:
    return set(connection.execute(select(_m.uid).where(_m.conversation == conversation)).scalars())


def mark_read(connection: Connection, conversation: int, uid: str, seq: int) -> int | None:
    """Where the marker moved to, or None; it never moves back, nor beyond what was said."""
    upto = min(seq, connection.execute(_head, {"where": conversation}).scalar() or 0)
    moved = connection.execute(_mark_read, {"who": uid, "where": conversation, "upto": upto}).rowcount > 0
    return upto if moved else None


def public_rooms(connection: Connection, uid: str) -> list[tuple[Room, int, bool]]:
    """`(room, number of members, whether uid is one)` of every public room, by name."""
    mine = select(_m.conversation).where(_m.uid == uid).scalar_subquery()
    query = (
        select(*_ROOM, func.count(_m.uid), _c.id.in_(mine))
        .select_from(conversations.outerjoin(members, _m.conversation == _c.id))
        .where(and_(_c.gid.is_not(None), _c.private.is_(False)))
        .group_by(*_ROOM)
        .order_by(_c.name)
    )
    return [(Room(*row), count, bool(joined)) for *row, count, joined in connection.execute(query)]
