"""The same bytes to many sockets: each way says truly what every socket took."""

from __future__ import annotations

import os
import resource
import socket

import pytest

from legacy_chat.realtime import multisend
from legacy_chat.realtime.multisend import Batch, Loop, Multisend, kernel_of_process
from legacy_chat.realtime.transport import WOULD_BLOCK


@pytest.fixture
def pairs():
    """Connected sockets: `pairs(3)` gives [(ours, theirs), …], ours without blocking."""
    made = []

    def connect(count: int) -> list[tuple[socket.socket, socket.socket]]:
        new = [socket.socketpair() for _ in range(count)]
        for ours, _ in new:
            ours.setblocking(False)
        made.extend(new)
        return new

    yield connect
    for ends in made:
        for end in ends:
            end.close()


@pytest.fixture(params=["loop", "kernel"])
def targets(request):
    """Both ways, each for the same stories; this kernel has io_submit."""
    if request.param == "loop":
        return Loop
    kernel = kernel_of_process()
    assert kernel is not None, "no context is left: /proc/sys/fs/aio-nr"
    return lambda fds: Batch(kernel, fds)


def fill(sock: socket.socket) -> None:
    try:
        while True:
            sock.send(bytes(4096))
    except BlockingIOError:
        pass


def test_everybody_gets_the_bytes_and_nobody_is_troubled(targets, pairs):
    people = pairs(multisend.MOST)
    assert targets([ours.fileno() for ours, _ in people]).send(b"hello") == []
    assert {theirs.recv(100) for _, theirs in people} == {b"hello"}


def test_the_same_targets_serve_for_the_next_message(targets, pairs):
    [(ada, reader), (ben, _)] = pairs(2)
    both = targets([ada.fileno(), ben.fileno()])
    for text in (b"one", b"a longer second", b""):
        assert both.send(text) == []
    assert reader.recv(100) == b"onea longer second"


def test_a_full_socket_a_half_full_one_and_a_dead_one_are_named_with_what_they_took(targets, pairs):
    [(ada, _), (full, _), (half, _), (dead, gone), (ben, at_ben)] = pairs(5)
    fill(full)
    gone.close()
    half.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    data = bytes(50_000)
    troubled = dict(targets([s.fileno() for s in (ada, full, half, dead, ben)]).send(data))
    assert set(troubled) == {full.fileno(), half.fileno(), dead.fileno()}
    assert troubled[full.fileno()] == WOULD_BLOCK
    assert troubled[dead.fileno()] < WOULD_BLOCK
    assert troubled[half.fileno()] < len(data)
    assert len(at_ben.recv(100_000)) == len(data)


def test_descriptors_that_are_closed_fail_alone(targets, pairs):
    [(ada, at_ada), (lost, _), (ben, at_ben), (last, _)] = pairs(4)
    fds = [s.fileno() for s in (ada, lost, ben, last)]
    room = targets(fds)
    lost.close()
    last.close()
    troubled = room.send(b"hello")
    assert sorted(fd for fd, _ in troubled) == sorted([fds[1], fds[3]])
    assert all(sent < WOULD_BLOCK for _, sent in troubled)
    assert at_ada.recv(100) == at_ben.recv(100) == b"hello"


def test_pipes_take_part_as_well(targets):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        assert targets([writer]).send(b"hello") == []
        assert os.read(reader, 100) == b"hello"
    finally:
        os.close(reader)
        os.close(writer)


def test_few_sockets_are_written_to_one_by_one_and_many_at_once():
    sender = Multisend()
    assert isinstance(sender.targets([1, 2]), Loop)
    assert isinstance(sender.targets(list(range(100, 200))), Batch)


def test_without_the_kernels_help_the_loop_does_the_same(monkeypatch):
    monkeypatch.setattr(multisend, "_kernels", {})
    monkeypatch.setattr(multisend.platform, "machine", lambda: "abacus")
    assert isinstance(Multisend().targets(list(range(100, 200))), Loop)


def test_descriptors_up_to_the_processs_limit_have_their_place(pairs):
    [(ada, at_ada)] = pairs(1)
    highest = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 20) - 1
    os.dup2(ada.fileno(), highest)
    try:
        assert Batch(kernel_of_process(), [highest]).send(b"hello") == []
        assert at_ada.recv(100) == b"hello"
    finally:
        os.close(highest)


def test_all_apps_of_a_process_share_one_context_and_a_fork_has_its_own(monkeypatch):
    assert kernel_of_process() is kernel_of_process()
    monkeypatch.setattr(multisend, "_kernels", {1: "that of the parent"})
    monkeypatch.setattr(multisend, "Kernel", lambda: "new")
    assert kernel_of_process() == "new"
    assert list(multisend._kernels) == [os.getpid()]
