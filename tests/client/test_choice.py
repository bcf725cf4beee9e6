"""WebSocket first; polling where it does not get through; back to a WebSocket as soon as one opens."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import pytest
from live.raw import eventually

from legacy_chat.client import Client, NotConnected
from legacy_chat.client import choice as choice_module
from legacy_chat.client import socket as socket_module
from legacy_chat.client.address import read
from legacy_chat.client.choice import Choice, Upgrade
from legacy_chat.client.life import Life
from legacy_chat.client.wire import Ended, How

from .desk import Desk, ack
from .narrow import Narrow
from .script import Peer, message, numbers

BLOCKED, BROKEN = Ended(blocked=True), Ended()


# -- the rule ----------------------------------------------------------------------------------------------------


def test_two_blocked_attempts_in_a_row_lead_to_polling_at_once():
    choice = Choice("auto")
    assert (choice.name, choice.automatic) == ("websocket", True)
    assert not choice.ended(BLOCKED, logged_in=False)
    assert choice.name == "websocket"
    assert choice.ended(BLOCKED, logged_in=False)
    assert choice.name == "polling"


def test_a_server_that_is_down_says_nothing_about_websockets():
    choice = Choice("auto")
    for _ in range(50):
        assert not choice.ended(BROKEN, logged_in=False)
    assert choice.name == "websocket"


def test_a_websocket_that_worked_meanwhile_makes_the_count_begin_anew():
    choice = Choice("auto")
    choice.ended(BLOCKED, logged_in=False)
    choice.ended(BROKEN, logged_in=True)
    choice.ended(BLOCKED, logged_in=False)
    assert choice.name == "websocket"


def test_where_polling_cannot_log_in_either_it_is_the_websockets_turn_again_after_a_rest():
    choice = Choice("auto")
    choice.ended(BLOCKED, logged_in=False)
    choice.ended(BLOCKED, logged_in=False)
    assert not choice.ended(BROKEN, logged_in=False)
    assert choice.name == "websocket"
    assert choice.ended(BLOCKED, logged_in=False)
    assert choice.name == "polling"


def test_polling_that_works_stays_over_new_logins_until_a_websocket_opens():
    choice = Choice("auto")
    choice.ended(BLOCKED, logged_in=False)
    choice.ended(BLOCKED, logged_in=False)
    assert not choice.ended(BROKEN, logged_in=True)
    assert choice.name == "polling"
    choice.upgraded()
    assert choice.name == "websocket"


def waits(choice: Choice) -> list[float]:
    seconds = []
    for _ in range(6):
        seconds.append(choice.again)
        choice.still_blocked()
    return seconds


def test_a_websocket_is_tried_again_after_a_minute_growing_to_ten():
    assert waits(Choice("auto")) == [60, 120, 240, 480, 600, 600]


def test_where_one_worked_before_it_is_tried_again_soon():
    choice = Choice("auto")
    choice.upgraded()
    choice.ended(BROKEN, logged_in=True)
    assert waits(choice) == [5, 10, 20, 40, 80, 160]


@pytest.mark.parametrize("wanted", ["websocket", "polling"])
def test_what_was_wanted_is_kept_to(wanted):
    choice = Choice(wanted)
    for end in (BLOCKED, BLOCKED, BLOCKED, BROKEN):
        assert not choice.ended(end, logged_in=False)
    assert (choice.name, choice.automatic) == (wanted, False)


def test_another_transport_is_refused():
    with pytest.raises(ValueError, match="auto, websocket, polling"):
        Client("http://127.0.0.1:9/chat", transport="pigeon")


# -- through a narrow network --------------------------------------------------------------------------------------


@pytest.fixture
def soon(monkeypatch):
    """Quick tries, so that a test need not wait for minutes."""
    monkeypatch.setattr(choice_module, "AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(choice_module, "OPEN_SECONDS", 0.4)
    monkeypatch.setattr(socket_module, "HELLO_SECONDS", 0.4)


def port_of(url: str) -> int:
    return urlsplit(url).port


def no_threads() -> bool:
    return not [thread for thread in threading.enumerate() if thread.name.startswith("legacy_chat")]


@pytest.mark.parametrize("way", ["refuse", "hang", "mute", "cut"])
def test_where_no_websocket_gets_through_a_client_polls(play, desk, ada, soon, way):
    def scene(desk: Desk) -> None:
        desk.login(lobby=0)
        desk.hear().say(message(1), cursor="c2")

    silent = [Peer.stay] * 30
    with Narrow(port_of(play(*silent)), port_of(desk(scene)), way) as network:
        client = ada(network.url)
        assert client.transport == "polling"
        assert numbers(client, 1) == [1]
        assert network.tried >= 2
        eventually(lambda: network.tried >= 3, what="another try")
        assert client.transport == "polling"
        client.close()
    eventually(no_threads)


def test_a_client_that_polls_changes_over_to_a_websocket_and_misses_nothing(play, desk, ada, soon):
    def polls(desk: Desk) -> None:
        desk.login(lobby=3)
        desk.hear().say(message(4), cursor="c2")

    def sockets(peer: Peer) -> None:
        assert peer.login(lobby=4)["resume"] == {"epoch": "e1", "seqs": {"g:lobby": 4}}
        peer.say(5)
        peer.say(6)
        peer.ack(peer.hear("group")["id"], seq=7)
        peer.stay()

    with Narrow(port_of(play(sockets)), port_of(desk(polls)), "refuse") as network:
        client = ada(network.url)
        assert numbers(client, 1) == [4]
        assert client.transport == "polling"
        network.change("open")
        assert numbers(client, 2) == [5, 6]
        assert client.transport == "websocket"
        assert client.group("lobby", "hello").seq == 7
        client.close()
    eventually(no_threads)


def test_what_is_being_said_is_said_to_the_end_before_the_change(play, desk, ada, soon):
    opened, heard = threading.Event(), threading.Event()

    def polls(desk: Desk) -> None:
        desk.login(pause=60_000)
        talk = desk.hear()
        heard.set()
        assert opened.wait(10)
        time.sleep(0.2)
        talk.say({"type": "ack", "id": talk.frames[0]["id"], "ok": True}, cursor="c2")

    def sockets(peer: Peer) -> None:
        peer.send(type="pong")
        opened.set()
        peer.login()
        peer.stay()

    with Narrow(port_of(play(sockets)), port_of(desk(polls)), "refuse") as network:
        client = ada(network.url)
        done = threading.Thread(target=lambda: client.request("create", name="Tea", timeout=10))
        done.start()
        assert heard.wait(10)
        network.change("open")
        done.join(10)
        eventually(lambda: client.transport == "websocket")


def test_a_websocket_that_breaks_and_stays_away_is_followed_by_polling(play, desk, ada, soon):
    def sockets(peer: Peer) -> None:
        peer.login(lobby=3)
        peer.say(4)
        peer.stay()

    def polls(desk: Desk) -> None:
        asked = desk.hear()
        assert asked.frames[0]["resume"] == {"epoch": "e1", "seqs": {"g:lobby": 4}}
        desk.let_in(asked, message(5), lobby=5)
        talk = desk.hear()
        while not talk.frames:
            talk = desk.hear()
        talk.say(ack(talk.frames[0]["id"], 6), cursor="c2")

    with Narrow(port_of(play(sockets)), port_of(desk(polls))) as network:
        client = ada(network.url)
        assert client.transport == "websocket"
        assert numbers(client, 1) == [4]
        network.change("refuse")
        assert numbers(client, 1) == [5]
        assert client.transport == "polling"
        assert client.group("lobby", "hello").seq == 6


def test_neither_gets_through_and_both_are_tried_without_haste(play, desk, soon):
    def scene(desk: Desk) -> None:
        while True:
            desk.hear().refuse(502)

    with Narrow(port_of(play()), port_of(desk(scene)), "refuse") as network:
        with pytest.raises(NotConnected):
            Client(network.url).connect(timeout=1.5)
        assert 3 <= network.tried < 30


def test_only_one_transport_is_tried_where_it_was_wanted(play, desk):
    with Narrow(port_of(play()), port_of(desk(lambda desk: desk.hear())), "refuse") as network:
        with pytest.raises(NotConnected, match="501"):
            Client(network.url, transport="websocket").connect(timeout=0.5)
        tried = network.tried
        with pytest.raises(NotConnected):
            Client(network.url, transport="polling").connect(timeout=0.5)
        assert network.tried == tried


# -- the tries -----------------------------------------------------------------------------------------------------


def test_a_socket_that_nobody_takes_over_is_closed(play, soon):
    ended = threading.Event()

    def scene(peer: Peer) -> None:
        peer.send(type="pong")
        try:
            peer.stay()
        finally:
            ended.set()

    choice, life = Choice("auto"), Life()
    upgrade = Upgrade(life, How(read(play(scene))), choice)
    eventually(lambda: upgrade.socket)
    opened = upgrade.take()
    assert upgrade.take() is None
    opened.close()
    assert ended.wait(10)


def test_the_tries_end_when_polling_does(soon):
    choice = Choice("auto")
    choice.again = 60.0
    upgrade = Upgrade(Life(), How(read("http://127.0.0.1:9/chat")), choice)
    assert upgrade.take() is None
    eventually(no_threads)


def test_a_library_that_stumbles_over_a_trial_does_not_end_the_trying(soon, monkeypatch):
    tries = []

    class Stumbling:
        def __init__(self, how):
            tries.append(how)

        def greet(self):
            raise AssertionError("connection isn't closed yet")

        def close(self):
            pass

    monkeypatch.setattr(choice_module, "Socket", Stumbling)
    choice = Choice("auto")
    choice.again = 0.001
    upgrade = Upgrade(Life(), How(read("http://127.0.0.1:9/chat")), choice)
    eventually(lambda: len(tries) > 2, what="another try")
    assert upgrade.take() is None
