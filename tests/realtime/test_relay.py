"""Both ends of the relay: the worker's in this thread's loop, the asking one in a native thread."""

from __future__ import annotations

import os
import socket
import stat
import struct

import gevent
import pytest

from legacy_chat.backplane.contract import Reach, ToAll
from legacy_chat.backplane.relay import Relay
from legacy_chat.core.push import MOST_PEOPLE, Errand, Push, Pushed
from legacy_chat.errors import BadShape, Internal, TooLong
from legacy_chat.realtime import relay as relay_module
from legacy_chat.realtime.relay import RelayServer


class Worker:
    """What it was handed, and what it answers."""

    def __init__(self) -> None:
        self.errands: list = []
        self.notices: list = []
        self.answer: Pushed | Exception = Pushed(1, 2, 0)

    def carry_out(self, errand) -> Pushed:
        self.errands.append(errand)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def deliver(self, notice) -> Reach:
        self.notices.append(notice)
        return Reach(3, 4)


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def start(worker):
    servers = []

    def begin(path) -> RelayServer:
        servers.append(RelayServer(path, worker.carry_out, worker.deliver))
        servers[-1].start()
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


@pytest.fixture
def relay(tmp_path, start) -> Relay:
    relay = Relay(str(tmp_path / "instance"))
    start(relay.path)
    return relay


def elsewhere(ask, *arguments):
    """In a native thread, while this one's loop runs."""
    return gevent.get_hub().threadpool.apply(ask, arguments)


def test_an_errand_comes_over_and_its_answer_goes_back(relay, worker):
    errand = Errand(Push(uids=[str(n) for n in range(MOST_PEOPLE)], content="hi", durable=True), "push:1", quiet=True)
    assert elsewhere(relay.hand_over, errand) == Pushed(1, 2, 0)
    assert worker.errands == [errand]


def test_a_notice_is_delivered_and_counted(relay, worker):
    assert elsewhere(relay.tell, ToAll(b"{}")) == Reach(3, 4)
    assert worker.notices == [ToAll(b"{}")]


def test_errors_go_back_as_themselves_and_ours_without_their_inside(relay, worker, caplog):
    errand = Errand(Push(uid="7", content="hi"), "push:1")
    worker.answer = TooLong("Too long.")
    with pytest.raises(TooLong, match="Too long"):
        elsewhere(relay.hand_over, errand)
    worker.answer = ZeroDivisionError("secret")
    with pytest.raises(Internal, match="in the log") as caught:
        elsewhere(relay.hand_over, errand)
    assert "secret" not in str(caught.value)
    assert "secret" in caplog.text


def test_only_the_one_who_runs_the_site_may_open_it_and_root(relay):
    assert stat.S_IMODE(os.stat(relay.path).st_mode) == 0o600
    assert os.listdir(relay.path.parent) == ["chat.sock"]
    assert [relay_module._is_ours(Asker(uid)) for uid in (os.getuid(), 0, os.getuid() + 1)] == [True, True, False]


def test_whoever_else_got_hold_of_it_is_not_answered(relay, monkeypatch):
    monkeypatch.setattr(relay_module, "_is_ours", lambda connection: False)
    assert talk(relay, b"") == b""  # not even that nothing is no request


class Asker:
    """A connection of whom the kernel says who opened it."""

    def __init__(self, uid: int):
        self._uid = uid

    def getsockopt(self, *_: int) -> bytes:
        return struct.pack("3i", 1, self._uid, 1)


def talk(relay, raw: bytes) -> bytes:
    with gevent.socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(relay.path))
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_nonsense_is_answered_and_hurts_nobody(relay, worker):
    for raw in (b"", b"nonsense", b"[" * 100_000):
        assert b'"bad_frame"' in talk(relay, raw)
    assert elsewhere(relay.tell, ToAll(b"{}")) == Reach(3, 4)


def test_too_much_is_refused(relay, monkeypatch):
    monkeypatch.setattr(relay_module, "_MOST_BYTES", 1000)
    with pytest.raises(BadShape, match="at most 1000"):
        elsewhere(relay.hand_over, Errand(Push(uid="7", content="x" * 2000), "push:1"))


def test_who_says_nothing_is_let_go(relay, monkeypatch):
    monkeypatch.setattr(relay_module, "_PATIENCE", 0.05)
    with gevent.socket.socket(socket.AF_UNIX) as connection, gevent.Timeout(5):
        connection.connect(str(relay.path))
        assert connection.recv(100) == b""


def ask(relay) -> Pushed | None:
    return elsewhere(relay.hand_over, Errand(Push(uid="7", content="hi"), "push:1"))


def test_after_a_second_server_of_the_site_has_come_and_gone_the_first_one_takes_the_address_back(tmp_path, start):
    relay = Relay(str(tmp_path))
    first, second = start(relay.path), start(relay.path)
    assert first.look() > 0
    assert relay_module._file(relay.path) == second._file, "it is another's, and alive"
    second.stop()
    assert ask(relay) is None
    first.look()
    assert ask(relay) == Pushed(1, 2, 0)


def test_a_socket_that_somebody_removed_is_made_again(relay, start):
    server = start(relay.path)
    os.unlink(relay.path)
    assert ask(relay) is None
    server.look()
    assert ask(relay) == Pushed(1, 2, 0)


def test_a_new_worker_takes_the_address_over_and_the_old_one_may_end(relay, start, worker):
    old = worker.errands
    start(relay.path)
    errand = Errand(Push(uid="7", content="hi"), "push:1")
    assert elsewhere(relay.hand_over, errand) == Pushed(1, 2, 0)
    assert old == [errand]
