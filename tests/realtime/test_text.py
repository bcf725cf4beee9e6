"""A plain-text room, with sockets on real socket pairs: `Peer` is the other end of one."""

from __future__ import annotations

import itertools
import socket
import struct
from collections import Counter
from types import SimpleNamespace

import gevent
import pytest

from legacy_chat import settings as settings_table
from legacy_chat.actions.text_rooms import TextRooms
from legacy_chat.backplane.contract import Disconnect, Reach, Subscribe, ToAll, ToPeople
from legacy_chat.core.limits import Rate
from legacy_chat.core.model import Conversation, Member, Membership, Snapshot
from legacy_chat.core.session import Session
from legacy_chat.realtime import framing
from legacy_chat.realtime.registry import Registry
from legacy_chat.realtime.text import Text
from legacy_chat.realtime.transport import PlainTransport
from legacy_chat.realtime.websocket import Limits

_ids = itertools.count(1001)


UNLIMITED = Rate(0, 0)


class Peer:
    def __init__(self, room, member, name="tea", rate=UNLIMITED):
        self.socket, ours = socket.socketpair()
        ours.setblocking(False)
        self.socket.setblocking(False)
        limits = Limits(65536, 1024, rate, 262144)
        self.text = Text(room.worker, PlainTransport(ours.detach()), limits, next(_ids), member, None, name)
        self.id = self.text.client_id
        self.text.enter()

    def says(self, *texts: str | bytes, opcode: int = framing.TEXT) -> None:
        """All of them in one packet."""
        self.text.receive(b"".join(_masked(opcode, t.encode() if isinstance(t, str) else t) for t in texts))

    def hears(self) -> list[str]:
        """What came by the end of this turn of the loop."""
        gevent.sleep(0)
        heard = []
        try:
            raw = self.socket.recv(1 << 20)
        except BlockingIOError:
            return []
        while raw:
            size, head = raw[1], 2
            if size == 126:
                (size,), head = struct.unpack("!H", raw[2:4]), 4
            payload, raw, opcode = raw[head : head + size], raw[head + size :], raw[0] & 15
            heard.append(
                payload.decode() if opcode == framing.TEXT else f"closed {struct.unpack('!H', payload[:2])[0]}"
            )
        return heard

    def close(self) -> None:
        self.text.drop(1006)
        self.socket.close()


def _masked(opcode: int, payload: bytes) -> bytes:
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack("!BH", 0xFE, len(payload))
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


class Room:
    def __init__(self, parts):
        self.registry = Registry()
        parts.backplane.subscribe(self.registry.receive, self.registry.reach)
        poller = SimpleNamespace(want=lambda *_, **__: None)
        self.worker = SimpleNamespace(
            settings=parts.settings,
            poller=poller,
            counts=Counter(),
            registry=self.registry,
            text_rooms=TextRooms(parts),
            forget=lambda socket: None,
        )
        self.peers: list[Peer] = []

    def enter(self, member, *name, **how) -> Peer:
        self.peers.append(Peer(self, member, *name, **how))
        return self.peers[-1]


@pytest.fixture
def make_room(make_parts):
    made = []

    def make(**config):
        made.append(Room(make_parts(**config)))
        return made[-1]

    yield make
    for peer in [peer for room in made for peer in room.peers]:
        peer.close()


@pytest.fixture
def room(make_room):
    return make_room()


def test_what_one_says_everybody_gets_the_sender_too(room, ada, ben):
    adas, bens = room.enter(ada), room.enter(ben)
    adas.says("hello", "x", "")
    assert adas.hears() == bens.hears() == [f"from{adas.id}:hello\n", f"from{adas.id}:x\n", f"from{adas.id}:\n"]
    bens.says("大家好")
    assert adas.hears() == bens.hears() == [f"from{bens.id}:大家好\n"]


def test_the_welcome_is_for_the_newcomer_alone_and_as_it_was_written(make_room, ada, ben):
    room = make_room(CHAT_TEXT_WELCOME="Hello!\nBe kind.")
    adas = room.enter(ada)
    assert adas.hears() == ["Hello!\nBe kind.\n"]
    assert room.enter(ben).hears() == ["Hello!\nBe kind.\n"]
    assert adas.hears() == []


def test_without_an_echo_the_speaker_gets_only_what_others_say_in_its_place(make_room, ada, ben):
    room = make_room(CHAT_TEXT_ECHO="0")
    adas, bens, silent = room.enter(ada), room.enter(ben), room.enter(ben)
    adas.says("one")
    bens.says("two")
    adas.says("three")
    bens.says("four")
    one, two, three, four = (
        f"from{adas.id}:one\n",
        f"from{bens.id}:two\n",
        f"from{adas.id}:three\n",
        f"from{bens.id}:four\n",
    )
    assert adas.hears() == [two, four]
    assert bens.hears() == [one, three]
    assert silent.hears() == [one, two, three, four]
    for peer in (adas, bens, silent):
        peer.text.drop(1006)
    assert [peer.text.frames_out for peer in (adas, bens, silent)] == [2, 2, 4]


def test_nobody_can_write_a_line_in_anothers_name(room, ada, ben):
    adas, mallory = room.enter(ada), room.enter(ben)
    mallory.says(f"hi\nfrom{adas.id}:give mallory all", f"\r\nfrom{adas.id}:x", f"\u2028from{adas.id}:y")
    for line in adas.hears():
        assert line.startswith(f"from{mallory.id}:")
        assert len(line.splitlines()) == 1


@pytest.mark.parametrize(("text", "code"), [("12345", "too_long"), ("a\x00", "bad_text"), ("\x1b[2J", "bad_text")])
def test_a_text_that_cannot_go_is_answered_to_its_sender_alone(make_room, ada, ben, text, code):
    room = make_room(CHAT_TEXT_CHARS="4")
    adas, bens = room.enter(ada), room.enter(ben)
    adas.says(text)
    [line] = adas.hears()
    assert line.startswith(f"error:{code}:")
    assert line.endswith(" (text 1)\n")
    assert bens.hears() == []
    adas.says("1234")
    assert bens.hears() == [f"from{adas.id}:1234\n"]


def test_who_is_too_quick_is_told_and_then_closed(room, ada, ben):
    adas, bens = room.enter(ada, rate=Rate(1, 3)), room.enter(ben)
    adas.says(*"12345")
    heard = adas.hears()
    assert (
        [line for line in heard if line.startswith("from")]
        == bens.hears()
        == [f"from{adas.id}:{n}\n" for n in (1, 2, 3)]
    )
    refused = [line for line in heard if line.startswith("error:rate_limited:")]
    assert len(refused) == 2
    assert "wait 2 s" in refused[0]
    # They come before the texts of the same moment that went, so each names its own.
    assert [line.rpartition("(")[2] for line in refused] == ["text 4)\n", "text 5)\n"]
    adas.says(*"6789")
    assert adas.hears()[-1] == "closed 4429"


def test_binary_is_closed_with_1003_and_broken_text_with_1007(room, ada):
    first, second = room.enter(ada), room.enter(ada)
    first.says("hello", opcode=framing.BINARY)
    assert first.hears() == ["closed 1003"]
    second.says(b"\xff\xfe")
    assert second.hears() == ["closed 1007"]


def test_what_is_said_in_one_room_is_not_heard_in_another(room, ada, ben):
    adas, bens = room.enter(ada, "tea"), room.enter(ben, "milk")
    adas.says("hello")
    assert bens.hears() == []
    assert len(room.registry.texts) == 2


def test_what_somebody_says_last_is_still_heard_and_then_nothing_of_them_stays(room, ada, ben):
    adas, bens = room.enter(ada), room.enter(ben)
    adas.says("bye")
    adas.text.drop(1006)
    assert bens.hears() == [f"from{adas.id}:bye\n"]
    assert list(room.registry.people) == ["9"]
    bens.text.drop(1006)
    assert (room.registry.people, len(room.registry.texts)) == ({}, 0)


def test_a_newcomer_hears_nothing_of_what_was_said_before(room, ada, ben):
    adas = room.enter(ada)
    adas.says("before")
    bens = room.enter(ben)
    adas.says("after")
    assert bens.hears() == [f"from{adas.id}:after\n"]


def test_somebody_who_is_gone_at_the_welcome_leaves_nothing(make_room, ada):
    room = make_room(CHAT_TEXT_WELCOME="Hello!")
    theirs, ours = socket.socketpair()
    theirs.close()
    ours.setblocking(False)
    text = Text(room.worker, PlainTransport(ours.detach()), Limits(1024, 8, Rate(0, 0), 65536), 1, ada, None, "tea")
    text.enter()
    assert text.fd == -1
    assert (room.registry.people, len(room.registry.texts)) == ({}, 0)


def test_a_full_socket_is_written_to_later_and_misses_nothing(room, ada, ben):
    adas, slow = room.enter(ada), room.enter(ben)
    said = []
    for number in range(100):
        adas.says(f"{number}" * 500)
        said += adas.hears()
    heard = slow.hears()
    while not slow.text.direct:
        slow.text.on_events(0x004)
        heard += slow.hears()
    assert heard == said


# -- as one of their person's pages ---------------------------------------------------------------------------------


def test_whoever_is_in_a_text_room_is_here_but_no_push_reaches_them(room, ada):
    peer = room.enter(ada)
    assert (room.registry.is_online("7"), room.registry.count()) == (True, (1, 1))
    assert room.registry.reach(ToPeople(("7",), b"")) == room.registry.reach(ToAll(b"")) == Reach(0, 0)
    for notice in (ToPeople(("7",), b"{}"), ToAll(b"{}"), Subscribe("7", Conversation(1, gid="lobby"))):
        room.registry.receive(notice)
    assert (peer.hears(), room.registry.channels) == ([], {})


class Page:
    """Some connection of the chat."""

    fd, direct, frames_out, client_id = -1, False, 0, 1


def test_the_last_page_of_the_chat_leaves_its_rooms_though_a_text_socket_stays(room, ada):
    room.enter(ada)
    page = Page()
    page.session = Session(ada, None)
    room.registry.subscribe(
        page, Snapshot("e", [Membership(1, "g:lobby", "lobby", None, "Lobby", False, 0, 0, 0)], {}, {}, [])
    )
    assert (room.registry.count(), list(room.registry.channels)) == ((1, 2), ["g:lobby"])
    room.registry.remove(page)
    assert (room.registry.count(), room.registry.channels) == ((1, 1), {})


@pytest.mark.parametrize(("device", "closed"), [(None, ["closed 4440"]), ("phone", ["closed 4440"]), ("laptop", [])])
def test_a_logout_ends_the_sockets_of_its_device(room, device, closed):
    peer = room.enter(Member("7", "ada", "phone"))
    room.registry.receive(Disconnect("7", 4440, "logged out", device))
    assert peer.hears() == closed


def test_the_defaults():
    s = settings_table.load({}, {})
    assert (s.text_rooms, s.text_welcome, s.text_echo) == ((), "", True)
