"""Threads that all want a connection at the start."""

import threading

from legacy_chat.storage.connector import Connector

ALL = 4


class Engine:
    """Counts who connects at one moment; each waits until `others` more are there, or gives them a moment to come."""

    def __init__(self):
        self.inside = threading.Semaphore(0)
        self.most = 0
        self._now = 0

    def connect(self):
        self._now += 1
        self.most = max(self.most, self._now)
        self.inside.acquire(timeout=0.05)
        self._now -= 1
        return "connection"


def connect_together(connector, engine):
    got = []
    threads = [threading.Thread(target=lambda: got.append(connector.connect(engine))) for _ in range(ALL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert got == ["connection"] * ALL


def test_one_connects_first_and_the_others_wait():
    engine = Engine()
    connect_together(Connector(), engine)
    assert engine.most == 1


def test_later_ones_connect_side_by_side():
    connector, engine = Connector(), Engine()
    connector.connect(engine)
    connect_together(connector, engine)
    assert engine.most > 1


def test_a_new_start_has_a_first_one_again():
    connector, engine = Connector(), Engine()
    connector.connect(engine)
    connector.reset()
    connect_together(connector, engine)
    assert engine.most == 1


def test_a_store_that_cannot_be_reached_leaves_the_next_one_its_turn():
    class Away:
        def connect(self):
            raise ConnectionError

    connector, engine = Connector(), Engine()
    for _ in range(2):
        try:
            connector.connect(Away())
        except ConnectionError:
            continue
        raise AssertionError
    connect_together(connector, engine)
    assert engine.most == 1
