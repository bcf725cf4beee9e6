"""Who gets what. `Socket` is a connection as the registry sees it; nothing here needs a loop but the joined frames."""

from __future__ import annotations

import itertools

import gevent
import pytest

from legacy_chat.backplane.contract import Disconnect, Reach, Subscribe, ToAll, ToPeople, ToRoom, Unsubscribe
from legacy_chat.core.model import Conversation, Member, Membership, Snapshot, room_key
from legacy_chat.core.session import Session
from legacy_chat.realtime import framing
from legacy_chat.realtime.registry import Registry

_ids = itertools.count(1001)


class Socket:
    def __init__(self, registry: Registry, member: Member, *gids: str):
        self.client_id = next(_ids)
        self.fd, self.direct, self.frames_out = -self.client_id, False, 0
        self.session = Session(member, None)
        self.written: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self._registry = registry
        registry.subscribe(self, Snapshot("e", [membership(gid) for gid in gids], {}, {}, []))

    def write(self, data, droppable=False):
        self.written.append(data)

    def close(self, code, reason=""):
        self.closed = code, reason
        self._registry.remove(self)

    @property
    def frames(self) -> list[bytes]:
        """The payloads that came, cut out of what was written."""
        raw, found = b"".join(self.written), []
        while raw:
            found.append(raw[2 : 2 + raw[1]])
            raw = raw[2 + raw[1] :]
        return found


IDS = {"lobby": 1, "board": 2, "annex": 3}


def membership(gid: str) -> Membership:
    return Membership(IDS[gid], room_key(gid), gid, None, gid.capitalize(), False, 0, 0, 0)


def room(gid: str) -> Conversation:
    return Conversation(IDS[gid], gid=gid)


@pytest.fixture
def registry() -> Registry:
    return Registry()


def tell(registry, *notices):
    for notice in notices:
        registry.receive(notice)
    gevent.sleep(0)


def test_people_are_here_while_one_of_their_pages_is(registry, ada, ben):
    first, second = Socket(registry, ada, "lobby"), Socket(registry, ada, "lobby")
    Socket(registry, ben, "lobby")
    assert registry.count() == (2, 3)
    registry.remove(first)
    assert registry.is_online("7")
    registry.remove(second)
    assert not registry.is_online("7")
    assert registry.count() == (1, 1)


def test_when_all_are_gone_nothing_is_kept(registry, ada, ben):
    sockets = [Socket(registry, who, "lobby", "board") for who in (ada, ben, ada)]
    for socket in sockets:
        registry.remove(socket)
        registry.remove(socket)
    assert (registry.people, registry.channels) == ({}, {})


def test_a_room_hears_what_is_said_in_it_and_nobody_else_does(registry, ada, ben):
    adas, bens = Socket(registry, ada, "lobby"), Socket(registry, ben, "board")
    tell(registry, ToRoom("g:lobby", b"one"), ToRoom("g:lobby", b"two"), ToRoom("g:nowhere", b"three"))
    assert adas.frames == [b"one", b"two"]
    assert bens.frames == []


def test_frames_of_one_turn_of_the_loop_are_written_at_once_and_are_the_same_bytes(registry, ada, ben):
    adas, bens = Socket(registry, ada, "lobby"), Socket(registry, ben, "lobby")
    tell(registry, ToRoom("g:lobby", b"one"), ToRoom("g:lobby", b"two"))
    assert len(adas.written) == 1
    assert adas.written[0] is bens.written[0]
    assert adas.written[0] == framing.frame(framing.TEXT, b"one") + framing.frame(framing.TEXT, b"two")


def test_a_newcomer_gets_nothing_of_what_was_said_before_though_it_still_waits(registry, ada, ben):
    adas = Socket(registry, ada, "lobby")
    registry.receive(ToRoom("g:lobby", b"before"))
    bens = Socket(registry, ben, "lobby")
    tell(registry, ToRoom("g:lobby", b"after"))
    assert adas.frames == [b"before", b"after"]
    assert bens.frames == [b"after"]


def test_who_leaves_gets_what_was_said_before_and_nothing_after(registry, ada, ben):
    adas, bens = Socket(registry, ada, "lobby"), Socket(registry, ben, "lobby")
    notices = ToRoom("g:lobby", b"before"), Unsubscribe("9", "g:lobby"), ToRoom("g:lobby", b"after")
    tell(registry, *notices)
    assert adas.frames == [b"before", b"after"]
    assert bens.frames == [b"before"]
    assert registry.room_of(bens, "lobby") is None


def test_typing_keeps_its_place_between_messages_and_skips_its_sender(registry, ada, ben):
    adas, bens = Socket(registry, ada, "lobby"), Socket(registry, ben, "lobby")
    typing = ToRoom("g:lobby", b"typing", droppable=True, skip=adas.client_id)
    tell(registry, ToRoom("g:lobby", b"one"), typing, ToRoom("g:lobby", b"two"))
    assert bens.frames == [b"one", b"typing", b"two"]
    assert adas.frames == [b"one", b"two"]


def test_who_is_told_of_a_room_hears_it_in_all_pages(registry, ada):
    pages = Socket(registry, ada), Socket(registry, ada)
    tell(registry, Subscribe("7", room("board")), ToRoom("g:board", b"hi"))
    assert [page.frames for page in pages] == [[b"hi"], [b"hi"]]
    assert registry.room_of(pages[0], "board") == room("board")


def test_being_told_twice_is_hearing_once(registry, ada):
    page = Socket(registry, ada, "lobby")
    registry.subscribe(page, Snapshot("e", [membership("lobby")], {}, {}, []))
    tell(registry, Subscribe("7", room("lobby")), ToRoom("g:lobby", b"hi"))
    assert page.frames == [b"hi"]


def test_a_second_page_is_in_all_rooms_of_the_first_even_those_it_did_not_know(registry, ada):
    Socket(registry, ada, "lobby", "board")
    second = Socket(registry, ada, "lobby")
    tell(registry, ToRoom("g:board", b"hi"))
    assert second.frames == [b"hi"]


def test_somebody_who_is_not_here_is_subscribed_to_nothing(registry):
    tell(registry, Subscribe("7", room("lobby")), Unsubscribe("7", "g:lobby"), ToPeople(("7",), b"hi"))
    assert (registry.people, registry.channels) == ({}, {})


def test_a_private_word_comes_to_both_people_but_not_to_the_page_it_came_from(registry, ada, ben):
    adas, other, bens = Socket(registry, ada), Socket(registry, ada), Socket(registry, ben)
    tell(registry, ToPeople(("7", "9"), b"psst", skip=adas.client_id))
    assert (adas.frames, other.frames, bens.frames) == ([], [b"psst"], [b"psst"])


def test_a_note_to_oneself_comes_once(registry, ada):
    page = Socket(registry, ada)
    tell(registry, ToPeople(("7", "7"), b"note"))
    assert page.frames == [b"note"]


@pytest.mark.parametrize(
    ("device", "closed"), [(None, [True, True]), ("phone", [False, True]), ("other", [False, False])]
)
def test_a_disconnect_ends_all_pages_or_those_of_one_device(registry, ben, device, closed):
    sockets = [Socket(registry, Member("7", "ada", name), "lobby") for name in ("laptop", "phone")]
    bens = Socket(registry, ben, "lobby")
    tell(registry, Disconnect("7", 4440, "logged out", device))
    assert [socket.closed == (4440, "logged out") for socket in sockets] == closed
    assert bens.closed is None


def test_a_page_that_ends_while_its_room_is_being_told_harms_nobody(registry, ada, ben):
    adas, bens = Socket(registry, ada, "lobby"), Socket(registry, ben, "lobby")
    adas.write = lambda data, droppable=False: registry.remove(adas)
    tell(registry, ToRoom("g:lobby", b"hi"))
    assert bens.frames == [b"hi"]
    assert registry.count() == (1, 1)


def test_how_far_a_notice_goes_is_told_in_people_and_pages(registry):
    ada, ben = Member("7", "ada"), Member("9", "ben")
    for member, gid in ((ada, "lobby"), (ada, "lobby"), (ben, "board")):
        Socket(registry, member, gid)
    assert registry.reach(ToRoom(room_key("lobby"), b"x")) == Reach(1, 2)
    assert registry.reach(ToPeople(("7", "7", "9", "8"), b"x")) == Reach(2, 3)
    assert registry.reach(ToAll(b"x")) == Reach(2, 3)
    assert registry.reach(ToRoom(room_key("nowhere"), b"x")) == Reach()


def test_what_is_for_all_comes_to_every_page_once(registry):
    pages = [
        Socket(registry, Member("7", "ada"), "lobby"),
        Socket(registry, Member("7", "ada")),
        Socket(registry, Member("9", "ben")),
    ]
    registry.receive(ToAll(b"hello"))
    assert [page.frames for page in pages] == [[b"hello"]] * 3


def test_a_crowd_is_written_to_in_pieces_and_others_have_their_turns_in_between(registry, slow):
    pages = [Socket(registry, Member(str(number), "somebody")) for number in range(300)]
    uids = tuple(str(number) for number in range(300))
    for notice in (ToAll(b"one"), ToPeople(uids, b"two")):
        registry.receive(notice)
    while (had := sum(len(page.frames) for page in pages)) < 600:
        gevent.sleep(0)
        assert 0 <= sum(len(page.frames) for page in pages) - had <= 21
    assert all(page.frames == [b"one", b"two"] for page in pages)


def test_what_is_said_when_a_crowd_has_just_been_told_is_told_once_and_in_its_order(registry, slow):
    pages = [Socket(registry, Member(str(number), "somebody")) for number in range(300)]
    registry.receive(ToAll(b"one"))
    while not all(page.frames for page in pages):
        gevent.sleep(0)
    registry.receive(ToAll(b"two"))
    for word in (b"three", b"four"):
        registry.receive(ToPeople(("7",), word))
    while len(pages[7].frames) < 4:
        gevent.sleep(0)
    gevent.sleep(0.01)
    assert pages[7].frames == [b"one", b"two", b"three", b"four"]
    assert pages[8].frames == [b"one", b"two"]


def test_a_large_word_to_many_is_written_in_turns_by_its_bytes(registry, slow):
    pages = [Socket(registry, Member(str(uid), "somebody")) for uid in range(40)]
    registry.receive(ToAll(bytes(60_000)))
    registry.receive(ToAll(b"next"))
    assert not any(page.written for page in pages)
    while not all(len(page.written) == 2 for page in pages):
        gevent.sleep(0)
    assert all(len(first) > len(second) for first, second in (page.written for page in pages))
