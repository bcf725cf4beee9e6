"""Rooms: create, join, leave, invite; who belongs."""

from __future__ import annotations

import secrets

from ..backplane.contract import Subscribe, ToRoom, Unsubscribe
from ..core import access, frames
from ..core.model import Conversation, Member, Membership, Room, room_key
from ..core.text import check_gid, check_name, check_uid
from ..errors import Exists, Forbidden
from ..storage import people, rooms
from ..storage.database import Connection
from .parts import Parts


class Rooms:
    def __init__(self, parts: Parts):
        self._parts = parts

    def create(
        self, gid: str, name: str, private: bool = False, members: tuple[str, ...] = (), founder: str | None = None
    ) -> Room:
        """A new room. Raises `Exists` where the key is taken, `BadText`, `Empty` or `TooLong`."""
        check_gid(gid)
        name = check_name(name, "room's name")

        def job(connection: Connection) -> Room:
            room = rooms.create_room(connection, gid, name, private, founder)
            if room is None:
                raise Exists(f"There is a room {gid!r} already: choose another key.")
            for uid in members:
                rooms.add_member(connection, room.id, uid)
            return room

        def announce(room: Room) -> None:
            for uid in members:
                self._parts.backplane.publish(Subscribe(uid, Conversation(room.id, gid=room.gid)))

        return self._parts.writer.call(job, announce)

    def found(self, member: Member, name: str, private: bool) -> Membership:
        """A room that a person opens, and belongs to from the start; all their pages show it. Its key is drawn.

        Raises as `create`, and whatever the site's rules raise.
        """
        gid = secrets.token_hex(6)
        self._parts.rules.check_join(member, Room(0, gid, name, private, 0, 0, founder=member.uid))
        self._parts.writer.call(lambda c: self._check_room_count(c, member.uid))
        room = self.create(gid, name, private, (member.uid,), founder=member.uid)
        self._tell(room, _joined(room, member))
        return self._membership(member, room)

    def ensure_defaults(self) -> None:
        """The default rooms exist."""

        def missing(connection: Connection) -> list[str]:
            return [gid for gid in self._parts.settings.default_rooms if not rooms.find_room(connection, gid)]

        def job(connection: Connection) -> None:
            for gid in missing(connection):
                rooms.create_room(connection, check_gid(gid), gid.capitalize(), False)

        if self._parts.read(missing):
            self._parts.writer.call(job)

    def find(self, member: Member, gid: str) -> Conversation:
        """A room to read or write, for one who belongs. Raises `UnknownRoom` or `NotMember`.

        Somebody who belongs by a change outside this worker (the command line) is subscribed on the way.
        """

        def query(connection: Connection) -> Room:
            return self._own_room(connection, member, gid)

        room = self._parts.read(query)
        conversation = Conversation(room.id, gid=room.gid)
        self._parts.backplane.publish(Subscribe(member.uid, conversation))
        return conversation

    def join(self, member: Member, gid: str) -> Membership:
        """Belong to a public room; doing so twice changes nothing. Raises `UnknownRoom` or `Forbidden`."""
        self._ask_to_join(member, gid)

        def job(connection: Connection) -> tuple[Room, bool]:
            found, belongs = self._look(connection, member, gid)
            room = access.check_see(found, gid, belongs)
            if not belongs:
                self._check_room_count(connection, member.uid)
                rooms.add_member(connection, room.id, member.uid, read=room.seq)
            return room, not belongs

        room, _ = self._parts.writer.call(job, lambda result: self._welcome(*result, member))
        return self._membership(member, room)

    def invite(self, member: Member, gid: str, uid: str) -> None:
        """A member brings somebody else into a room, where that is for members to do.

        Raises `BadText`, `UnknownRoom`, `NotMember` or `Forbidden`.
        """
        check_uid(uid)
        self._ask_to_bring(member, gid, uid)

        def job(connection: Connection) -> tuple[Room, bool, Member]:
            return self._bring(connection, self._own_room(connection, member, gid), uid)

        self._parts.writer.call(job, lambda result: self._welcome(*result))

    def add(self, gid: str, uid: str) -> None:
        """The site brings somebody in. Raises `BadText`, `UnknownRoom` or `Forbidden` (too many rooms)."""
        check_uid(uid)
        self._parts.writer.call(
            lambda c: self._bring(c, self._any_room(c, gid), uid), lambda result: self._welcome(*result)
        )

    def _bring(self, connection: Connection, room: Room, uid: str) -> tuple[Room, bool, Member]:
        new = not rooms.is_member(connection, room.id, uid)
        if new:
            self._check_room_count(connection, uid)
            rooms.add_member(connection, room.id, uid, read=room.seq)
        return room, new, people.find_member(connection, uid)

    def leave(self, member: Member, gid: str) -> None:
        """Belong no more: nothing that comes later is delivered. Raises `UnknownRoom` or `NotMember`."""

        def job(connection: Connection) -> Room:
            room = self._own_room(connection, member, gid)
            rooms.remove_member(connection, room.id, member.uid)
            return room

        self._parts.writer.call(job, lambda room: self._part(room, member))

    def remove(self, gid: str, uid: str) -> None:
        """The site takes somebody out; nothing changes where they did not belong. Raises `UnknownRoom`."""

        def job(connection: Connection) -> tuple[Room, Member | None]:
            room = self._any_room(connection, gid)
            gone = rooms.remove_member(connection, room.id, uid)
            return room, people.find_member(connection, uid) if gone else None

        self._parts.writer.call(job, lambda result: self._part(*result))

    def _part(self, room: Room, member: Member | None) -> None:
        if member is not None:
            self._tell(room, frames.Left(room.gid, member.uid, member.name))
            self._parts.backplane.publish(Unsubscribe(member.uid, room_key(room.gid)))

    def members(self, where: Conversation) -> list[Member]:
        """Everybody who belongs, by name."""
        return self._parts.read(lambda c: rooms.members_of(c, where.id))

    def public(self, member: Member) -> list[frames.PublicRoom]:
        """The public rooms, but for those that the site's own rules keep this person out of."""
        listed = self._parts.read(lambda c: rooms.public_rooms(c, member.uid))
        if self._parts.rules.for_joining:
            others = [room for room, _, joined in listed if not joined]
            joinable = {room.gid for room in self._parts.rules.joinable(member, others)}
            listed = [row for row in listed if row[2] or row[0].gid in joinable]
        return [frames.PublicRoom(room.gid, room.name, count, joined) for room, count, joined in listed]

    # -- what the site's own rules say ------------------------------------------------------------------------

    def _ask_to_join(self, member: Member, gid: str) -> None:
        """Before the transaction: a rule is the site's own code, and may take its time."""
        if not self._parts.rules.for_joining:
            return
        room, belongs = self._parts.read(lambda c: self._look(c, member, gid))
        if not belongs:
            self._parts.rules.check_join(member, access.check_see(room, gid, belongs))

    @property
    def ruled_invitations(self) -> bool:
        """Whether the site has rules about who may invite."""
        return self._parts.rules.for_inviting

    def _ask_to_bring(self, member: Member, gid: str, uid: str) -> None:
        def query(connection: Connection) -> tuple[Room, Member]:
            return self._own_room(connection, member, gid), people.find_member(connection, uid)

        room, guest = self._parts.read(query)
        self._parts.rules.check_invite(member, room, uid)
        self._parts.rules.check_join(guest, room)

    def _own_room(self, connection: Connection, member: Member, gid: str) -> Room:
        room, belongs = self._look(connection, member, gid)
        return access.check_member(room, gid, belongs)

    def _look(self, connection: Connection, member: Member, gid: str) -> tuple[Room | None, bool]:
        """The room, and whether the person belongs."""
        room = rooms.find_room(connection, gid)
        return room, room is not None and rooms.is_member(connection, room.id, member.uid)

    def _any_room(self, connection: Connection, gid: str) -> Room:
        room = rooms.find_room(connection, gid)
        if room is None:
            raise access.unknown_room(gid)
        return room

    def _check_room_count(self, connection: Connection, uid: str) -> None:
        limit = self._parts.settings.max_rooms
        if rooms.count_rooms(connection, uid) >= limit:
            raise Forbidden(f"Nobody may be in more than {limit} rooms: leave one first.")

    def _membership(self, member: Member, room: Room) -> Membership:
        found = self._parts.read(lambda c: rooms.membership(c, member.uid, room.id))
        if found is None:  # left again in another page meanwhile
            raise access.unknown_room(room.gid)
        return found

    def _welcome(self, room: Room, new: bool, member: Member) -> None:
        """Subscribe first, so that the newcomer's own pages hear of it too."""
        self._parts.backplane.publish(Subscribe(member.uid, Conversation(room.id, gid=room.gid)))
        if new:
            self._tell(room, _joined(room, member))

    def _tell(self, room: Room, event: frames.Joined | frames.Left) -> None:
        frame = frames.encode(event)
        self._parts.backplane.publish(ToRoom(room_key(room.gid), frame, about=event.uid))


def _joined(room: Room, member: Member) -> frames.Joined:
    return frames.Joined(room.gid, member.uid, member.name, room.name, member.avatar)
