"""One end for all threads of a client."""

import threading
import time

import pytest

from legacy_chat.client import Closed
from legacy_chat.client.life import Life


def test_the_first_end_is_told_to_everybody_who_asks_later():
    life = Life()
    life.check()
    life.finish(Closed(4440, "logged out"))
    life.finish(Closed(1000, "closed"))
    for _ in range(2):
        with pytest.raises(Closed, match="4440 logged out"):
            life.check()


def test_the_end_wakes_whoever_waits():
    life = Life()
    timer = threading.Timer(0.05, life.finish, [Closed(1000)])
    timer.start()
    began = time.monotonic()
    life.rest(60)
    assert life.wait(lambda: False, 60)
    timer.join()
    assert time.monotonic() - began < 10


def test_a_wait_ends_with_its_condition_or_its_time():
    life = Life()
    assert life.wait(lambda: True, 60)
    assert not life.wait(lambda: False, 0.01)
    assert not life.wait(lambda: False, -1)
