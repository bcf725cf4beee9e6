"""This worker's connections, by person and by room; who hands a committed frame to whom.

Entries have one owner: a connection is added at its login and removed on its way into `closing`, and with a person's
last connection go the person and the rooms that only they kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backplane.contract import Disconnect, Notice, Reach, Subscribe, ToAll, ToPeople, ToRoom, Unsubscribe
from ..core.model import Conversation, Snapshot
from . import framing
from .channel import Channel
from .connection import Connection
from .multisend import Multisend


class Person:
    """Somebody who is here: all their connections, and the rooms they belong to, by gid."""

    __slots__ = ("connections", "rooms")

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.rooms: dict[str, Channel] = {}


# In a room with more connections than this, nobody is told of every single person who comes, goes or joins: there the
# member list is asked for, which costs one answer instead of one frame for each pair of people.
CROWD = 100


class Registry:
    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self._multisend = Multisend()
        self._receivers: dict[type, Callable[[Any], None]] = {
            ToRoom: self._to_room,
            ToPeople: self._to_people,
            ToAll: self._to_all,
            Subscribe: self._subscribe,
            Unsubscribe: self._unsubscribe,
            Disconnect: self._disconnect,
        }

    # -- who is here ------------------------------------------------------------------------------------------

    def is_online(self, uid: str) -> bool:
        return uid in self.people

    def count(self) -> tuple[int, int]:
        """People and connections."""
        return len(self.people), sum(len(person.connections) for person in self.people.values())

    def room_of(self, connection: Connection, gid: str) -> Conversation | None:
        member = connection.session.member
        person = self.people.get(member.uid) if member else None
        channel = person.rooms.get(gid) if person else None
        return channel.conversation if channel else None

    def subscribe(self, connection: Connection, snapshot: Snapshot) -> None:
        """A login: the connection gets what its person gets."""
        member = connection.session.member
        assert member is not None  # noqa: S101 - a login without identity is refused before
        person = self.people.setdefault(member.uid, Person())
        person.connections.add(connection)
        for channel in person.rooms.values():
            channel.enter(connection)
        for m in snapshot.memberships:
            if m.gid is not None:
                self._admit(person, Conversation(m.id, gid=m.gid))

    def remove(self, connection: Connection) -> None:
        member = connection.session.member
        person = self.people.get(member.uid) if member else None
        if member is None or person is None or connection not in person.connections:
            return
        person.connections.discard(connection)
        for channel in person.rooms.values():
            channel.leave(connection)
        if not person.connections:
            del self.people[member.uid]
            for channel in person.rooms.values():
                self._tidy(channel)

    def replace(self, connection: Connection) -> None:
        """The connection's socket is full, or free again."""
        member = connection.session.member
        person = self.people.get(member.uid) if member else None
        for channel in person.rooms.values() if person else ():
            channel.replace(connection)

    # -- notices ----------------------------------------------------------------------------------------------

    def receive(self, notice: Notice) -> None:
        self._receivers[type(notice)](notice)

    def reach(self, notice: Notice) -> Reach:
        people = self._audience(notice)
        return Reach(len(people), sum(len(person.connections) for person in people))

    def _audience(self, notice: Notice) -> list[Person]:
        if isinstance(notice, ToPeople):
            return [self.people[uid] for uid in set(notice.uids) if uid in self.people]
        if isinstance(notice, ToRoom):
            gid = notice.key.removeprefix("g:")
            return [person for person in self.people.values() if gid in person.rooms]
        return list(self.people.values()) if isinstance(notice, ToAll) else []

    def _to_room(self, notice: ToRoom) -> None:
        channel = self.channels.get(notice.key)
        if channel is None:
            return
        data = framing.frame(framing.TEXT, notice.frame)
        if notice.about is not None and len(channel) > CROWD:
            self._to_people(ToPeople((notice.about,), notice.frame))
        elif notice.skip is None and not notice.droppable:
            channel.send(data)
        else:
            channel.send_but(notice.skip, data, notice.droppable)

    def _to_people(self, notice: ToPeople) -> None:
        data = framing.frame(framing.TEXT, notice.frame)
        for uid in dict.fromkeys(notice.uids):
            person = self.people.get(uid)
            for connection in list(person.connections) if person else ():
                if connection.client_id != notice.skip:
                    connection.write(data, notice.droppable)

    def _to_all(self, notice: ToAll) -> None:
        data = framing.frame(framing.TEXT, notice.frame)
        for person in list(self.people.values()):
            for connection in list(person.connections):
                connection.write(data, notice.droppable)

    def _subscribe(self, notice: Subscribe) -> None:
        person = self.people.get(notice.uid)
        if person:
            self._admit(person, notice.room)

    def _unsubscribe(self, notice: Unsubscribe) -> None:
        person, channel = self.people.get(notice.uid), self.channels.get(notice.key)
        if person is None or channel is None:
            return
        channel.flush()
        person.rooms.pop(channel.conversation.gid or "", None)
        for connection in person.connections:
            channel.leave(connection)
        self._tidy(channel)

    def _disconnect(self, notice: Disconnect) -> None:
        person = self.people.get(notice.uid)
        for connection in list(person.connections) if person else ():
            member = connection.session.member
            if notice.device is None or (member and member.device == notice.device):
                connection.close(notice.code, notice.reason)

    # -- rooms ------------------------------------------------------------------------------------------------

    def _admit(self, person: Person, room: Conversation) -> None:
        gid = room.gid or ""
        channel = self.channels.get(room.key)
        if channel is None:
            channel = self.channels[room.key] = Channel(room, self._multisend)
        person.rooms[gid] = channel
        for connection in person.connections:
            channel.enter(connection)

    def _tidy(self, channel: Channel) -> None:
        if not len(channel):
            self.channels.pop(channel.conversation.key, None)
