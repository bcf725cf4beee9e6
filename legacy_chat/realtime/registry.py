"""This worker's connections, by person and by room; who hands a committed frame to whom.

Entries have one owner: a connection is added at its login and removed on its way into `closing`, and with a person's
last connection go the person and the rooms that only they kept.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent

from ..backplane.contract import Disconnect, Notice, Reach, Subscribe, ToAll, ToPeople, ToRoom, Unsubscribe
from ..core.model import Conversation, Snapshot
from . import framing
from .channel import Channel
from .connection import Connection
from .multisend import Multisend

log = logging.getLogger(__name__)

Piece = tuple[list[Connection], bytes, bool]


class Person:
    """Somebody who is here: all their connections, and the rooms they belong to, by gid."""

    __slots__ = ("connections", "rooms")

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.rooms: dict[str, Channel] = {}


# In a room with more connections than this, nobody is told of every single person who comes, goes or joins: there the
# member list is asked for, which costs one answer instead of one frame for each pair of people.
CROWD = 100

# Connections that are written to in one turn of the loop, and bytes over all of them.
_TURN = 128
_TURN_BYTES = 1 << 20


class Registry:
    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.touched: set[str] = set()  # whose presence may have changed since somebody looked
        self._multisend = Multisend()
        self._pieces: deque[Piece] = deque()  # what a crowd is still to be sent
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
        self.touched.add(member.uid)
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
        self.touched.add(member.uid)
        if not person.connections:
            del self.people[member.uid]
            for channel in person.rooms.values():
                self._tidy(channel)

    def set_away(self, connection: Connection, away: bool) -> None:
        """Its page is hidden or idle, or seen again."""
        connection.session.away = away
        if connection.session.member:
            self.touched.add(connection.session.member.uid)

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
            members = {connection.session.member for connection in self.channels.get(notice.key, ())}
            return [self.people[uid] for uid in {member.uid for member in members if member}]
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
        people = [self.people[uid] for uid in dict.fromkeys(notice.uids) if uid in self.people]
        self._write(people, notice, notice.skip)

    def _to_all(self, notice: ToAll) -> None:
        self._write(list(self.people.values()), notice)

    def _write(self, people: list[Person], notice: ToPeople | ToAll, skip: int | None = None) -> None:
        """At once; a crowd gets it in pieces, and others have their turns in between."""
        data = framing.frame(framing.TEXT, notice.frame)
        connections = [c for person in people for c in person.connections if c.client_id != skip]
        turn = min(_TURN, max(1, _TURN_BYTES // len(data)))
        pieces = [connections[start : start + turn] for start in range(0, len(connections), turn)]
        if len(pieces) > 1 or self._pieces:
            self._write_later([(piece, data, notice.droppable) for piece in pieces])
        else:
            _write(connections, data, notice.droppable)

    def _write_later(self, pieces: list[Piece]) -> None:
        """In the order of the notices: what comes meanwhile waits behind."""
        if pieces and not self._pieces:
            gevent.spawn(self._write_in_turns)
        self._pieces.extend(pieces)

    def _write_in_turns(self) -> None:
        while self._pieces:
            try:
                _write(*self._pieces.popleft())
            except Exception:
                log.exception("a notice was not handed on")
            gevent.sleep(0)

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


def _write(connections: list[Connection], data: bytes, droppable: bool) -> None:
    for connection in connections:
        connection.write(data, droppable)
