import json
import threading

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from legacy_chat.errors import TooLarge
from legacy_chat.storage import answers
from legacy_chat.web.api import dispatch

HELLO = {"content": "hello"}
ROOM = "/rooms/lobby/messages"


def said(shop) -> list[str]:
    return [message["content"] for message in shop.get(ROOM).json["messages"]]


def test_without_a_key_nothing_is_done(stranger, shop, problem):
    answer = stranger.post(ROOM, HELLO)
    problem(answer, 401, "bad_key")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert said(shop) == []


@pytest.mark.parametrize("header", ["Bearer lc_wrong", "Bearer ", "Basic bGM6bGM=", "lc_", "Bearer \udce9"])
def test_a_key_that_is_none_opens_nothing(stranger, problem, header):
    problem(stranger.get("/rooms", headers={"Authorization": header}), 401, "bad_key")


def test_adas_cookie_is_no_key(host, problem):
    client = host.test_client()
    client.get("/enter/7")
    problem(client.get("/chat/api/v1/rooms"), 401, "bad_key")


def test_a_key_without_the_scope_is_told_which_one_it_lacks(back_end, shop, problem):
    assert "`messages`" in problem(back_end("push", "rooms").post(ROOM, HELLO), 403, "forbidden")["detail"]
    assert said(shop) == []


def test_a_revoked_key_is_nobodys_from_the_next_request_on(back_end, shop, problem):
    desk = back_end("messages")
    assert desk.post(ROOM, HELLO).status_code == 201
    shop.ask("DELETE", f"/keys/{shop.get('/keys').json['keys'][-1]['id']}")
    problem(desk.post(ROOM, HELLO), 401, "bad_key")
    assert said(shop) == ["hello"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"content": 1}', b'{"content": "x", "colour": "red"}', b'{"content": NaN}',
     b'{"content": "\xff"}', b'{"content": "x", "sender": {"uid": ""}}', b"[" * 100_000],
)  # fmt: skip
def test_a_body_that_cannot_be_taken_says_nothing(shop, problem, body):
    problem(shop.ask("POST", ROOM, data=body, content_type="application/json"), 422, "bad_request")
    assert said(shop) == []


def test_a_body_of_another_kind_is_refused(shop, problem):
    problem(shop.ask("POST", ROOM, data="content=x", content_type="text/plain"), 415, "not_json")


def test_a_body_beyond_the_limit_is_refused(shop, problem, monkeypatch):
    monkeypatch.setattr(dispatch, "MOST", 1000)
    problem(shop.post(ROOM, {"content": "x" * 1000}), 413, "too_large")


def test_a_body_without_a_length_is_read_no_further_than_the_limit():
    environ = {**EnvironBuilder(method="POST").get_environ(), "wsgi.input": _Endless(), "wsgi.input_terminated": True}
    with pytest.raises(TooLarge):
        dispatch.read_body(Request(environ))


class _Endless:
    """A body without a length and without an end."""

    def read(self, size: int = -1) -> bytes:
        assert size > 0, "read without a limit"
        return b"x" * size


@pytest.mark.parametrize("query", ["limit=0", "limit=many", "limit=1&limit=2", "colour=red", "cursor=b", "after=-1"])
def test_a_query_that_cannot_be_taken_is_named(shop, problem, query):
    problem(shop.get(f"{ROOM}?{query}"), 422, "bad_request")


def test_what_takes_no_query_and_no_body_is_given_none(shop, problem):
    problem(shop.get("/keys?limit=3"), 422, "bad_request")
    problem(shop.ask("DELETE", "/keys/1", data=b"{}"), 422, "bad_request")


def test_a_key_that_asks_too_often_waits_and_then_goes_on(make_host, problem):
    host = make_host(CHAT_API_RATE="0.5/3")
    secret = host.test_cli_runner().invoke(args=["chat", "key", "shop"]).output.strip()

    def ask():
        return host.test_client().get("/chat/api/v1/rooms", headers={"Authorization": f"Bearer {secret}"})

    assert [ask().status_code for _ in range(3)] == [200] * 3
    answers = [ask() for _ in range(5)]
    for answer in answers:  # asking on does not make the wait longer
        assert problem(answer, 429, "rate_limited")["retry_after"] <= 2
        assert answer.headers["Retry-After"] in ("1", "2")


# -- the same request again -----------------------------------------------------------------------------------

AGAIN = {"Idempotency-Key": "order-42"}


def test_a_repeated_request_gets_the_same_answer_and_says_it_once(shop):
    first, second = (shop.post(ROOM, HELLO, headers=AGAIN) for _ in range(2))
    assert (first.status_code, first.data) == (second.status_code, second.data) == (201, first.data)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert said(shop) == ["hello"]


@pytest.mark.parametrize(("path", "body"), [(ROOM, {"content": "other"}), ("/people/7/messages", HELLO)])
def test_another_request_under_the_same_key_is_refused(shop, problem, path, body):
    shop.post(ROOM, HELLO, headers=AGAIN)
    problem(shop.post(path, body, headers=AGAIN), 422, "key_reused")
    assert said(shop) == ["hello"]


def test_two_back_ends_may_choose_the_same_key(shop, back_end):
    desk = back_end("messages")
    assert {back.post(ROOM, HELLO, headers=AGAIN).status_code for back in (shop, desk)} == {201}
    assert said(shop) == ["hello", "hello"]


def test_a_request_that_failed_may_be_repeated_when_it_can_succeed(shop, problem):
    path = "/rooms/annex/messages"
    problem(shop.post(path, HELLO, headers=AGAIN), 404, "unknown_room")
    shop.post("/rooms", {"gid": "annex"})
    assert shop.post(path, HELLO, headers=AGAIN).status_code == 201


def test_ten_at_once_have_one_effect_and_one_answer(shop):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(shop.post(ROOM, HELLO, headers=AGAIN))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {(answer.status_code, answer.json["seq"]) for answer in answers} == {(201, 1)}
    assert said(shop) == ["hello"]


@pytest.mark.parametrize("name", ["", "x" * 256, "schlüssel"])
def test_an_idempotency_key_has_its_form(shop, problem, name):
    problem(shop.post(ROOM, HELLO, headers={"Idempotency-Key": name}), 422, "bad_request")


def test_an_answer_with_a_secret_is_not_kept(shop, problem):
    problem(shop.post("/keys", {"name": "desk", "scopes": ["push"]}, headers=AGAIN), 422, "bad_request")
    assert len(shop.get("/keys").json["keys"]) == 1


def test_a_repeat_after_a_crash_in_between_stores_nothing_twice(shop, host, monkeypatch):
    """The process ended after the message was stored and before its answer was."""
    parts = host.extensions["legacy_chat"].parts
    with monkeypatch.context() as crash:
        crash.setattr(answers, "keep", lambda *_: 1 / 0)
        assert shop.post(ROOM, HELLO, headers=AGAIN).status_code == 500
    later = parts.clock() + 61_000
    monkeypatch.setattr(parts, "clock", lambda: later)
    assert shop.post(ROOM, HELLO, headers=AGAIN).json["seq"] == 1
    assert said(shop) == ["hello"]


def test_nothing_is_kept_in_any_cache(shop):
    assert shop.get("/rooms").headers["Cache-Control"] == "no-store"
    assert json.loads(shop.get("/nothing").data)["code"] == "not_found"


def test_an_answer_without_a_body_has_no_type(shop):
    answer = shop.post("/rooms/lobby/members", {"uid": "7"})
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers
