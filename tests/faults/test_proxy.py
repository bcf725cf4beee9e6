"""Each mode of the proxy does what it says: ada dials an echo through it."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
from live.raw import eventually

from .proxy import GLUE_SECONDS, HOSTILE, MODES, Link, Proxy

SOON = (0.2, 0.8)  # seconds until the trouble begins


class Far:
    """The other end: it keeps what each connection brings, piece by piece, and sends it back."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.pieces: list[bytes] = []
        self.ends: list[str] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._echo, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _echo(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1 << 20):
                    self.pieces.append(data)
                    connection.sendall(data)
                self.ends.append("fin")
            except OSError:
                self.ends.append("rst")

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def far():
    far = Far()
    yield far
    far.close()


@contextmanager
def dialled(far: Far, mode: str, seed: int = 1):
    """Ada's socket through a proxy."""
    with Proxy(far.port, mode, seed, SOON) as proxy, dial(proxy) as ada:
        ada.proxy = proxy
        yield ada


class Caller(socket.socket):
    proxy: Proxy


def dial(proxy: Proxy) -> Caller:
    ada = Caller()
    ada.settimeout(5)
    ada.connect(("127.0.0.1", proxy.port))
    ada.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ada


def echoed(ada: socket.socket, data: bytes) -> bytes:
    ada.sendall(data)
    answer = b""
    while len(answer) < len(data):
        answer += ada.recv(1 << 20)
    return answer


def end_of(ada: socket.socket) -> tuple[str, float]:
    """How the proxy ends the connection, and after how long."""
    began = time.monotonic()
    try:
        while ada.recv(1 << 20):
            pass
        return "fin", time.monotonic() - began
    except ConnectionResetError:
        return "rst", time.monotonic() - began


@pytest.mark.parametrize("mode", MODES)
def test_what_comes_through_is_unchanged(far, mode):
    data = os.urandom(5000)
    with dialled(far, mode) as ada:
        answer = echoed(ada, data)
    assert hashlib.sha256(answer).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("mode", MODES)
def test_nothing_stays_when_ada_has_gone(far, mode):
    with dialled(far, mode) as ada:
        echoed(ada, b"hello")
        ada.close()
        if mode != "vanish":
            eventually(lambda: not ada.proxy.links, what="the end of the link")
    eventually(lambda: far.ends, what="the end at the far end")


@pytest.mark.parametrize(("mode", "how"), [("cut_fin", "fin"), ("cut_rst", "rst")])
def test_a_cut_comes_in_time_and_at_both_ends(far, mode, how):
    with dialled(far, mode) as ada:
        found, seconds = end_of(ada)
        assert found == how
        assert 0.15 < seconds < 1.2
        eventually(lambda: far.ends == [how])


def test_the_same_seed_cuts_at_the_same_moment(far):
    moments = []
    for seed in (14, 14, 10):
        with dialled(far, "cut_fin", seed) as ada:
            moments.append(end_of(ada)[1])
    assert abs(moments[0] - moments[1]) < 0.1
    assert abs(moments[0] - moments[2]) > 0.1


def test_delays_differ(far):
    with dialled(far, "delay") as ada:
        took = []
        for _ in range(10):
            began = time.monotonic()
            echoed(ada, b"hello")
            took.append(time.monotonic() - began)
    assert max(took) > 0.05
    assert max(took) - min(took) > 0.03


def test_single_bytes_arrive_as_many_pieces(far):
    with dialled(far, "bytes") as ada:
        echoed(ada, b"hello" * 1000)
    assert len(far.pieces) > 20  # the far end may read faster or slower than they come
    assert min(map(len, far.pieces)) == 1


def test_glue_makes_one_piece_of_many(far):
    with dialled(far, "glue") as ada:
        began = time.monotonic()
        for _ in range(5):
            ada.sendall(b"hello")
            time.sleep(GLUE_SECONDS / 20)  # for pieces of their own
        assert ada.recv(100) == b"hello" * 5
        assert time.monotonic() - began >= GLUE_SECONDS
    assert far.pieces == [b"hello" * 5]


def test_a_stall_holds_everything_and_goes_on(far):
    with dialled(far, "stall") as ada:
        took, ends = [], time.monotonic() + 8
        while not took or max(took) < 0.2:
            assert time.monotonic() < ends
            began = time.monotonic()
            assert echoed(ada, b"hello") == b"hello"
            took.append(time.monotonic() - began)


def test_what_is_swallowed_never_comes_and_a_reset_ends_it(far):
    with dialled(far, "swallow") as ada:
        ada.settimeout(0.1)
        ends = time.monotonic() + 6
        unanswered = False
        while True:
            assert time.monotonic() < ends
            try:
                echoed(ada, b"x")
            except TimeoutError:
                unanswered = True
            except OSError:
                break
        assert unanswered
        eventually(lambda: far.ends == ["rst"])


def test_a_peer_that_vanished_is_not_missed_by_the_far_end(far):
    with dialled(far, "vanish") as ada:
        assert end_of(ada)[0] == "rst"
        assert far.ends == []
        with dial(ada.proxy) as again:
            assert echoed(again, b"back") == b"back"
            assert len(ada.proxy.links) == 2
        assert far.ends == []


def test_mixed_does_all_of_it(far):
    with Proxy(far.port, "mixed", after=(5, 6)) as proxy, ExitStack() as stack:
        callers = [stack.enter_context(dial(proxy)) for _ in HOSTILE]
        assert [echoed(ada, b"hello") for ada in callers] == [b"hello"] * len(HOSTILE)
        assert {link.mode for link in proxy.links} == set(HOSTILE)


def test_all_links_of_a_moment_can_be_made_to_vanish_or_reset(far):
    with dialled(far, "plain") as ada:
        echoed(ada, b"x")
        ada.proxy.each(Link.vanish)
        ada.sendall(b"into the void")
        ada.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ada.recv(1)
        assert far.pieces == [b"x"]
        ada.proxy.each(Link.reset)
        ada.settimeout(5)
        assert end_of(ada)[0] == "rst"


def test_where_nobody_listens_the_call_ends():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with Proxy(nobody.getsockname()[1]) as proxy, pytest.raises(ConnectionResetError), dial(proxy) as ada:
            ada.recv(1)
