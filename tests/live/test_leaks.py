"""5,000 connections come and go in every way there is, and nothing of them stays."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress

import pytest

from .raw import CLOSE, TEXT, Person, Refused, eventually

pytestmark = pytest.mark.timed

MIB = 2**20
ROUNDS, EACH = 10, 50


def visitor(server, number: int) -> Person:
    person = Person(server, f"v{number % 20}")
    person.login()
    return person


# Each makes one connection; what it returns ends it, later, when many others are there as well.


def polite(server, number):
    client = visitor(server, number).client

    def leave() -> None:
        client.send(CLOSE, b"\x03\xe8")
        assert client.closed().code == 1000
        client.close()

    return leave


def rude(server, number):
    return visitor(server, number).close


def reset(server, number):
    return visitor(server, number).client.reset


def half_closed(server, number):
    client = visitor(server, number).client

    def leave() -> None:
        client.socket.shutdown(socket.SHUT_WR)
        assert client.closed().code == 1006
        client.close()

    return leave


def broken(server, number):
    client = visitor(server, number).client

    def leave() -> None:
        client.send(TEXT, b"x", mask=False)
        assert client.closed().code == 1002
        client.close()

    return leave


def amid_a_message(server, number):
    client = visitor(server, number).client
    client.send(TEXT, b'{"type":', fin=False)
    client.send_bytes(b"\x80\xfe")
    return client.close


def amid_answers(server, number):
    """Gone with answers on their way."""
    person = visitor(server, number)
    for _ in range(20):
        person.send(type="members", gid="lobby")
    return person.client.reset


def amid_the_handshake(server, number):
    client = server.dial()
    client.send_bytes(b"GET /chat/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgra")
    return client.close if number % 2 else client.reset


def before_the_answer(server, number):
    client = server.dial()
    upgrade = [
        ("Host", "127.0.0.1"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw=="),
    ]
    client.request(f"/chat/ws?token={server.token('early')}" if number % 2 else "/login", upgrade)
    client.reset()
    return client.close


def right_after_the_handshake(server, number):
    client = server.dial()
    client.handshake(f"/chat/ws?token={server.token('early')}")
    return client.reset


REFUSALS = (
    ("/chat/ws?token=forged", [], 401),
    ("/chat/ws", [("Origin", "http://evil.example")], 403),
    ("/chat/ws", [("Sec-WebSocket-Version", "8")], 426),
    ("/chat/ws", [("Sec-WebSocket-Key", "short")], 400),
)


def refused(server, number):
    path, headers, status = REFUSALS[number % len(REFUSALS)]
    client = server.dial()
    with pytest.raises(Refused) as refusal:
        client.handshake(path, headers)
    assert refusal.value.status == status
    return client.close


WAYS = (
    polite,
    rude,
    reset,
    half_closed,
    broken,
    amid_a_message,
    amid_answers,
    amid_the_handshake,
    before_the_answer,
    right_after_the_handshake,
    refused,
)


def come_and_go(server) -> None:
    """550 connections at once."""
    leaving = [way(server, number) for number in range(EACH) for way in WAYS]
    for leave in leaving:
        leave()


def test_five_thousand_connections_leave_nothing_behind(serve, come):
    server = serve(rate="0", max_per_user="0", max_per_address="0", grace_seconds="1")
    watcher = come(server, "watcher")

    def alone() -> bool:
        members = watcher.ask(type="members", gid="lobby")["members"]
        return [member["uid"] for member in members if member["online"]] == ["watcher"] and server.sockets() == sockets

    sockets = server.sockets()
    come_and_go(server)  # the first time, things are made that are kept: rows, threads, caches
    eventually(alone, what="the end of everybody")
    resident, descriptors = server.resident(), server.descriptors()
    for _ in range(ROUNDS):
        come_and_go(server)
        eventually(alone, what="the end of everybody")
    # The allocator levels off some 5 MiB above; 5,000 forgotten connections or greenlets would be 10 MiB and more.
    assert server.resident() - resident < 8 * MIB
    assert server.descriptors() <= descriptors + 4  # the database's pool
    sessions = [line for line in server.log().splitlines() if " of v" in line and " over websocket: " in line]
    assert len(sessions) == (ROUNDS + 1) * EACH * 7  # one line for each visitor


def test_a_client_that_is_killed_leaves_nothing(serve, come):
    server = serve(max_per_address="0", grace_seconds="1")
    watcher = come(server, "watcher")
    before = server.sockets()
    ready, ours = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            crowd = [visitor(server, number) for number in range(100)]
            ours.sendall(b"%d" % len(crowd))
            signal.pause()
        finally:
            os._exit(1)
    assert ready.recv(3) == b"100"
    assert server.sockets() == before + 100
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    eventually(lambda: server.sockets() == before, what="the end of the killed one's sockets")

    def alone() -> bool:
        members = watcher.ask(type="members", gid="lobby")["members"]
        return [member["uid"] for member in members if member["online"]] == ["watcher"]

    eventually(alone, what="the end of everybody's grace")


def test_a_peer_that_never_ends_the_stream_is_left_after_the_close(serve):
    server = serve(close_seconds="1")
    before = server.sockets()
    client = visitor(server, 1).client
    client.send(TEXT, b"x", mask=False)
    assert client.closed().code == 1002

    def gone() -> bool:
        with suppress(OSError):
            client.send_bytes(bytes(65536))
        return server.sockets() == before

    eventually(gone, 4, "the end of the socket")
