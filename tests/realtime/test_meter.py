"""What a look at the open sockets tells."""

from __future__ import annotations

import time

import gevent
import pytest

from legacy_chat.core.metrics import (
    COMMIT_QUEUE,
    CONNECTIONS,
    LOOP_DELAY,
    OUTBOX_BYTES,
    PEOPLE,
    SLOW_CONNECTIONS,
    new_counts,
)
from legacy_chat.realtime.meter import Meter


class Socket:
    def __init__(self, transport: str = "websocket", queued: int = 0):
        self.transport, self.queued = transport, queued


class Worker:
    def __init__(self) -> None:
        self.counts = new_counts()
        self.sockets: set[Socket] = set()
        self.people = self.polls = self.commit_queue = 0


@pytest.fixture
def worker():
    return Worker()


@pytest.fixture
def running(worker):
    """A meter at work; what it wrote, with the number of people at that time."""
    written: list[float] = []
    meter = Meter(worker, lambda: written.append(worker.counts[PEOPLE]))
    greenlets = meter.start()
    yield written
    gevent.killall(greenlets)


def wait_for(check) -> None:
    with gevent.Timeout(5):
        while not check():
            gevent.sleep(0.01)


def test_a_look_counts_the_open_sockets_and_what_waits_for_slow_readers(worker):
    worker.sockets = {Socket(), Socket(queued=700), Socket(queued=300), Socket("text")}
    worker.people, worker.polls, worker.commit_queue = 3, 2, 9
    Meter(worker, lambda: None).look()
    counts = worker.counts
    open_now = {name: counts[place] for name, place in CONNECTIONS.items()}
    assert open_now == {"websocket": 3, "polling": 2, "text": 1}
    assert (counts[OUTBOX_BYTES], counts[SLOW_CONNECTIONS]) == (1000, 2)
    assert (counts[PEOPLE], counts[COMMIT_QUEUE]) == (3, 9)
    worker.sockets = set()
    Meter(worker, lambda: None).look()
    assert counts[OUTBOX_BYTES] == counts[CONNECTIONS["websocket"]] == 0


def test_others_get_the_loop_while_a_crowd_is_looked_at(worker, slow):
    worker.sockets = {Socket() for _ in range(100)}
    turns = []
    greenlet = gevent.spawn(lambda: [(turns.append(1), gevent.sleep(0)) for _ in range(4)])
    Meter(worker, lambda: None).look()
    assert len(turns) >= 3
    greenlet.join()


def test_once_a_second_what_was_seen_is_written(worker, running):
    worker.people = 4
    wait_for(lambda: 4 in running)


def test_a_write_that_fails_is_tried_again(worker):
    tries = []

    def write() -> None:
        tries.append(1)
        raise OSError("no space left")

    greenlets = Meter(worker, write).start()
    wait_for(lambda: len(tries) >= 2)
    gevent.killall(greenlets)


def test_a_loop_that_stood_still_was_late(worker, running):
    def late() -> float:
        """Naps that ended more than 100 ms too late."""
        first = LOOP_DELAY.first + LOOP_DELAY.bounds.index(0.25)
        return sum(worker.counts[first : LOOP_DELAY.first + len(LOOP_DELAY.bounds) + 1])

    gevent.sleep(0.05)
    before = late()
    time.sleep(0.4)  # nobody else runs meanwhile: the suite's own process is not patched
    wait_for(lambda: late() > before)
