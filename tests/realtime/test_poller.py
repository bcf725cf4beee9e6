"""One epoll for all: who is ready is served, in turns that are short, and nobody starves."""

from __future__ import annotations

import socket
from time import monotonic, perf_counter

import gevent
import pytest

from legacy_chat.realtime.poller import Poller


class Page:
    """A connection that says when it was served; a hog never reads what comes and is ready for ever."""

    def __init__(self, poller: Poller, hog: bool = False):
        self._poller, self._hog = poller, hog
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.fd, self.served, self.got = self.near.fileno(), 0, b""
        poller.add(self)

    def on_events(self, events: int) -> None:
        self.served += 1
        if self._hog:
            ends = perf_counter() + 0.002
            while perf_counter() < ends:
                pass
        else:
            self.got += self.near.recv(100)

    def close(self) -> None:
        self._poller.remove(self.fd)
        self.near.close()
        self.far.close()


@pytest.fixture
def poller():
    made = Poller()
    yield made
    made.close()


@pytest.fixture
def come(poller):
    pages: list[Page] = []

    def arrive(**how) -> Page:
        pages.append(Page(poller, **how))
        return pages[-1]

    yield arrive
    for page in pages:
        page.close()


def until(condition) -> None:
    ends = monotonic() + 5
    while not condition():
        assert monotonic() < ends
        gevent.sleep(0.001)


def test_whoever_has_said_something_is_served(come):
    ada, ben = come(), come()
    ada.far.send(b"hello")
    until(lambda: ada.got == b"hello")
    assert ben.served == 0


def test_pages_that_are_ready_all_the_time_starve_nobody(come):
    hogs = [come(hog=True) for _ in range(3)]
    for hog in hogs:
        hog.far.send(b"x")
    until(lambda: all(hog.served for hog in hogs))
    ada = come()
    ada.far.send(b"hello")
    before = sum(hog.served for hog in hogs)
    until(lambda: ada.got)
    assert sum(hog.served for hog in hogs) - before <= 2 * len(hogs)
    assert max(hog.served for hog in hogs) - min(hog.served for hog in hogs) <= 2


def test_whoever_went_meanwhile_is_not_served(poller, come):
    first, second = come(hog=True), come()
    first.far.send(b"x")
    second.far.send(b"x")
    until(lambda: first.served)
    poller.remove(second.fd)
    served = second.served
    gevent.sleep(0.01)
    assert second.served == served
    assert len(poller) == 1
