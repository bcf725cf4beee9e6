"""Ada's client against a server that plays a script: what it does when the network or the server is at fault."""

from __future__ import annotations

import time
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.client import Client, Closed, NotConnected
from legacy_chat.client import client as client_module
from legacy_chat.client.client import _addresses, _delay
from legacy_chat.core import close, frames

from .script import LIMITS, Peer, message, numbers

# -- coming back -------------------------------------------------------------------------------------------------


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
        Client(play(refuse=HTTPStatus.SERVICE_UNAVAILABLE)).connect(timeout=0.5)
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


def test_a_silent_server_is_asked_for_a_sign_of_life_and_then_left(play, ada, monkeypatch):
    monkeypatch.setattr(client_module, "QUIET_SECONDS", 0.2)
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


# -- what comes in -----------------------------------------------------------------------------------------------


def test_a_hole_is_filled_by_history_before_later_messages_are_handed_out(play, ada):
    def scene(peer: Peer) -> None:
        peer.login(lobby=1)
        peer.say(4)
        asked = peer.hear("history")
        assert (asked["gid"], asked["after"]) == ("lobby", 1)
        peer.send(type="error", id=asked["id"], code="unavailable", message="later", retry_after=0.05)
        asked = peer.hear("history")
        peer.say(5)
        page = [message(seq) for seq in (2, 3, 4)]
        peer.send(type="ack", id=asked["id"], ok=True, messages=page, more=False)
        asked = peer.hear("history")
        assert asked["after"] == 4
        peer.send(type="ack", id=asked["id"], ok=True, messages=[message(5)], more=False)
        peer.say(6)
        peer.stay()

    assert numbers(ada(play(scene)), 5) == [2, 3, 4, 5, 6]


def test_a_hole_in_a_room_that_one_was_removed_from_holds_nothing_up(play, ada):
    def scene(peer: Peer) -> None:
        peer.login(lobby=1, tea=1)
        peer.say(4, "tea")
        peer.send(type="error", id=peer.hear("history")["id"], code="not_member", message="no")
        peer.say(2)
        peer.stay()

    client = ada(play(scene))
    assert numbers(client, 1) == [2]
    assert client.cursor.seqs == {"g:lobby": 2}


def test_a_gap_after_a_lost_history_is_handed_out(play, ada):
    def before(peer: Peer) -> None:
        peer.login(lobby=41)
        peer.vanish()

    def after(peer: Peer) -> None:
        peer.send(type="hello", client_id=1, version=1, limits=LIMITS, ping=25)
        login = peer.hear("login")
        room = {"gid": "lobby", "name": "Lobby", "seq": 2, "read": 0, "unread": 2, "private": False, "ts": 0}
        who = {"uid": "1", "name": "ada", "client_id": 1, "epoch": "e2"}
        peer.send(type="login", **who, groups=[room], peers=[], online={"users": 1, "connections": 1})
        peer.send(type="gap", gid="lobby", after=41, seq=2)
        peer.send(type="ack", id=login["id"], ok=True)
        peer.say(3)
        peer.stay()

    client = ada(play(before, after))
    gap = client.receive(10)
    assert isinstance(gap, frames.Gap)
    assert (gap.gid, gap.after, gap.seq) == ("lobby", 41, 2)
    assert numbers(client, 1) == [3]
    assert client.cursor == frames.Resume("e2", {"g:lobby": 3})


def test_ones_own_private_message_is_handed_out_as_it_was_stored(play, ada):
    def scene(peer: Peer) -> None:
        peer.login()
        peer.ack(peer.hear("pm")["id"], seq=1)
        peer.stay()

    client = ada(play(scene))
    client.pm(2, "one\r\ntwo", id="mine")
    own = client.receive(10)
    assert own == frames.PrivatePm("1", "2", "ada", "one\ntwo", 1, 5, "1.1", "mine")
    assert client.cursor.seqs == {"p:2": 1}


def test_other_frames_come_as_they_are_and_those_of_a_newer_server_are_passed_over(play, ada):
    def scene(peer: Peer) -> None:
        peer.login()
        peer.send(type="fireworks", colour="green")
        peer.send(type="presence", uid="2", online=True)
        peer.send(type="pong")
        peer.send(type="error", code="rate_limited", message="slowly")
        peer.stay()

    client = ada(play(scene))
    assert client.receive(10) == frames.Presence("2", True)
    assert client.receive(10) == frames.Error("rate_limited", "slowly")
    assert client.receive(0.05) is None


# -- rules -------------------------------------------------------------------------------------------------------


@given(st.integers(1, 10**6))
def test_back_off_doubles_up_to_ten_seconds_with_full_jitter(failures):
    longest = 2 if failures < 30 else 10
    assert 0 <= _delay(failures, close.ABNORMAL, None) <= min(longest, 0.2 * 2 ** min(failures, 20))
    assert _delay(failures, close.FLOOD, None) >= 1
    assert _delay(failures, close.RESTART, 0.3) == 0.3


@pytest.mark.parametrize(
    ("url", "address", "site"),
    [
        ("http://shop.example/chat", "ws://shop.example/chat/ws", "http://shop.example"),
        ("https://shop.example:8443/chat/", "wss://shop.example:8443/chat/ws", "https://shop.example:8443"),
        ("ws://127.0.0.1:8000/chat/ws", "ws://127.0.0.1:8000/chat/ws", "http://127.0.0.1:8000"),
        ("wss://shop.example/a/chat/ws", "wss://shop.example/a/chat/ws", "https://shop.example"),
    ],
)
def test_the_socket_is_below_the_prefix(url, address, site):
    assert _addresses(url) == (address, site)


@pytest.mark.parametrize("url", ["shop.example/chat", "ftp://shop.example/chat", "https:///chat"])
def test_another_kind_of_address_is_refused(url):
    with pytest.raises(ValueError, match="must be like"):
        Client(url)
