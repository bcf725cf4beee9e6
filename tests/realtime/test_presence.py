from __future__ import annotations

import json

import pytest

from legacy_chat.backplane.contract import Subscribe
from legacy_chat.core.model import Conversation, Member, Membership, Snapshot, room_key
from legacy_chat.core.session import Session
from legacy_chat.realtime import presence as module
from legacy_chat.realtime.presence import GRACE, PresenceNotices
from legacy_chat.realtime.registry import Registry


class Socket:
    """A page of somebody who is in the lobby, or in the rooms that are given."""

    client_id = 0
    direct = False

    def __init__(self, registry: Registry, member: Member, *gids: str):
        self.session = Session(member, None)
        self.fd, self.frames_out = id(self), 0
        self.heard: list[tuple[str, bool]] = []
        self.counts: list[tuple[int, int]] = []
        belongs = [Membership(hash(g), room_key(g), g, None, g, False, 0, 0, 0) for g in gids or ("lobby",)]
        registry.subscribe(self, Snapshot("e", belongs, {}, {}, []))

    def write(self, data, droppable=False):
        frame = json.loads(data[2:])
        assert droppable
        if frame["type"] == "online":
            self.counts.append((frame["users"], frame["connections"]))
        else:
            self.heard.append((frame["uid"], frame["online"]))


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def presence(registry) -> PresenceNotices:
    return PresenceNotices(registry)


def test_ada_hears_that_ben_came_and_went(registry, presence, ada, ben):
    adas = Socket(registry, ada)
    presence.tick(0)
    bens = Socket(registry, ben)
    presence.tick(1)
    registry.remove(bens)
    presence.tick(2)
    assert adas.heard == [("9", True)]
    presence.tick(2 + GRACE)
    assert adas.heard == [("9", True), ("9", False)]
    assert bens.heard == []


def test_nothing_is_told_twice(registry, presence, ada, ben):
    adas, bens = Socket(registry, ada), Socket(registry, ben)
    for now in range(10):
        presence.tick(now)
    assert adas.heard == [("9", True)]
    registry.remove(bens)
    for now in range(10, 30):
        presence.tick(now)
    assert adas.heard == [("9", True), ("9", False)]


def test_a_reload_of_the_page_is_nothing_to_tell(registry, presence, ada, ben):
    adas, bens = Socket(registry, ada), Socket(registry, ben)
    presence.tick(0)
    registry.remove(bens)
    presence.tick(1)
    Socket(registry, ben)
    for now in range(2, 20):
        presence.tick(now)
    assert adas.heard == [("9", True)]


def test_every_absence_has_a_grace_period_of_its_own(registry, presence, ada, ben):
    adas, bens = Socket(registry, ada), Socket(registry, ben)
    presence.tick(0)
    registry.remove(bens)
    presence.tick(1)
    bens = Socket(registry, ben)
    presence.tick(2)
    registry.remove(bens)
    presence.tick(1 + GRACE)
    assert adas.heard == [("9", True)]
    presence.tick(1 + 2 * GRACE)
    assert adas.heard == [("9", True), ("9", False)]


def test_a_second_page_of_ben_is_no_news(registry, presence, ada, ben):
    adas, first = Socket(registry, ada), Socket(registry, ben)
    presence.tick(0)
    Socket(registry, ben)
    presence.tick(1)
    registry.remove(first)
    for now in range(2, 20):
        presence.tick(now)
    assert adas.heard == [("9", True)]


def test_only_those_who_share_a_room_are_told_and_once_however_many_they_share(registry, presence, ada, ben):
    adas = Socket(registry, ada, "lobby", "board")
    strangers = Socket(registry, Member("8", "cleo"), "annex")
    presence.tick(0)
    Socket(registry, ben, "lobby", "board")
    presence.tick(1)
    assert adas.heard == [("9", True)]
    assert strangers.heard == []


def test_in_a_large_room_nobody_is_told(registry, presence, ada, ben, monkeypatch):
    monkeypatch.setattr(module, "CROWD", 2)
    crowd = [Socket(registry, Member(f"p{n}", f"p{n}")) for n in range(3)]
    presence.tick(0)
    assert [socket.heard for socket in crowd] == [[], [], []]


def test_who_came_for_less_than_a_tick_was_never_here(registry, presence, ada, ben):
    adas = Socket(registry, ada)
    presence.tick(0)
    registry.remove(Socket(registry, ben))
    presence.tick(1)
    presence.tick(20)
    assert adas.heard == []


def test_telling_may_find_that_somebody_who_just_came_is_gone(registry, presence, ada, monkeypatch):
    """A write to a peer who vanished drops that connection, in the middle of the telling."""
    adas = Socket(registry, ada)
    presence.tick(0)
    crowd = [Socket(registry, Member(f"p{n}", f"p{n}")) for n in range(5)]
    for socket in crowd:
        monkeypatch.setattr(socket, "write", lambda *_, socket=socket, **__: registry.remove(socket))
    presence.tick(1)
    assert sorted(adas.heard) == [(f"p{n}", True) for n in range(5)]
    presence.tick(2)
    presence.tick(2 + GRACE)
    assert sorted(adas.heard[5:]) == [(f"p{n}", False) for n in range(5)]


def test_a_room_that_ben_joined_while_he_was_here_hears_that_he_goes(registry, presence, ada, ben):
    adas, bens = Socket(registry, ada, "board"), Socket(registry, ben, "lobby")
    presence.tick(0)
    registry.receive(Subscribe("9", Conversation(hash("board"), gid="board")))
    presence.tick(1)
    registry.remove(bens)
    for now in range(2, 20):
        presence.tick(now)
    assert adas.heard[-1:] == [("9", False)]


def test_when_all_are_gone_nothing_is_kept(registry, presence, ada, ben):
    sockets = [Socket(registry, ada), Socket(registry, ben)]
    presence.tick(0)
    for socket in sockets:
        registry.remove(socket)
    presence.tick(1)
    presence.tick(1 + GRACE)
    assert (presence._announced, presence._gone) == ({}, {})


def test_everybody_hears_how_many_are_here_when_that_changes_and_only_then(registry, presence, ada, ben):
    adas = Socket(registry, ada)
    presence.tick(0)
    presence.tick(1)
    bens = Socket(registry, ben, "annex")
    Socket(registry, ben, "annex")
    presence.tick(2)
    registry.remove(bens)
    presence.tick(3)
    presence.tick(4)
    assert adas.counts == [(1, 1), (2, 3), (2, 2)]
    assert bens.counts == [(2, 3)]
