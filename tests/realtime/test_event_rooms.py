"""Connections that the site put together, and what the registry hands to them."""

from __future__ import annotations

import itertools

import gevent
import pytest

from legacy_chat.backplane.contract import Reach, ToAll, ToRoom
from legacy_chat.core.model import Member, Membership, Snapshot, event_room_key, room_key
from legacy_chat.core.session import Session
from legacy_chat.realtime.registry import Registry

CHESS = event_room_key("chess")
_ids = itertools.count(1001)


class Socket:
    """A connection as the registry sees it."""

    def __init__(self, registry: Registry, member: Member):
        self.client_id = next(_ids)
        self.fd, self.direct, self.frames_out = -self.client_id, False, 0
        self.session = Session(member, None)
        self.written: list[bytes] = []
        self.registry = registry
        lobby = Membership(1, room_key("lobby"), "lobby", None, "Lobby", False, 0, 0, 0)
        registry.subscribe(self, Snapshot("e", [lobby], {}, {}, []))

    def write(self, data, droppable=False):
        self.written.append(data[2:])

    def enter(self, room: str) -> None:
        self.session.rooms |= {room}
        self.registry.event_rooms.enter(self, room)

    def exit(self, room: str) -> None:
        self.session.rooms -= {room}
        self.registry.event_rooms.leave(self, room)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def adas(registry, ada) -> Socket:
    return Socket(registry, ada)


@pytest.fixture
def bens(registry, ben) -> Socket:
    return Socket(registry, ben)


def test_what_is_said_in_a_room_comes_to_those_in_it(registry, adas, bens):
    adas.enter("chess")
    registry.receive(ToRoom(CHESS, b"e4"))
    bens.enter("chess")
    registry.receive(ToRoom(CHESS, b"e5", skip=adas.client_id))
    assert (adas.written, bens.written) == ([b"e4"], [b"e5"])


def test_a_chat_room_of_the_same_name_is_another(registry, adas, bens):
    adas.enter("lobby")
    registry.receive(ToRoom(event_room_key("lobby"), b"event"))
    registry.receive(ToRoom(room_key("lobby"), b"message"))
    gevent.sleep(0)
    assert (adas.written, bens.written) == ([b"event", b"message"], [b"message"])


def test_a_room_that_everybody_left_is_gone(registry, adas, bens):
    for socket in (adas, bens):
        socket.enter("chess")
        socket.enter("tea")
    adas.exit("chess")
    adas.exit("chess")
    registry.remove(bens)
    assert (CHESS in registry.event_rooms, len(registry.event_rooms)) == (False, 1)
    registry.remove(adas)
    assert len(registry.event_rooms) == 0


def test_who_is_in_it_is_counted_by_person_and_by_page(registry, ada, adas, bens):
    tab, other_tab = Socket(registry, ada), Socket(registry, ada)
    for socket in (adas, tab, bens):
        socket.enter("chess")
    assert registry.reach(ToRoom(CHESS, b"")) == Reach(2, 3)
    assert registry.reach(ToRoom(event_room_key("nobody"), b"")) == Reach(0, 0)
    assert other_tab.written == []


def test_a_crowd_gets_it_in_order(registry, ada):
    sockets = [Socket(registry, ada) for _ in range(300)]
    for socket in sockets:
        socket.enter("chess")
    for move in (b"e4", b"e5", b"Nf3"):
        registry.receive(ToRoom(CHESS, move))
    with gevent.Timeout(5):
        while not all(len(socket.written) == 3 for socket in sockets):
            gevent.sleep(0)
    assert all(socket.written == [b"e4", b"e5", b"Nf3"] for socket in sockets)


def test_to_all_may_spare_the_speaker(registry, adas, bens):
    registry.receive(ToAll(b"news", skip=adas.client_id))
    assert (adas.written, bens.written) == ([], [b"news"])
