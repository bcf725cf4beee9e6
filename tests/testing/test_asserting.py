import threading
import time

import pytest

from legacy_chat.testing import assert_delivered, assert_nothing_leaked, assert_ordered, wait_for


class Heard:
    """Somebody who heard these messages."""

    def __init__(self, *frames):
        self.frames = list(frames)


def room(seq, content="hi", gid="lobby"):
    return {"type": "groupPm", "gid": gid, "uid": "9", "content": content, "seq": seq}


def private(seq, uid="9", to="7"):
    return {"type": "pm", "uid": uid, "to": to, "content": "psst", "seq": seq}


def test_wait_for_returns_what_came_at_last():
    began = time.monotonic()
    assert wait_for(lambda: time.monotonic() - began > 0.03 and "here") == "here"


def test_what_never_comes_is_a_failure_that_says_what():
    with pytest.raises(AssertionError, match=r"within 0\.02 s there was no spring"):
        wait_for(lambda: False, "spring", timeout=0.02)


def test_a_message_that_comes_later_is_delivered():
    ben = Heard()
    later = threading.Timer(0.03, lambda: ben.frames.append(room(1)))
    later.start()
    assert assert_delivered(ben, "hi", gid="lobby")["seq"] == 1
    later.join()


def test_one_that_does_not_come_is_named_with_what_came():
    with pytest.raises(AssertionError, match=r"'content': 'bye'.*what came: \['hi'\]"):
        assert_delivered(Heard(room(1)), "bye", timeout=0.02)
    with pytest.raises(AssertionError):
        assert_delivered(Heard(room(1)), "hi", gid="other", timeout=0.02)


def test_order_is_that_of_the_numbers_in_each_conversation():
    assert_ordered(Heard(room(4), private(1), room(5), room(1, gid="other"), private(2, uid="7", to="9")))
    assert_ordered(Heard())


@pytest.mark.parametrize("seqs", [(1, 3), (2, 1), (1, 1)], ids=["a hole", "swapped", "doubled"])
def test_a_hole_a_swap_and_a_double_are_found(seqs):
    with pytest.raises(AssertionError, match="room lobby: the numbers came as"):
        assert_ordered(Heard(*map(room, seqs)))
    with pytest.raises(AssertionError, match="7 and 9"):
        assert_ordered(Heard(*map(private, seqs)))


def test_a_connection_that_stays_is_a_leak():
    class Chat:
        def open_connections(self):
            return 1

    with pytest.raises(AssertionError, match="end of the last connection"):
        assert_nothing_leaked(Chat(), timeout=0.02)
