"""Some members of a room, the unit of one write: how many there may be, and who counts what.

What members get, whatever their sockets do, is told in test_channel.py.
"""

from __future__ import annotations

from legacy_chat.core.metrics import DELIVERIES, FRAMES_SENT, new_counts
from legacy_chat.realtime import multisend, section
from legacy_chat.realtime.section import Section


class Member:
    """A connection whose frames are only counted and collected."""

    def __init__(self) -> None:
        self.fd, self.direct, self.frames_out, self.got = -1, False, 0, b""

    def write(self, data, droppable=False):
        self.frames_out += 1
        self.got += data


class Nothing:
    def __init__(self):
        self.counts = new_counts()

    def targets(self, fds):
        return self

    def send(self, data):
        return []


def test_a_section_is_no_larger_than_one_call_may_be():
    assert section.SIZE <= multisend.MOST


def test_what_is_added_waits_for_the_flush_and_goes_out_joined():
    part, ada = Section(Nothing()), Member()
    part.enter(ada)
    part.add(b"one")
    part.add(b"two")
    assert part.waits
    assert ada.got == b""
    part.flush()
    assert not part.waits
    assert ada.got == b"onetwo"


def test_who_enters_gets_nothing_that_was_said_before_and_counts_only_its_own():
    part, ada, ben = Section(Nothing()), Member(), Member()
    part.enter(ada)
    part.add(b"before")
    part.enter(ben)
    part.add(b"after")
    part.flush()
    for person in (ada, ben):
        part.leave(person)
    assert (ada.got, ada.frames_out) == (b"beforeafter", 2)
    assert (ben.got, ben.frames_out) == (b"after", 1)
    assert len(part) == 0


def test_each_frame_is_a_delivery_to_each_member():
    sender = Nothing()
    part, people = Section(sender), [Member() for _ in range(3)]
    for person in people:
        part.enter(person)
    part.add(b"one")
    part.add(b"two")
    part.flush()
    assert sender.counts[DELIVERIES] == 6
    # Each of these members is written to apart, and counts one frame itself.
    assert sender.counts[FRAMES_SENT] + 3 == 6
