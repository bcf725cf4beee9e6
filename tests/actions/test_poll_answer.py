"""The order within an answer; what it consists of is in test_polling.py."""

from __future__ import annotations

import json

import pytest

from legacy_chat.actions.poll_answer import PollAnswer
from legacy_chat.actions.poll_client import PollClient
from legacy_chat.core import frames, poll
from legacy_chat.core.model import Conversation, Message
from legacy_chat.core.poll import Heading, Kept, News, Place

LOBBY = Conversation(1, gid="lobby")
TALK = Conversation(2, pair=("7", "9"))


@pytest.fixture
def client(parts, ada):
    return PollClient(parts, Place(ada, 2000, {1: 3, 2: 0}), None)


def message(where: Conversation, seq: int, ts: int, uid: str = "9", id: str | None = None) -> Message:
    return Message(where.id, seq, uid, "ben", "hi", ts, id)


def answer(client: PollClient, kept: list[Kept], *pages: tuple[Conversation, list[Message]]) -> list[tuple]:
    news = News([Heading(where, page[-1].seq, 0, 0) for where, page in pages], list(pages), kept, 0, False)
    found = json.loads(poll._encode(PollAnswer(client, news, kept).frames))
    return [(frame["type"], frame.get("seq", frame.get("uid", frame.get("id")))) for frame in found]


def notice(uid: str, ts: int, **more) -> Kept:
    return Kept("g:lobby", frames.encode(frames.Presence(uid, True)).decode(), ts, **more)


def test_everything_stands_by_its_time_and_messages_of_a_conversation_by_their_number(client):
    page = [message(LOBBY, 4, 20), message(LOBBY, 5, 10)]  # the clock was set back in between
    found = answer(client, [notice("8", 15), notice("5", 30)], (LOBBY, page), (TALK, [message(TALK, 1, 5)]))
    assert found == [("pm", 1), ("presence", "8"), ("groupPm", 4), ("groupPm", 5), ("presence", "5")]


def test_an_ack_stands_behind_its_message_and_in_place_of_a_private_one(client):
    mine = message(LOBBY, 4, 20, "7", "a"), message(TALK, 1, 10, "7", "b")
    for where, said in zip((LOBBY, TALK), mine, strict=True):
        client.stored(where, said)
        client.send(frames.ack(said.request_id, seq=said.seq))
    client.send(frames.Pong("p"))
    found = answer(client, [], (LOBBY, [mine[0]]), (TALK, [mine[1]]))
    assert found == [("pong", "p"), ("ack", 1), ("groupPm", 4), ("ack", 4)]


def test_an_ack_whose_message_was_read_before_comes_first(client):
    said = message(LOBBY, 2, 1, "7", "a")
    client.stored(LOBBY, said)
    client.send(frames.ack("a", seq=2))
    assert answer(client, [notice("8", 5)]) == [("ack", 2), ("presence", "8")]


def test_nobody_is_told_of_themselves_nor_anything_twice(client):
    kept = [notice("8", 1, about="8"), notice("8", 1, about="8"), notice("7", 2, about="7"), notice("5", 3, skip=2000)]
    assert answer(client, kept) == [("presence", "8")]
