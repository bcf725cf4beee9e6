"""Who is told what: `Socket` is an open page as the registry sees it, and keeps what it hears."""

from __future__ import annotations

import itertools
import json

import gevent
import pytest

from legacy_chat.actions.presence import Presence
from legacy_chat.core.model import Conversation, Member, Membership, Snapshot
from legacy_chat.core.presence import SETTLE
from legacy_chat.core.session import Session
from legacy_chat.errors import Unavailable
from legacy_chat.realtime import registry
from legacy_chat.realtime.presence import PresenceNotices
from legacy_chat.realtime.registry import Registry
from legacy_chat.storage import rooms

GRACE = 10.0


class Socket:
    """A page of somebody who belongs to the lobby, or to the rooms that are given."""

    _ids = itertools.count(1)

    def __init__(self, site: Site, member: Member, *gids: str):
        self.client_id = next(self._ids)
        self.fd, self.direct, self.frames_out = -self.client_id, False, 0
        self.session = Session(member, None)
        self.heard: list[dict] = []
        self.counts: list[tuple[int, int]] = []
        self.writes = 0
        belongs = [site.belong(member, gid) for gid in gids or ("lobby",)]
        site.registry.subscribe(self, Snapshot("e", belongs, {}, {}, []))

    def write(self, data, droppable=False):
        assert droppable
        self.writes += 1
        while data:
            size, head = (data[1], 2) if data[1] < 126 else (int.from_bytes(data[2:4], "big"), 4)
            self.hear(json.loads(data[head : head + size]))
            data = data[head + size :]

    def hear(self, frame):
        if frame.pop("type") == "online":
            self.counts.append((frame["users"], frame["connections"]))
        else:
            self.heard.append(frame)

    @property
    def told(self) -> list[tuple[str, bool]]:
        return [(frame["uid"], frame["online"]) for frame in self.heard]


class Site:
    """One worker's registry and presence, and a clock."""

    def __init__(self, parts):
        self.parts = parts
        self.registry = Registry()
        self.presence = Presence(parts)
        self.presence.begin()
        self.notices = PresenceNotices(self.registry, self.presence)
        self.now = 0.0

    def belong(self, member: Member, gid: str) -> Membership:
        def work(connection) -> Membership:
            room = rooms.find_room(connection, gid) or rooms.create_room(connection, gid, gid, False)
            rooms.add_member(connection, room.id, member.uid)
            return rooms.membership(connection, member.uid, room.id)

        return self.parts.database.run(work)

    def talk(self, *pair: str) -> None:
        self.parts.database.run(lambda c: rooms.open_private(c, *pair))

    def round(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.notices.round(self.now)

    def leave(self, *sockets: Socket) -> None:
        for socket in sockets:
            self.registry.remove(socket)


@pytest.fixture
def site(parts) -> Site:
    return Site(parts)


def test_ada_hears_that_ben_came_and_went_and_when_he_was_last_here(site, ada, ben):
    adas = Socket(site, ada)
    site.round()
    bens = Socket(site, ben)
    site.round(1)
    site.leave(bens)
    site.round(1)
    site.round(GRACE - 0.1)
    assert adas.heard == [{"uid": "9", "online": True}]
    site.round(0.1)
    assert adas.told == [("9", True), ("9", False)]
    assert isinstance(adas.heard[1]["seen"], int)
    assert bens.heard == []


def test_nothing_is_told_twice(site, ada, ben):
    adas, bens = Socket(site, ada), Socket(site, ben)
    for _ in range(10):
        site.round(1)
    assert adas.told == [("9", True)]
    site.leave(bens)
    for _ in range(20):
        site.round(1)
    assert adas.told == [("9", True), ("9", False)]


def test_ten_reloads_of_the_page_are_nothing_to_tell(site, ada, ben):
    adas, bens = Socket(site, ada), Socket(site, ben)
    site.round()
    for _ in range(10):
        site.leave(bens)
        site.round(1)
        bens = Socket(site, ben)
        site.round(1)
    site.round(100)
    assert adas.told == [("9", True)]


def test_a_second_and_a_third_page_of_ben_are_no_news(site, ada, ben):
    adas, first = Socket(site, ada), Socket(site, ben)
    site.round()
    second, _ = Socket(site, ben), Socket(site, ben)
    site.leave(first, second)
    for _ in range(20):
        site.round(1)
    assert adas.told == [("9", True)]


def test_ben_is_away_when_all_his_pages_are_hidden_and_back_with_the_first(site, ada, ben):
    adas, bens = Socket(site, ada), [Socket(site, ben), Socket(site, ben)]
    site.round()
    site.registry.set_away(bens[0], True)
    site.round()
    site.round(SETTLE)
    assert adas.told == [("9", True)]
    site.registry.set_away(bens[1], True)
    site.round()
    site.round(SETTLE)
    assert adas.heard[-1] == {"uid": "9", "online": True, "away": True}
    site.registry.set_away(bens[0], False)
    site.round()
    site.round(SETTLE)
    assert adas.heard[-1] == {"uid": "9", "online": True}
    assert len(adas.heard) == 3


def test_the_last_page_that_was_not_hidden_closes_and_ben_is_away(site, ada, ben):
    adas, bens = Socket(site, ada), [Socket(site, ben), Socket(site, ben)]
    site.registry.set_away(bens[0], True)
    site.round()
    site.leave(bens[1])
    site.round()
    site.round(SETTLE)
    assert adas.heard[-1] == {"uid": "9", "online": True, "away": True}


class Text:
    """A socket in a plain-text room."""

    fd, direct, frames_out, room = -1, False, 0, "tea"

    def __init__(self, member: Member):
        self.member, self.session = member, Session(member, None)


def test_a_plain_text_socket_counts_as_a_page_that_is_looked_at(site, ada, ben):
    adas = Socket(site, ada)
    text = Text(ben)
    site.belong(ben, "lobby")
    site.registry.enter_text(text)
    site.round()
    assert adas.told == [("9", True)]
    page = Socket(site, ben)
    site.registry.set_away(page, True)
    site.round(2 * SETTLE)
    assert adas.told == [("9", True)]
    site.registry.remove(page)
    site.registry.remove_text(text)
    site.round(SETTLE)
    site.round(GRACE)
    assert adas.told == [("9", True), ("9", False)]


def test_who_has_no_name_yet_is_not_away(site):
    page = Socket.__new__(Socket)
    page.session = Session(None, None)
    site.registry.set_away(page, True)
    assert site.registry.touched == set()


def test_only_those_who_share_a_room_are_told_and_once_however_many_they_share(site, ada, ben):
    adas = Socket(site, ada, "lobby", "board")
    strangers = Socket(site, Member("8", "cleo"), "annex")
    site.round()
    Socket(site, ben, "lobby", "board")
    site.round(1)
    assert adas.told == [("9", True)]
    assert strangers.told == []


def test_the_partner_of_a_private_talk_is_told_and_does_not_have_to_share_a_room(site, ada, ben):
    adas = Socket(site, ada, "annex")
    site.talk("7", "9")
    site.talk("9", "somebody who is not here")
    site.round()
    Socket(site, ben, "lobby")
    site.round(1)
    assert adas.told == [("9", True)]


def test_ones_own_other_pages_are_not_told(site, ada):
    first = Socket(site, ada)
    site.talk("7", "7")
    Socket(site, ada)
    site.round()
    assert first.told == []


def test_in_a_large_room_nobody_is_told(site, monkeypatch):
    monkeypatch.setattr(registry, "CROWD", 2)
    crowd = [Socket(site, Member(f"p{number}", "")) for number in range(3)]
    site.round()
    assert [socket.heard for socket in crowd] == [[], [], []]


def test_all_that_one_page_is_told_in_a_round_is_one_write(site, ada):
    """Sixty people share a room with ada, and 1200 come back at the same time in others."""
    adas = Socket(site, ada)
    site.round()
    for number in range(1200):
        Socket(site, Member(f"p{number}", ""), "lobby" if number < 60 else f"room {number % 20}")
    site.round(1)
    assert len(adas.heard) == 60
    assert adas.writes == 1
    assert adas.frames_out == 59  # the socket's own write counts one


def test_others_get_their_turn_while_a_thousand_people_are_told(site):
    turns = 0

    def count():
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    for number in range(1000):
        Socket(site, Member(f"p{number}", ""), f"room {number % 20}")
    counter = gevent.spawn(count)
    site.round()
    counter.kill()
    assert turns >= 1000 // 128


def test_who_came_for_less_than_a_round_was_never_here(site, ada, ben):
    adas = Socket(site, ada)
    site.round()
    site.leave(Socket(site, ben))
    site.round(1)
    site.round(100)
    assert adas.told == []


def test_telling_may_find_that_somebody_who_just_came_is_gone(site, ada, monkeypatch):
    """A write to a peer who vanished drops that connection, in the middle of the telling."""
    adas = Socket(site, ada)
    site.round()
    crowd = [Socket(site, Member(f"p{number}", "")) for number in range(5)]
    for socket in crowd:
        monkeypatch.setattr(socket, "write", lambda *_, socket=socket, **__: site.leave(socket))
    site.round(1)
    assert sorted(adas.told) == [(f"p{number}", True) for number in range(5)]
    site.round(1)
    site.round(GRACE)
    assert sorted(adas.told[5:]) == [(f"p{number}", False) for number in range(5)]


def test_a_store_that_does_not_answer_delays_the_news_and_loses_none(site, ada, ben, monkeypatch):
    adas = Socket(site, ada)
    site.round()
    Socket(site, ben)

    def fail(job):
        raise Unavailable("locked")

    with monkeypatch.context() as patched:
        patched.setattr(site.parts.writer, "call", fail)
        with pytest.raises(Unavailable):
            site.round(1)
    assert adas.told == []
    site.round(1)
    assert adas.told == [("9", True)]


def test_a_killed_workers_people_are_told_gone_by_the_next_one(site, ada, ben, clock):
    """They are told to those who came to the new worker, by the rooms that are stored."""
    Socket(site, ada)
    Socket(site, ben)
    site.round()
    after = Site(site.parts)
    adas = Socket(after, ada)
    after.round()
    clock.now += 30_000
    after.round(30)
    after.round(GRACE)
    assert adas.told == [("9", False)]


def test_a_worker_that_ends_tells_nothing_of_those_it_sends_away(site, ada, ben):
    adas, bens = Socket(site, ada), Socket(site, ben)
    site.round()
    site.notices.stop()
    site.leave(bens)
    for _ in range(30):
        site.round(1)
    assert adas.told == [("9", True)]


def test_a_standstill_does_not_shorten_the_grace(site, ada, ben):
    adas, bens = Socket(site, ada), Socket(site, ben)
    site.round()
    site.leave(bens)
    site.round()
    site.notices.excuse(60)
    site.round(60 + GRACE - 0.1)
    assert adas.told == [("9", True)]
    site.round(0.1)
    assert adas.told == [("9", True), ("9", False)]


def test_the_sites_callbacks_run_apart_and_in_order(site, ada):
    called: list[tuple[str, bool]] = []

    def slow(uid, online):
        gevent.sleep(0.01)
        called.append((uid, online))

    site.presence.changed.append(slow)
    runner = gevent.spawn(site.notices._call_back)
    adas = Socket(site, ada)
    site.round()
    site.leave(adas)
    site.round()
    site.round(GRACE)
    assert called == []
    with gevent.Timeout(5):
        while len(called) < 2:
            gevent.sleep(0.01)
    runner.kill()
    assert called == [("7", True), ("7", False)]


def test_a_room_that_ben_joined_while_he_was_here_hears_that_he_goes(site, ada, ben):
    adas, bens = Socket(site, ada, "board"), Socket(site, ben, "lobby")
    site.round()
    belongs = site.belong(ben, "board")
    site.registry._admit(site.registry.people["9"], Conversation(belongs.id, gid="board"))
    site.leave(bens)
    site.round()
    site.round(GRACE)
    assert adas.told == [("9", False)]


def test_when_all_are_gone_nothing_is_kept(site, ada, ben):
    sockets = [Socket(site, ada), Socket(site, ben)]
    site.round()
    site.leave(*sockets)
    site.round()
    site.round(GRACE)
    roster = site.presence.roster
    assert [roster._here, roster._told, roster._come, roster._turned, roster._gone] == [{}, {}, {}, {}, {}]
    assert site.registry.touched == set()


def test_everybody_hears_how_many_are_here_when_that_changes_and_only_then(site, ada, ben):
    adas = Socket(site, ada)
    site.notices.tell_how_many()
    site.notices.tell_how_many()
    bens = Socket(site, ben, "annex")
    Socket(site, ben, "annex")
    site.notices.tell_how_many()
    site.leave(bens)
    site.notices.tell_how_many()
    site.notices.tell_how_many()
    assert adas.counts == [(1, 1), (2, 3), (2, 2)]
    assert bens.counts == [(2, 3)]
