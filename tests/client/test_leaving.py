"""Whatever a client is in the midst of: it leaves at once, and leaves no thread and no socket behind."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from live.raw import eventually
from websockets.server import ServerProtocol

from legacy_chat.client import Client, Closed, NotConnected
from legacy_chat.client import choice as choice_module

from .deaf import Deaf
from .desk import Desk
from .narrow import Narrow
from .script import Peer

pytestmark = pytest.mark.timed
SECONDS = 1.8
HUGE = {"message_bytes": 2**25, "text_chars": 2**25, "rate": [0, 0]}


def sockets() -> int:
    links = [link for link in Path("/proc/self/fd").iterdir() if link.exists() or link.is_symlink()]
    return sum("socket:" in _target(link) for link in links)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("legacy_chat")]


def leaves_at_once(client: Client, before: int, own: int = 0) -> None:
    """`own` are sockets of the test's server that end with the client's."""
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began < SECONDS
    assert threads() == []
    eventually(lambda: sockets() <= before + own, what="the end of the sockets")


def begin(work: Callable[[], object]) -> threading.Thread:
    """In a thread of its own: it raises once the client has left."""

    def run() -> None:
        with pytest.raises((Closed, NotConnected)):
            work()

    thread = threading.Thread(target=run)
    thread.start()
    eventually(threads)
    time.sleep(0.3)
    return thread


@pytest.mark.parametrize("transport", ["websocket", "polling", "auto"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("way", ["no answer", "silent"])
def test_in_the_midst_of_a_connect_that_hangs(way, scheme, transport):
    """Over https, `silent` is a TLS handshake that hangs; otherwise one of HTTP."""
    with Deaf(way) as server:
        before = sockets()
        how = {"ssl": ssl.create_default_context()} if scheme == "https" else {}
        client = Client(f"{scheme}://127.0.0.1:{server.port}/chat", transport=transport, **how)
        connecting = begin(lambda: client.connect(30))
        leaves_at_once(client, before)
        connecting.join(5)
        assert not connecting.is_alive()


@pytest.mark.parametrize("way", ["no answer", "silent"])
def test_a_connect_that_was_given_up_is_over_too(way):
    with Deaf(way) as server:
        before, began = sockets(), time.monotonic()
        with pytest.raises(Exception, match="no login within"):
            Client(f"http://127.0.0.1:{server.port}/chat").connect(0.3)
        assert time.monotonic() - began < 0.3 + SECONDS
        assert threads() == []
        eventually(lambda: sockets() <= before)


def test_in_the_midst_of_a_login_that_hangs_over_a_websocket(play):
    here = threading.Event()

    def hangs(peer: Peer) -> None:
        peer.hear("login")
        here.set()
        peer.stay()

    client = Client(play(hangs), transport="websocket")
    connecting = begin(lambda: client.connect(30))
    assert here.wait(5)
    leaves_at_once(client, sockets())
    connecting.join(5)


def test_in_the_midst_of_a_login_that_hangs_over_single_requests(desk):
    here = threading.Event()

    def scene(desk: Desk) -> None:
        desk.hear()
        here.set()

    client = Client(desk(scene), transport="polling")
    connecting = begin(lambda: client.connect(30))
    assert here.wait(5)
    leaves_at_once(client, sockets())
    connecting.join(5)


def test_in_the_midst_of_a_held_poll(desk):
    here = threading.Event()

    def scene(desk: Desk) -> None:
        desk.login()
        desk.hear()
        here.set()

    client = Client(desk(scene), transport="polling").connect()
    assert here.wait(5)
    leaves_at_once(client, sockets())


def test_a_peer_that_reads_nothing_any_more_keeps_nobody():
    """Not even the close frame gets through, since a message fills all that lies in between."""
    server = socket.create_server(("127.0.0.1", 0))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    done = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        protocol = ServerProtocol()
        protocol.receive_data(connection.recv(65536))
        protocol.send_response(protocol.accept(protocol.events_received()[0]))
        for frame in (
            {"type": "hello", "client_id": 1, "version": 1, "limits": HUGE, "ping": 25},
            {"type": "login", "uid": "1", "name": "ada", "client_id": 1, "epoch": "e", "groups": [], "peers": []}
            | {"online": {"users": 1, "connections": 1}},
        ):
            protocol.send_text(json.dumps(frame).encode())
        connection.sendall(b"".join(protocol.data_to_send()))
        done.wait(20)
        connection.close()

    serving = threading.Thread(target=serve)
    serving.start()
    client = Client(f"http://127.0.0.1:{server.getsockname()[1]}/chat", transport="websocket").connect()
    saying = begin(lambda: client.group("lobby", "x" * 2**24))
    time.sleep(0.3)
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began < SECONDS
    assert threads() == []
    done.set()
    for thread in (serving, saying):
        thread.join(10)
    server.close()


@pytest.mark.parametrize("way", ["hang", "mute"])
def test_in_the_midst_of_an_upgrade(play, desk, monkeypatch, way):
    monkeypatch.setattr(choice_module, "AGAIN_SECONDS", 0.1)

    def scene(desk: Desk) -> None:
        desk.login()
        desk.hear()

    with Narrow(int(play(Peer.stay).rpartition(":")[2].partition("/")[0]), 0, "refuse") as network:
        network._ports[False] = int(desk(scene).rpartition(":")[2].partition("/")[0])
        client = Client(network.url).connect()
        assert client.transport == "polling"
        network.way = way
        tried = network.tried
        eventually(lambda: network.tried > tried)
        time.sleep(0.1)
        leaves_at_once(client, sockets())


def test_a_token_that_does_not_come_is_not_waited_for(desk):
    come = threading.Event()

    def token() -> str:
        come.wait(20)
        return ""

    client = Client(desk(lambda desk: None), token=token, transport="polling")
    connecting = begin(lambda: client.connect(30))
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began < SECONDS
    come.set()
    eventually(lambda: threads() == [])
    connecting.join(5)
