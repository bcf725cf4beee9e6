"""`/rooms`: rooms and who belongs to them."""

from __future__ import annotations

from ...core import access
from ...core.api import UNSET, MemberInfo, MemberPage, NewMember, NewRoom, Page, RoomInfo, RoomPage, UnsetType
from ...core.model import Room
from ...errors import BadRequest, Exists, Forbidden, UnknownRoom
from ...storage import directory
from ...storage import rooms as stored
from ...storage.database import Connection
from .operation import Call, Operations

operations = Operations()
ROOM = "/rooms/<gid>"


@operations("GET", "/rooms", "rooms", query=Page, answer=RoomPage)
def list_rooms(call: Call) -> RoomPage:
    """Every room, private ones too, in the order in which they were made"""
    last = page_number(call.query.cursor)
    rooms, after = call.services.parts.read(lambda c: directory.rooms_after(c, last, call.query.limit))
    return RoomPage(rooms=rooms, next=UNSET if after is None else str(after))


@operations("POST", "/rooms", "rooms", body=NewRoom, answer=RoomInfo, status=201, errors=(Exists,), once=True)
def create_room(call: Call) -> RoomInfo:
    """Create a room"""
    new = call.body
    members = tuple(dict.fromkeys(map(str, new.members)))
    call.services.rooms.create(new.gid, new.gid if new.name is UNSET else new.name, new.private, members)
    return _room(call, new.gid)


@operations("GET", ROOM, "rooms", answer=RoomInfo, errors=(UnknownRoom,))
def get_room(call: Call) -> RoomInfo:
    """One room"""
    return _room(call, call.path["gid"])


@operations("GET", f"{ROOM}/members", "rooms", query=Page, answer=MemberPage, errors=(UnknownRoom,))
def list_members(call: Call) -> MemberPage:
    """Who belongs to a room, by uid, and who of them is here"""
    gid, query = call.path["gid"], call.query
    last = "" if query.cursor is UNSET else query.cursor
    rows, after = call.services.parts.read(
        lambda c: directory.members_after(c, stored_room(c, gid).id, last, query.limit)
    )
    names = dict(rows)
    members = [
        MemberInfo(uid=state.uid, name=names[state.uid], online=state.online, away=state.away, seen=state.seen)
        for state in call.services.presence.state(list(names))
    ]
    return MemberPage(members=members, next=UNSET if after is None else after)


@operations("POST", f"{ROOM}/members", "rooms", body=NewMember, status=204, errors=(UnknownRoom, Forbidden), once=True)
def add_member(call: Call) -> None:
    """Bring somebody into a room

    Nothing changes where they belong already.
    """
    call.services.rooms.add(call.path["gid"], str(call.body.uid))


@operations("DELETE", f"{ROOM}/members/<uid>", "rooms", status=204, errors=(UnknownRoom,))
def remove_member(call: Call) -> None:
    """Take somebody out of a room

    From the answer on nothing more is delivered to them. Nothing changes where they did not belong.
    """
    call.services.rooms.remove(call.path["gid"], call.path["uid"])


def stored_room(connection: Connection, gid: str) -> Room:
    """The room, whoever belongs. Raises `UnknownRoom`."""
    room = stored.find_room(connection, gid)
    if room is None:
        raise access.unknown_room(gid)
    return room


def _room(call: Call, gid: str) -> RoomInfo:
    room = call.services.parts.read(lambda c: directory.room(c, gid))
    if room is None:
        raise access.unknown_room(gid)
    return room


def page_number(cursor: str | UnsetType) -> int:
    """What is behind a cursor that is a number; 0 for none. Raises `BadRequest`."""
    if isinstance(cursor, UnsetType):
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 16):
        raise BadRequest("The cursor is none of ours: send `next` of the page before.")
    return int(cursor)
