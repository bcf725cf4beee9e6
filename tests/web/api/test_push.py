import json

import pytest

from legacy_chat.backplane.contract import ToAll, ToPeople, ToRoom


def events(told) -> list[tuple[type, dict]]:
    frames = [(type(notice), json.loads(notice.frame)) for notice in told if hasattr(notice, "frame")]
    return [(kind, frame) for kind, frame in frames if frame["type"] == "event"]


def test_a_push_to_ada_reaches_both_her_pages(shop, told):
    answer = shop.post("/push", {"uid": 7, "content": "Your parcel is here"})
    assert answer.json == {"users": 1, "connections": 2, "stored": 0}
    assert events(told) == [
        (ToPeople, {"type": "event", "name": "push", "data": {"content": "Your parcel is here"}})
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "kind"), [({"uids": ["7", "9"]}, ToPeople), ({"gid": "lobby"}, ToRoom), ({"all": True}, ToAll)]
)
def test_a_push_goes_to_several_to_a_room_or_to_everybody(shop, told, target, kind):
    assert shop.post("/push", {**target, "name": "order:new", "data": [1]}).status_code == 200
    assert events(told) == [(kind, {"type": "event", "name": "order:new", "data": [1]})]


def test_what_ben_who_is_away_is_to_find_is_stored(shop, told):
    answer = shop.post(
        "/push", {"uid": "9", "content": "Call me", "durable": True, "sender": {"uid": "7", "name": "ada"}}
    )
    assert answer.json == {"users": 0, "connections": 0, "stored": 1}


def test_a_repeated_durable_push_is_stored_once(shop, told):
    push = {"gid": "lobby", "content": "News", "durable": True}
    answers = [shop.post("/push", push, headers={"Idempotency-Key": "n1"}) for _ in range(3)]
    assert [answer.json for answer in answers] == [{"users": 1, "connections": 2, "stored": 1}] * 3
    assert len(shop.get("/rooms/lobby/messages").json["messages"]) == 1
    assert len(events(told)) == 1


def test_a_push_may_wait_for_its_time_and_be_forgotten(shop, told):
    waiting = shop.post("/push", {"all": True, "content": "Later", "at": 4_000_000_000_000}).json
    assert events(told) == []
    assert shop.ask("DELETE", f"/push/{waiting['id']}").status_code == 204
    assert shop.ask("DELETE", f"/push/{waiting['id']}").status_code == 204


@pytest.mark.parametrize(
    ("push", "code"),
    [
        ({"content": "x"}, "bad_request"),
        ({"uid": "7"}, "bad_request"),
        ({"uid": "7", "all": True, "content": "x"}, "bad_request"),
        ({"uids": [], "content": "x"}, "bad_request"),
        ({"uid": "7", "content": "x", "name": "y"}, "bad_request"),
        ({"uid": "7", "name": "has spaces"}, "bad_request"),
        ({"uid": "7", "name": "state"}, "bad_request"),
        ({"all": True, "content": "x", "durable": True}, "bad_request"),
        ({"uid": "7", "content": ""}, "empty"),
        ({"uid": "7", "content": "x" * 4001}, "too_long"),
        ({"uid": "7", "content": "\x00"}, "bad_text"),
    ],
)
def test_a_push_that_makes_no_sense_reaches_nobody(shop, told, problem, push, code):
    problem(shop.post("/push", push), 422, code)
    assert told == []


def test_a_push_to_a_room_that_is_none_reaches_nobody(shop, told, problem):
    problem(shop.post("/push", {"gid": "nowhere", "content": "x"}), 404, "unknown_room")
    assert told == []


def test_where_nobody_can_take_it_the_back_end_is_told(shop, problem):
    problem(shop.post("/push", {"all": True, "content": "x"}), 503, "unavailable")
