"""What came in waits for the app, in bounds; the cursor is the app's."""

from __future__ import annotations

import threading

import pytest

from legacy_chat.client import Client, Closed, NotSent, inbox
from legacy_chat.client.inbox import Inbox
from legacy_chat.client.life import Life
from legacy_chat.client.requests import Request, Requests
from legacy_chat.client.stream import Step
from legacy_chat.core import frames

from .script import Peer, numbers


def test_the_cursor_is_where_the_app_stands_not_the_network(play, ada):
    def scene(peer: Peer) -> None:
        peer.login(lobby=1)
        peer.say(2)
        peer.say(3)
        assert peer.hear("ping")
        peer.ack("none")
        peer.stay()

    client = ada(play(scene))
    with pytest.raises(NotSent):
        client.request("ping", timeout=0.3)
    assert client.cursor.seqs == {"g:lobby": 1}
    assert numbers(client, 1) == [2]
    assert client.cursor.seqs == {"g:lobby": 2}


def test_a_full_inbox_stops_the_reading_but_keeps_nobody_from_an_answer(play, ada, monkeypatch):
    monkeypatch.setattr(inbox, "SIZE", 5)
    many, done = 3000, threading.Event()

    def scene(peer: Peer) -> None:
        peer.login(lobby=0)
        for seq in range(1, 51):
            peer.say(seq)
        peer.ack(peer.hear("group")["id"], seq=51)
        for seq in range(51, many):
            peer.say(seq, content="x" * 10_000)
        done.set()
        peer.stay()

    client = ada(play(scene))
    assert client.group("lobby", "hello").seq == 51
    assert not done.wait(0.5)
    assert numbers(client, many - 1) == list(range(1, many))
    assert done.wait(10)


def test_iteration_ends_with_the_client(play):
    def scene(peer: Peer) -> None:
        peer.login(lobby=0)
        peer.say(1)
        peer.say(2)
        peer.stay()

    with Client(play(scene)) as client:
        seen = []
        for event in client:
            seen.append(event.seq)
            if event.seq == 2:
                client.close()
    assert seen == [1, 2]
    assert not client.online
    client.close()


def test_whoever_asks_makes_a_full_inbox_take_more(monkeypatch):
    monkeypatch.setattr(inbox, "SIZE", 1)
    life = Life()
    requests = Requests(life)
    full = Inbox(life, None, urgent=lambda: len(requests))
    full.put(Step(frames.Pong()))
    reader = threading.Thread(target=full.put, args=[Step(frames.Pong("late"))])
    reader.start()

    def ask() -> None:
        with pytest.raises(Closed):
            requests.ask(Request("rooms", {}), 60)

    asker = threading.Thread(target=ask)
    reader.join(0.1)
    assert reader.is_alive()
    asker.start()
    reader.join(10)
    assert not reader.is_alive()
    life.finish(Closed(1000))
    asker.join(10)
    assert [full.get(0), full.get(0)] == [frames.Pong(), frames.Pong("late")]


def test_the_cursor_moves_in_the_order_of_the_events_also_where_there_is_nothing_to_see():
    waiting = Inbox(Life(), None, urgent=lambda: False)
    waiting.put(Step(None, {"g:lobby": 1}, "e1"))
    assert waiting.cursor == frames.Resume("e1", {"g:lobby": 1})
    waiting.put(Step(frames.Pong(), {"g:lobby": 2}))
    waiting.put(Step(None, {"g:lobby": None}))
    assert waiting.cursor.seqs == {"g:lobby": 1}
    assert waiting.get(0) == frames.Pong()
    assert waiting.cursor.seqs == {"g:lobby": 2}
    assert waiting.get(0) is None
    assert waiting.cursor.seqs == {}
