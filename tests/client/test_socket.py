"""A session over a WebSocket: what ends it, and what only another transport can mend."""

from __future__ import annotations

import socket
from http import HTTPStatus

import pytest

from legacy_chat.client import socket as socket_module
from legacy_chat.client.address import read
from legacy_chat.client.requests import Request
from legacy_chat.client.socket import Socket
from legacy_chat.client.wire import Ended, How
from legacy_chat.core import frames

from .script import Peer, numbers


def test_a_silent_server_is_asked_for_a_sign_of_life_and_then_left(play, ada, monkeypatch):
    monkeypatch.setattr(socket_module, "QUIET_SECONDS", 0.2)
    asked = []

    def falls_silent(peer: Peer) -> None:
        peer.login(lobby=0)
        asked.append(peer.hear("ping"))
        peer.send(type="pong")
        asked.append(peer.hear("ping"))
        peer.stay()

    def speaks(peer: Peer) -> None:
        peer.login(lobby=0)
        peer.say(1)
        peer.stay()

    assert numbers(ada(play(falls_silent, speaks)), 1) == [1]
    assert len(asked) == 2


@pytest.fixture
def session():
    """`session(url)` is a session that is closed after the test."""
    made: list[Socket] = []

    def make(url: str, **how) -> Socket:
        made.append(Socket(How(read(url), **how)))
        return made[-1]

    yield make
    for wire in made:
        wire.close()


def end_of(work) -> Ended:
    with pytest.raises(Ended) as ended:
        work()
    return ended.value


def test_the_first_frame_may_be_waited_for_before_anything_is_read(play, session):
    def scene(peer: Peer) -> None:
        peer.login()
        peer.stay()

    wire = session(play(scene))
    wire.greet()
    wire.open()
    wire.send(Request("login", {}))
    assert not wire.online
    assert isinstance(wire.receive(), frames.Hello)
    assert isinstance(wire.receive(), frames.LoggedIn)
    assert wire.online
    wire.close()
    assert not wire.online


@pytest.mark.parametrize(
    ("status", "retry_after", "code", "blocked"),
    [
        (HTTPStatus.NOT_IMPLEMENTED, None, 1006, True),
        (HTTPStatus.BAD_GATEWAY, None, 1006, True),
        (HTTPStatus.SERVICE_UNAVAILABLE, None, 1006, True),
        (HTTPStatus.SERVICE_UNAVAILABLE, "5", 1006, False),
        (HTTPStatus.UNAUTHORIZED, None, 4401, False),
        (HTTPStatus.FORBIDDEN, None, 4403, False),
    ],
)
def test_a_refusal_says_whether_another_transport_is_worth_a_try(play, session, status, retry_after, code, blocked):
    end = end_of(session(play(refuse=status, retry_after=retry_after)).open)
    assert (end.code, end.reason, end.blocked) == (code, f"HTTP {status.value}: no", blocked)
    assert end.retry_after == (retry_after and float(retry_after))


def test_a_socket_that_is_dead_before_its_first_frame_is_blocked(play, session):
    wire = session(play(Peer.vanish))
    wire.open()
    assert end_of(wire.receive).blocked


def test_a_socket_that_lets_nothing_through_is_blocked(play, session, monkeypatch):
    monkeypatch.setattr(socket_module, "HELLO_SECONDS", 0.1)
    wire = session(play(Peer.stay))
    end = end_of(wire.greet)
    assert (end.code, end.blocked) == (1006, True)
    assert "silent" in end.reason


def test_a_socket_that_was_closed_with_a_code_is_not(play, session):
    def scene(peer: Peer) -> None:
        peer.ws.close(1013, "full")

    wire = session(play(scene))
    wire.open()
    end = end_of(wire.receive)
    assert (end.code, end.reason, end.blocked) == (1013, "full", False)


def test_a_socket_that_dies_later_is_not(play, session):
    def scene(peer: Peer) -> None:
        peer.send(type="pong")
        peer.vanish()

    wire = session(play(scene))
    wire.open()
    assert wire.receive() == frames.Pong()
    assert not end_of(wire.receive).blocked


def test_where_nobody_listens_no_transport_is_better(session):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not end_of(session(f"http://127.0.0.1:{port}/chat").open).blocked


def test_whoever_takes_the_handshake_and_hangs_is_blocked(session):
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = session(f"http://127.0.0.1:{server.getsockname()[1]}/chat", open_seconds=0.2)
        assert end_of(wire.open).blocked


def test_sending_on_a_dead_socket_is_told_by_the_reading_alone(play, session):
    wire = session(play(Peer.vanish))
    wire.send(Request("ping", {}))
    wire.open()
    end_of(wire.receive)
    wire.send(Request("ping", {}))
