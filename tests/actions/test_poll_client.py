"""The event library for people who poll: the same handlers, and event rooms that travel in the cursor."""

from __future__ import annotations

import json

import pytest

from legacy_chat.actions.current import disconnect, emit, join_room, leave_room, rooms
from legacy_chat.actions.everybody import Everybody
from legacy_chat.actions.poll_client import Over, PollClient
from legacy_chat.actions.polling import Polling
from legacy_chat.actions.presence import Presence
from legacy_chat.actions.requests import Requests
from legacy_chat.core import poll


class Pages:
    """Polls of people, each with the cursor of the last one."""

    def __init__(self, site):
        self.parts = parts = site.parts
        presence, everybody = Presence(parts), Everybody(parts)
        requests = Requests(parts, everybody, lambda token: None, presence, site.events)
        self.polling = Polling(parts, requests, presence, everybody)
        self.places = {}

    def poll(self, member, *said) -> list[dict]:
        """The site's events and the answers that came."""
        place = self.places.get(member.uid)
        client = PollClient(self.parts, place and poll.unpack(poll.pack(place)), member)
        if place is None:
            said = ({"type": "login"}, *said)
        self.polling.carry_out(client, [json.dumps(frame).encode() for frame in said])
        self.polling.touch(client, 0)
        found, _ = self.polling.collect(client)
        self.places[member.uid] = client.place
        self.moved = client.moved
        frames = [json.loads(poll._encode(frame)) for frame in found]
        return [frame for frame in frames if frame["type"] in ("event", "ack", "error")]


@pytest.fixture
def pages(site) -> Pages:
    return Pages(site)


@pytest.fixture
def chess(site):
    site.on("enter")(join_room)
    site.on("leave")(leave_room)
    site.on("rooms")(rooms)
    site.on("move")(lambda move: emit("moved", move, to="chess", include_self=False))


def event(name: str, data=None) -> dict:
    return {"type": "event", "name": name, "data": data}


def moves(frames: list[dict]) -> list:
    return [frame["data"] for frame in frames if frame["type"] == "event"]


def test_a_handler_answers_in_the_same_poll(site, pages, ada):
    site.on("add")(sum)
    assert pages.poll(ada, {**event("add", [1, 2]), "id": "1"}) == [{"type": "ack", "id": "1", "ok": True, "data": 3}]
    assert [frame["code"] for frame in pages.poll(ada, event("nonsense"))] == ["unknown_event"]


def test_who_comes_is_told_at_the_first_poll_alone(site, pages, ada):
    came = []
    site.on("connect")(lambda member: came.append(member.name) or emit("welcome", 1))
    assert moves(pages.poll(ada)) == [1]
    pages.poll(ada)
    assert came == ["ada"]


def test_an_event_room_travels_in_the_cursor(chess, pages, ada, ben):
    pages.poll(ada, event("enter", "chess"))
    assert pages.moved
    pages.poll(ben, event("move", "e4"))
    assert moves(pages.poll(ada)) == ["e4"]
    assert not pages.moved
    pages.poll(ada, event("leave", "chess"))
    pages.poll(ben, event("move", "d4"))
    assert moves(pages.poll(ada)) == []


def test_what_was_said_before_one_came_in_is_not_heard(chess, pages, ada, ben):
    pages.poll(ada)
    pages.poll(ben, event("move", "e4"))
    assert moves(pages.poll(ada, event("enter", "chess"))) == []
    pages.poll(ben, event("move", "d4"))
    assert moves(pages.poll(ada)) == ["d4"]


def test_an_answer_that_was_lost_is_given_again_with_its_room(chess, pages, ada, ben):
    pages.poll(ada)
    before = pages.places["7"]
    asked = {**event("enter", "chess"), "id": "1"}
    first = pages.poll(ada, asked)
    pages.places["7"] = before
    assert pages.poll(ada, asked) == first
    pages.poll(ben, event("move", "e4"))
    assert moves(pages.poll(ada)) == ["e4"]


def test_who_polls_and_who_has_a_socket_are_in_one_room(site, chess, pages, ada, ben):
    bens = site.come(ben)
    bens.emit("enter", "chess")
    pages.poll(ada, event("enter", "chess"))
    pages.poll(ada, event("move", "e4"))
    bens.emit("move", "e5")
    assert [event["data"] for event in bens.get_received()] == ["e4"]
    assert moves(pages.poll(ada)) == ["e5"]


def test_what_is_for_everybody_may_spare_the_speaker_who_polls(site, pages, ada, ben):
    site.on("shout")(lambda data: emit("shouted", data, broadcast=True, include_self=False))
    pages.poll(ada)
    pages.poll(ben)
    pages.poll(ada, event("shout", 1))
    assert (moves(pages.poll(ben)), moves(pages.poll(ada))) == ([1], [])


def test_a_poll_that_is_held_waits_for_the_room_too(chess, pages, ada):
    pages.poll(ada, event("enter", "chess"))
    assert "e:chess" in PollClient(pages.parts, pages.places["7"], None).keys


def test_the_site_may_end_the_session(site, pages, ada):
    site.on("bye")(disconnect)
    pages.poll(ada)
    with pytest.raises(Over) as over:
        pages.poll(ada, event("bye"))
    assert over.value.code == 4400


def test_an_older_cursor_knows_that_a_room_was_left(chess, pages, ada, ben):
    pages.poll(ada, event("enter", "chess"))
    inside = pages.places["7"]
    pages.poll(ben, event("move", "e4"))
    pages.poll(ada, event("leave", "chess"))
    pages.poll(ben, event("move", "d4"))
    pages.places["7"] = inside
    assert moves(pages.poll(ada)) == ["e4"]
    pages.poll(ben, event("move", "c4"))
    assert moves(pages.poll(ada)) == []
    pages.places["7"] = inside
    assert pages.poll(ada, {**event("rooms"), "id": "r"})[-1]["data"] == []


def test_who_comes_in_again_hears_again_whatever_was_left_before(chess, pages, ada, ben):
    pages.poll(ada, event("enter", "chess"))
    pages.poll(ada, event("leave", "chess"), event("enter", "chess"))
    pages.poll(ben, event("move", "e4"))
    assert moves(pages.poll(ada)) == ["e4"]


def test_an_older_cursor_of_a_session_that_the_site_ended_is_over_as_well(site, pages, ada):
    site.on("bye")(disconnect)
    pages.poll(ada)
    before = pages.places["7"]
    with pytest.raises(Over):
        pages.poll(ada, event("bye"))
    for said in ((), ({"type": "group", "gid": "lobby", "content": "still here"},)):
        pages.places["7"] = before
        with pytest.raises(Over) as over:
            pages.poll(ada, *said)
        assert over.value.code == 4400
    del pages.places["7"]
    assert pages.poll(ada) == []
