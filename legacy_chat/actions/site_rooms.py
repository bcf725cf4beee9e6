"""Rooms that belong to something of the site's own, such as an order: the site says what they are and who belongs.

The same call again changes nothing, so it may stand in a view that is called a thousand times.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..backplane.contract import Subscribe, ToRoom, Unsubscribe
from ..core import access, frames
from ..core.model import Conversation, Member, Room, room_key
from ..core.text import check_gid, check_name
from ..errors import Exists
from ..storage import people, rooms
from ..storage.database import Connection
from .parts import Parts


class Outcome(msgspec.Struct):
    """What a call changed."""

    room: Room
    changed: bool
    new: list[Member]
    gone: list[Member] = []


class SiteRooms:
    def __init__(self, parts: Parts):
        self._parts = parts

    def ensure(
        self, gid: str, name: str | None = None, private: bool | None = None, members: Sequence[Member] = ()
    ) -> Room:
        """The room as the site wants it: made where there is none, else with this name and privacy (None: as it is).

        These people, each named once, belong from now on, whoever belonged before stays. Who never came goes by the
        name that is given here; one that is the uid says nothing. Raises `Exists` for a room that a person
        opened, `BadText`, `Empty` or `TooLong`.
        """
        check_gid(gid)
        name = name if name is None else check_name(name, "room's name")

        def job(connection: Connection) -> Outcome:
            room = _wanted(connection, gid, name, private)
            return Outcome(room[0], room[1], self._bring(connection, room[0], members))

        return self._parts.read(lambda c: _as_wanted(c, gid, name, private, members)) or self._change(job)

    def add(self, gid: str, members: Sequence[Member]) -> Room:
        """These people belong from now on. Raises `UnknownRoom`."""

        def job(connection: Connection) -> Outcome:
            room = _find(connection, gid)
            return Outcome(room, False, self._bring(connection, room, members))

        return self._change(job)

    def set_members(self, gid: str, members: Sequence[Member]) -> Room:
        """These people belong, and nobody else. Raises as `add`."""

        def job(connection: Connection) -> Outcome:
            room = _find(connection, gid)
            gone = rooms.uids_of(connection, room.id).difference(member.uid for member in members)
            for uid in gone:
                rooms.remove_member(connection, room.id, uid)
            new = self._bring(connection, room, members)
            return Outcome(room, False, new, people.find_members(connection, sorted(gone)))

        return self._change(job)

    def _bring(self, connection: Connection, room: Room, members: Sequence[Member]) -> list[Member]:
        people.introduce_all(connection, members)
        known = rooms.uids_of(connection, room.id)
        new = [member.uid for member in members if member.uid not in known]
        rooms.add_members(connection, room, new)
        return people.find_members(connection, new)

    # -- telling ----------------------------------------------------------------------------------------------

    def _change(self, job) -> Room:
        return self._parts.writer.call(job, self._announce).room

    def _announce(self, outcome: Outcome) -> None:
        """Newcomers are subscribed before anybody is told, so that their own pages hear of it too."""
        room = outcome.room
        for member in outcome.new:
            self._parts.backplane.publish(Subscribe(member.uid, Conversation(room.id, gid=room.gid)))
        if outcome.changed:
            self._tell(room, frames.RoomChanged(room.gid, room.name, room.private))
        for member in outcome.new:
            self._tell(room, frames.Joined(room.gid, member.uid, member.name, room.name, member.avatar), member.uid)
        for member in outcome.gone:
            self._tell(room, frames.Left(room.gid, member.uid, member.name), member.uid)
            self._parts.backplane.publish(Unsubscribe(member.uid, room_key(room.gid)))

    def _tell(self, room: Room, event: frames.Event, about: str | None = None) -> None:
        self._parts.backplane.publish(ToRoom(room_key(room.gid), frames.encode(event), about=about))


def _find(connection: Connection, gid: str) -> Room:
    room = rooms.find_room(connection, gid)
    if room is None:
        raise access.unknown_room(gid)
    return room


def _as_wanted(
    connection: Connection, gid: str, name: str | None, private: bool | None, members: Sequence[Member]
) -> Room | None:
    """The room, where nothing is to be done."""
    room = rooms.find_room(connection, gid)
    if room is None or _differs(room, name, private) or room.founder is not None:
        return None
    if not rooms.uids_of(connection, room.id).issuperset(member.uid for member in members):
        return None
    return room if people.all_introduced(connection, members) else None


def _differs(room: Room, name: str | None, private: bool | None) -> bool:
    return name not in (None, room.name) or private not in (None, room.private)


def _wanted(connection: Connection, gid: str, name: str | None, private: bool | None) -> tuple[Room, bool]:
    """The room as it is wanted, and whether it was another one before."""
    made = rooms.create_room(connection, gid, name or gid, bool(private))
    if made is not None:
        return made, False
    room = _find(connection, gid)
    if room.founder is not None:  # who would be in a room of which the site believes that it is its own
        raise Exists(f"The room {gid!r} was opened by {room.founder!r} and is not the site's own: choose another key.")
    if not _differs(room, name, private):
        return room, False
    rooms.change_room(connection, room, name or room.name, room.private if private is None else private)
    return _find(connection, gid), True
