"""This worker's connections, by person and by room; who hands a committed frame to whom.

Entries have one owner: a connection is added at its login and removed on its way into `closing`, and with a person's
last connection go the person and the rooms that only they kept.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import gevent

from ..backplane.contract import (
    Disconnect,
    Notice,
    Posted,
    Reach,
    Subscribe,
    ToAll,
    ToAudience,
    ToPeople,
    ToRoom,
    ToText,
    Unsubscribe,
)  # fmt: skip
from ..core.metrics import DELIVERIES, Counts
from ..core.model import Conversation, Snapshot
from . import framing
from .admitted import Admitted
from .channel import Channel
from .connection import Connection
from .event_rooms import EventRooms
from .multisend import Multisend
from .text import Text, TextChannels
from .turns import in_turns

log = logging.getLogger(__name__)

Crowd = tuple[list[Connection], bytes, bool]


class Person:
    """Somebody who is here: their connections, the rooms they belong to, by gid, and their plain-text sockets."""

    __slots__ = ("connections", "rooms", "texts")

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.rooms: dict[str, Channel[Connection]] = {}
        self.texts: set[Text] = set()

    @property
    def sockets(self) -> list[Admitted]:
        return [*self.connections, *self.texts]


# In a room with more connections than this, nobody is told of every single person who comes, goes or joins: there the
# member list is asked for, which costs one answer instead of one frame for each pair of people.
CROWD = 100

# Connections that are written to at once, and bytes over all of them; what is more has many turns of the loop.
_AT_ONCE = 128
_BYTES_AT_ONCE = 1 << 20


class Registry:
    def __init__(self, counts: Counts | None = None) -> None:
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel[Connection]] = {}
        self.touched: set[str] = set()  # whose presence may have changed since somebody looked
        self._multisend = Multisend(counts)
        self.texts = TextChannels(self._multisend)
        self.event_rooms = EventRooms()
        self._crowds: deque[Crowd] = deque()  # and what they are still to be sent
        self._receivers: dict[type, Callable[[Any], None]] = {
            ToRoom: self._to_room,
            ToPeople: self._to_people,
            ToAudience: self._to_audience,
            ToAll: self._to_all,
            Posted: lambda _: None,
            Subscribe: self._subscribe,
            Unsubscribe: self._unsubscribe,
            ToText: self.texts.receive,
            Disconnect: self._disconnect,
        }

    # -- who is here ------------------------------------------------------------------------------------------

    def is_online(self, uid: str) -> bool:
        return uid in self.people

    def count(self) -> tuple[int, int]:
        """People and connections, those in plain-text rooms among them."""
        people = self.people.values()
        return len(people), sum(len(person.connections) + len(person.texts) for person in people)

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
        self.event_rooms.remove(connection)
        self.touched.add(member.uid)
        if not person.connections:
            for channel in person.rooms.values():
                self._tidy(channel)
            person.rooms.clear()
        self._let_go(member.uid, person)

    def _let_go(self, uid: str, person: Person) -> None:
        if not person.sockets:
            del self.people[uid]

    def enter_text(self, text: Text) -> None:
        """Somebody comes into a plain-text room; they are here as with any other page."""
        uid = text.member.uid
        self.people.setdefault(uid, Person()).texts.add(text)
        self.touched.add(uid)
        self.texts.enter(text)

    def remove_text(self, text: Text) -> None:
        uid = text.member.uid
        person = self.people.get(uid)
        if person is None or text not in person.texts:
            return
        person.texts.discard(text)
        self.texts.leave(text)
        self.touched.add(uid)
        self._let_go(uid, person)

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
        if isinstance(notice, ToRoom) and notice.key in self.event_rooms:
            return self.event_rooms.reach(notice.key)
        people = [person for person in self._audience(notice) if person.connections]
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
            self._hand_out(self.event_rooms.of(notice.key), notice)
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
        self._write(people, notice)

    def _to_audience(self, notice: ToAudience) -> None:
        data = framing.frame(framing.TEXT, notice.frame)
        _write(list(self.audience(notice.keys, notice.uids, notice.about)), data, droppable=True)

    def audience(self, keys: Iterable[str], uids: Iterable[str], about: str) -> set[Connection]:
        """The connections of all whom the news of a person concerns, each once, but the person's own.

        Crowds are spared: there the member list is asked for.
        """
        told: set[Connection] = set()
        for key in keys:
            channel = self.channels.get(key)
            if channel and len(channel) <= CROWD:
                told.update(channel)
        for uid in uids:
            if uid in self.people:
                told |= self.people[uid].connections
        own = self.people.get(about)
        return told - own.connections if own else told

    def _to_all(self, notice: ToAll) -> None:
        self._write(list(self.people.values()), notice)

    def _write(self, people: list[Person], notice: ToPeople | ToAll) -> None:
        self._hand_out([connection for person in people for connection in person.connections], notice)

    def _hand_out(self, found: list[Connection], notice: ToRoom | ToPeople | ToAll) -> None:
        """At once; with a crowd, others have their turns in between."""
        data = framing.frame(framing.TEXT, notice.frame)
        connections = [connection for connection in found if connection.client_id != notice.skip]
        if not notice.droppable:
            self._multisend.counts[DELIVERIES] += len(connections)
        crowd = len(connections) > _AT_ONCE or len(connections) * len(data) > _BYTES_AT_ONCE
        if crowd or self._crowds:
            self._write_later((connections, data, notice.droppable))
        else:
            _write(connections, data, notice.droppable)

    def _write_later(self, crowd: Crowd) -> None:
        """In the order of the notices: what comes meanwhile waits behind."""
        if not self._crowds:
            gevent.spawn(self._write_in_turns)
        self._crowds.append(crowd)

    def _write_in_turns(self) -> None:
        while self._crowds:
            connections, data, droppable = self._crowds[0]
            try:
                _write(in_turns(connections), data, droppable)
            except Exception:
                log.exception("a notice was not handed on")
            gevent.sleep(0)  # before it is taken out: as long as there is one, nobody begins to write beside this
            self._crowds.popleft()

    def _subscribe(self, notice: Subscribe) -> None:
        person = self.people.get(notice.uid)
        if person and person.connections:
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
        closed = 0
        for socket in person.sockets if person else ():
            if notice.ends(socket.session.member):
                socket.close(notice.code, notice.reason)
                closed += 1
        if closed:
            line = "%d sockets of %s are closed with %d by %s: %s"
            fields = {"uid": notice.uid, "code": notice.code, "by": notice.by, "sockets": closed}
            log.info(line, closed, notice.uid, notice.code, notice.by, notice.reason, extra=fields)

    # -- rooms ------------------------------------------------------------------------------------------------

    def _admit(self, person: Person, room: Conversation) -> None:
        gid = room.gid or ""
        channel = self.channels.get(room.key)
        if channel is None:
            channel = self.channels[room.key] = Channel(room, self._multisend)
        person.rooms[gid] = channel
        for connection in person.connections:
            channel.enter(connection)

    def _tidy(self, channel: Channel[Connection]) -> None:
        if not len(channel):
            self.channels.pop(channel.conversation.key, None)


def _write(connections: Iterable[Connection], data: bytes, droppable: bool) -> None:
    for connection in connections:
        connection.write(data, droppable)
