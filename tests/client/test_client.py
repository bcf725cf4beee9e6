"""Ada's client against a server that plays a script: what it does when the network or the server is at fault."""

from __future__ import annotations

import time
from http import HTTPStatus

import pytest

from legacy_chat.client import Client, Closed, NotConnected
from legacy_chat.core import close

from .script import Peer, numbers


def test_a_message_whose_ack_was_lost_is_sent_again_with_its_id(play, ada):
    ids = []

    def dies(peer: Peer) -> None:
        peer.login(lobby=3)
        ids.append(peer.hear("group")["id"])
        peer.vanish()

    def answers(peer: Peer) -> None:
        assert peer.login(lobby=4)["resume"] == {"epoch": "e1", "seqs": {"g:lobby": 3}}
        peer.say(4)
        ids.append(peer.hear("group")["id"])
        peer.ack(ids[-1], seq=4)
        peer.stay()

    client = ada(play(dies, answers))
    assert client.group("lobby", "hello", id="mine").seq == 4
    assert ids == ["mine", "mine"]
    assert numbers(client, 1) == [4]


def test_a_draining_server_says_when_to_come_back(play, ada):
    times = []

    def drains(peer: Peer) -> None:
        peer.login()
        peer.send(type="drain", retry_after=400)
        times.append(time.monotonic())
        peer.ws.close(close.RESTART)

    def is_back(peer: Peer) -> None:
        times.append(time.monotonic())
        peer.login(lobby=0)
        peer.say(1)
        peer.stay()

    assert numbers(ada(play(drains, is_back)), 1) == [1]
    assert 0.4 <= times[1] - times[0] < 3


@pytest.mark.parametrize("code", [1001, 1012, 1013, 4408, 4429])
def test_a_code_that_leaves_the_door_open_is_followed_by_a_new_connection(play, ada, code):
    def ends(peer: Peer) -> None:
        peer.login(lobby=0)
        peer.ws.close(code)

    def goes_on(peer: Peer) -> None:
        peer.login(lobby=0)
        peer.say(1)
        peer.stay()

    assert numbers(ada(play(ends, goes_on)), 1) == [1]


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4407, 4440, 4499])
def test_a_final_code_ends_the_client_after_what_had_come(play, ada, code):
    def ends(peer: Peer) -> None:
        peer.login(lobby=0)
        peer.say(1)
        peer.ws.close(code, "enough")

    client = ada(play(ends))
    assert numbers(client, 1) == [1]
    for _ in range(2):
        with pytest.raises(Closed) as closed:
            client.receive(10)
        assert (closed.value.code, closed.value.reason) == (code, "enough")
    with pytest.raises(Closed):
        client.group("lobby", "hello")


@pytest.mark.parametrize(("status", "code"), [(HTTPStatus.UNAUTHORIZED, 4401), (HTTPStatus.FORBIDDEN, 4403)])
def test_a_refused_handshake_is_final_too(play, status, code):
    with pytest.raises(Closed) as closed:
        Client(play(refuse=status)).connect()
    assert closed.value.code == code


def test_a_full_server_is_asked_again_until_the_timeout(play):
    began = time.monotonic()
    with pytest.raises(NotConnected, match="503"):
        Client(play(refuse=HTTPStatus.SERVICE_UNAVAILABLE), transport="websocket").connect(timeout=0.5)
    assert 0.5 <= time.monotonic() - began < 3


def test_a_login_that_failed_for_now_is_tried_again(play, ada):
    def busy(peer: Peer) -> None:
        login = peer.hear("login")
        peer.send(type="error", id=login["id"], code="unavailable", message="later")
        peer.stay()

    def ready(peer: Peer) -> None:
        peer.login()
        peer.stay()

    assert ada(play(busy, ready)).uid == "1"


def test_a_token_is_made_anew_for_each_login_and_stays_out_of_the_address(play, ada):
    seen = []

    def scene(peer: Peer) -> None:
        seen.append((peer.ws.request.path, peer.login(lobby=0)["token"]))
        if len(seen) == 1:
            peer.vanish()
        else:
            peer.say(1)
            peer.stay()

    tokens = iter(["first", "second"])
    numbers(ada(play(scene, scene), token=lambda: next(tokens)), 1)
    assert seen == [("/chat/ws", "first"), ("/chat/ws", "second")]


def test_a_cookie_comes_with_the_origin_of_the_site(play, ada):
    seen = []

    def scene(peer: Peer) -> None:
        seen.append(peer.ws.request.headers)
        peer.login()
        peer.stay()

    url = play(scene)
    ada(url, cookie="session=abc")
    assert (seen[0]["Cookie"], seen[0]["Origin"]) == ("session=abc", url.removesuffix("/chat"))
