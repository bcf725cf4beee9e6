"""What a post says, and what is read from its answer."""

from __future__ import annotations

import json

import pytest

from legacy_chat.client.lane import Answer
from legacy_chat.client.requests import Request
from legacy_chat.client.sent import Sent, ended_by, errors_of, retry_after_of, told_of


def sent(answer: Answer | None = None, error: Exception | None = None) -> Sent:
    post = Sent("c1", [Request("group", {"gid": "lobby", "content": "ä"}, "a"), Request("ping", {}, "b")], 0)
    post.answer, post.error = answer, error
    return post


def answered(status: int, body: object, retry_after: float | None = None) -> Sent:
    return sent(Answer(status, retry_after, json.dumps(body).encode()))


def test_it_carries_the_cursor_and_the_requests_in_their_order():
    assert json.loads(sent().body) == {
        "cursor": "c1",
        "wait": 0,
        "frames": [
            {"type": "group", "id": "a", "gid": "lobby", "content": "ä"},
            {"type": "ping", "id": "b"},
        ],
    }
    assert json.loads(Sent(None, [], 25.0).body) == {"cursor": None, "wait": 25.0, "frames": []}


@pytest.mark.parametrize("post", [sent(error=OSError("gone")), sent(Answer(200, None, b"<html>")), answered(200, [1])])
def test_what_no_chat_says_is_nothing(post):
    assert told_of(post) is None


def test_the_error_says_when_to_come_back_more_exactly_than_the_header():
    error = {"type": "error", "code": "rate_limited", "message": "slowly", "retry_after": 0.2}
    post = answered(429, {"frames": [error]}, 1.0)
    assert [each.code for each in errors_of(told_of(post))] == ["rate_limited"]
    assert retry_after_of(post, told_of(post)) == 0.2
    assert retry_after_of(answered(503, {}, 1.0), None) == 1.0
    assert retry_after_of(sent(), None) is None


@pytest.mark.parametrize(
    ("post", "code", "reason"),
    [
        (answered(401, {"frames": [], "close": 4440}), 4440, "HTTP 401"),
        (answered(403, {}), 4403, "HTTP 403"),
        (answered(400, {"frames": [{"type": "error", "code": "x", "message": "why"}], "close": 1012}), 1012, "why"),
        (answered(502, {}), 1006, "HTTP 502"),
        (sent(error=OSError("gone")), 1006, "OSError: gone"),
    ],
)
def test_an_end_has_a_code_and_says_why(post, code, reason):
    end = ended_by(post, told_of(post))
    assert (end.code, end.reason) == (code, reason)
