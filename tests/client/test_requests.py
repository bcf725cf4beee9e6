"""Whoever asks gets one answer: an ack, a no, or the word that none came in time."""

from __future__ import annotations

import threading
import time

import pytest

from legacy_chat.client import Client, ClientError, Closed, NotConnected, NotSent, Refused
from legacy_chat.client.life import Life
from legacy_chat.client.requests import Request, Requests

from .script import Peer


def test_a_rate_limit_is_waited_for_and_the_message_sent_again(play, ada):
    times = []

    def scene(peer: Peer) -> None:
        peer.login()
        for code in ("rate_limited", "unavailable"):
            times.append(time.monotonic())
            peer.send(type="error", id=peer.hear("group")["id"], code=code, message="slowly", retry_after=0.2)
        asked = peer.hear("group")
        times.append(time.monotonic())
        peer.ack(asked["id"], seq=7)
        peer.stay()

    assert ada(play(scene)).group("lobby", "hello").seq == 7
    assert times[2] - times[0] >= 0.4


@pytest.mark.parametrize(("code", "retry_after"), [("rate_limited", 60), ("not_member", None), ("internal", 0.1)])
def test_a_no_is_told_at_once_with_its_code(play, ada, code, retry_after):
    def scene(peer: Peer) -> None:
        peer.login()
        error = {"type": "error", "id": peer.hear("group")["id"], "code": code, "message": "no"}
        peer.send(**error, **({"retry_after": retry_after} if retry_after else {}))
        peer.stay()

    with pytest.raises(Refused) as refused:
        ada(play(scene)).group("lobby", "hello")
    assert (refused.value.code, refused.value.message, refused.value.retry_after) == (code, "no", retry_after)


def test_without_an_answer_in_time_the_id_can_be_tried_again(play, ada):
    def scene(peer: Peer) -> None:
        peer.login()
        first = peer.hear("pm")
        assert peer.hear("pm") == first
        peer.ack(first["id"])
        peer.stay()

    client = ada(play(scene))
    with pytest.raises(NotSent) as not_sent:
        client.pm("2", "hello", timeout=0.2)
    assert client.pm("2", "hello", id=not_sent.value.id).seq == 1


def test_what_may_not_happen_twice_is_not_sent_twice(play, ada):
    def dies(peer: Peer) -> None:
        peer.login()
        peer.hear("create")
        peer.vanish()

    def sees_no_other(peer: Peer) -> None:
        peer.login()
        assert peer.hear("rooms")
        peer.stay()

    client = ada(play(dies, sees_no_other))
    with pytest.raises(NotSent):
        client.request("create", name="Tea", timeout=10)
    with pytest.raises(NotSent):
        client.request("rooms", timeout=1)


def test_a_request_under_way_is_not_confused_with_another_of_its_id(play, ada):
    heard = threading.Event()

    def scene(peer: Peer) -> None:
        peer.login()
        peer.hear("group")
        heard.set()
        peer.stay()

    client = ada(play(scene), ack_seconds=10)
    results: list[Exception] = []

    def speak() -> None:
        try:
            client.group("lobby", "hello", id="same")
        except ClientError as error:
            results.append(error)

    thread = threading.Thread(target=speak)
    thread.start()
    assert heard.wait(10)
    with pytest.raises(ValueError, match="under way"):
        client.group("lobby", "hello", id="same")
    client.close()
    thread.join(10)
    assert [(type(error), error.code) for error in results] == [(Closed, 1000)]


def test_the_rate_that_the_server_told_is_kept(play, ada):
    def scene(peer: Peer) -> None:
        peer.login(rate=(20, 5))
        for seq in range(1, 16):
            peer.ack(peer.hear("group")["id"], seq)
        peer.stay()

    client = ada(play(scene))
    began = time.monotonic()
    for _ in range(15):
        client.group("lobby", "hello")
    assert time.monotonic() - began >= (15 - 5) / 20


def test_what_the_rate_allows_only_after_the_timeout_is_refused_at_once(play, ada):
    def scene(peer: Peer) -> None:
        peer.login(rate=(0.1, 2))
        peer.ack(peer.hear("group")["id"])
        peer.stay()

    client = ada(play(scene))
    client.group("lobby", "hello")
    with pytest.raises(Refused, match="rate_limited") as refused:
        client.group("lobby", "hello")
    assert refused.value.retry_after > 5


def test_a_frame_that_the_server_would_hang_up_on_is_not_sent(play, ada):
    def scene(peer: Peer) -> None:
        peer.login()
        assert peer.hear("ping")
        peer.stay()

    client = ada(play(scene))
    with pytest.raises(Refused, match="too_long"):
        client.group("lobby", "字" * 2000)
    with pytest.raises(NotSent):
        client.request("ping", timeout=0.2)


def test_who_did_not_connect_cannot_speak():
    client = Client("http://127.0.0.1:9/chat")
    for call in (lambda: client.group("lobby", "hello"), lambda: client.uid):
        with pytest.raises(NotConnected):
            call()


class Wire:
    """A connection that only takes what it is given."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, request: Request) -> None:
        self.sent.append(request.text)


def test_a_request_goes_once_over_each_connection():
    life, first, second = Life(), Wire(), Wire()
    requests, request = Requests(life), Request("rooms", {})

    def ask() -> None:
        with pytest.raises(Closed):
            requests.ask(request, 60)

    asker = threading.Thread(target=ask)
    requests.connected(first)
    asker.start()
    life.wait(lambda: len(requests), 10)
    for wire in (first, first, second, second):
        requests.connected(wire)
    life.finish(Closed(1000))
    asker.join(10)
    assert (first.sent, second.sent) == ([request.text], [request.text])
