"""A room hands on what was said: joined, in order, once, whatever state each member's socket is in."""

import os
from time import monotonic

import gevent
import pytest

from legacy_chat.core.model import Conversation
from legacy_chat.realtime import channel as channels
from legacy_chat.realtime import section
from legacy_chat.realtime.channel import Channel
from legacy_chat.realtime.multisend import Multisend
from legacy_chat.realtime.outbox import Outbox
from legacy_chat.realtime.transport import PlainTransport


class Member:
    """A connection on a real pipe; `slow` until its outbox is empty."""

    def __init__(self, channel: Channel, client_id: int, direct: bool = True):
        self.reader, self.fd = os.pipe()
        os.set_blocking(self.fd, False)
        self.client_id, self.frames_out = client_id, 0
        self._transport, self._outbox = PlainTransport(self.fd), None
        self._capable, self._channel, self.lost = direct, channel, False
        channel.enter(self)

    @property
    def direct(self):
        return self._capable and self._outbox is None

    def write(self, data, droppable=False):
        self.frames_out += 1
        if self._outbox is not None:
            self._outbox.add(data)
        else:
            os.write(self.fd, data)

    def unfinished(self, data, sent):
        if sent < -1:
            self.lost = True
            return
        self._outbox = Outbox()
        self._outbox.started(data, max(sent, 0))
        self._channel.replace(self)

    def read_all(self) -> bytes:
        """What came, with the outbox emptied on the way."""
        os.set_blocking(self.reader, False)
        got = b""
        while True:
            try:
                got += os.read(self.reader, 1 << 20)
            except BlockingIOError:
                if self._outbox is None:
                    return got
                if self._outbox.flush(self._transport):
                    self._outbox = None
                    self._channel.replace(self)

    def close(self):
        for fd in (self.reader, self.fd):
            os.close(fd)


@pytest.fixture
def channel():
    return Channel(Conversation(1, gid="lobby"), Multisend())


@pytest.fixture
def come(channel):
    people = []

    def arrive(**how):
        people.append(Member(channel, 1001 + len(people), **how))
        return people[-1]

    yield arrive
    for person in people:
        person.close()


def test_frames_of_one_turn_arrive_joined_and_in_order_for_everybody(channel, come):
    ada, ben = come(), come(direct=False)
    for frame in (b"one", b"two", b"three"):
        channel.send(frame)
    channel.flush()
    assert ada.read_all() == ben.read_all() == b"onetwothree"


def test_a_reader_whose_socket_gets_full_misses_and_doubles_nothing(channel, come):
    ada, slow = come(), come()
    said = [bytes([65 + number]) * 50_000 for number in range(6)]
    for frame in said:
        channel.send(frame)
        channel.flush()
        assert ada.read_all() == frame
    assert slow.read_all() == b"".join(said)
    channel.send(b"caught up")
    channel.flush()
    assert slow.read_all() == b"caught up"


def test_who_comes_in_between_hears_only_what_is_said_from_there_on(channel, come):
    come()
    channel.send(b"before")
    ben = come()
    channel.send(b"after")
    channel.flush()
    assert ben.read_all() == b"after"


def test_who_leaves_has_heard_everything_until_then(channel, come):
    ada = come()
    channel.send(b"before")
    channel.flush()
    channel.leave(ada)
    channel.send(b"after")
    channel.flush()
    assert ada.read_all() == b"before"
    assert len(channel) == 0


def test_a_dead_member_is_told_of_and_harms_nobody(channel, come):
    dead, ada = come(), come()
    os.close(dead.reader)
    dead.reader = os.dup(dead.fd)
    channel.send(b"hello")
    channel.flush()
    assert dead.lost
    assert ada.read_all() == b"hello"


def test_each_member_counts_the_frames_of_its_own_time(channel, come):
    ada = come()
    channel.send(b"one")
    ben = come(direct=False)
    channel.send(b"two")
    channel.send(b"three")
    channel.flush()
    for person in (ada, ben):
        channel.leave(person)
    assert (ada.frames_out, ben.frames_out) == (3, 2)


def test_a_speaker_who_wants_no_echo_gets_the_words_of_all_others_in_their_order(channel, come):
    ada, ben, cem = come(direct=False), come(direct=False), come()
    for frame, speaker in ((b"one ", ada), (b"two ", ben), (b"three ", ada), (b"four ", None), (b"five", None)):
        channel.send(frame, speaker and speaker.client_id)
    channel.flush()
    assert ada.read_all() == b"two four five"
    assert ben.read_all() == b"one three four five"
    assert cem.read_all() == b"one two three four five"
    for person in (ada, ben, cem):
        channel.leave(person)
    assert (ada.frames_out, ben.frames_out, cem.frames_out) == (3, 4, 5)


def test_a_speaker_alone_hears_nothing_of_it(channel, come):
    ada = come(direct=False)
    channel.send(b"hello", ada.client_id)
    channel.flush()
    assert ada.read_all() == b""
    channel.leave(ada)
    assert ada.frames_out == 0


def test_a_frame_for_all_but_one_keeps_its_place_behind_what_was_said(channel, come):
    ada, ben = come(), come()
    channel.send(b"hello ")
    channel.send_but(ben.client_id, b"ada alone", False)
    assert (ada.read_all(), ben.read_all()) == (b"hello ada alone", b"hello ")


def heard(people, until, channel=None) -> list[bytes]:
    """What each has read, when `until` of it holds."""
    got, ends = [b""] * len(people), monotonic() + 5
    while not until(got):
        assert monotonic() < ends, got
        if channel is not None:
            channel.send(b"x")
        gevent.sleep(0.001)
        got = [before + person.read_all() for before, person in zip(got, people, strict=True)]
    return got


def test_a_crowd_is_written_to_in_sections_and_others_get_the_loop_between(channel, come, monkeypatch):
    monkeypatch.setattr(section, "SIZE", 2)
    monkeypatch.setattr(channels, "_TURN", 1)
    crowd = [come() for _ in range(5)]
    channel.send(b"one")
    channel.send(b"two")
    gevent.sleep(0)  # the callbacks of this turn
    assert [person.read_all() for person in crowd] == [b"onetwo"] * 2 + [b""] * 3
    assert heard(crowd[2:], all) == [b"onetwo"] * 3


def test_a_small_word_goes_to_all_sections_in_one_turn(channel, come, monkeypatch):
    monkeypatch.setattr(section, "SIZE", 2)
    crowd = [come() for _ in range(5)]
    channel.send(b"hello")
    gevent.sleep(0)
    assert [person.read_all() for person in crowd] == [b"hello"] * 5


def test_much_that_waits_goes_out_in_pieces_and_in_order(channel, come, monkeypatch):
    monkeypatch.setattr(section, "_BYTES", 100)
    ada = come()
    said = [bytes([65 + number]) * 60 for number in range(5)]
    for frame in said:
        channel.send(frame)
    gevent.sleep(0)
    assert heard([ada], lambda got: len(got[0]) == 300) == [b"".join(said)]


def test_no_section_starves_behind_one_that_always_has_something(channel, come, monkeypatch):
    monkeypatch.setattr(section, "SIZE", 1)
    monkeypatch.setattr(channels, "_TURN", 1)
    crowd = [come() for _ in range(3)]
    heard(crowd, all, channel)
    channel.flush()


def test_a_place_that_was_left_is_taken_again(channel, come, monkeypatch):
    monkeypatch.setattr(section, "SIZE", 2)
    crowd = [come() for _ in range(4)]
    channel.leave(crowd[0])
    ada = come()
    assert len(channel) == 4
    assert len(channel._sections) == 2
    channel.send(b"hello")
    channel.flush()
    assert ada.read_all() == b"hello"
    assert crowd[0].read_all() == b""
