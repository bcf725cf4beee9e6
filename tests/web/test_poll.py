"""The door of the polls, in a process without an event loop: what is no poll, and what the answers look like."""

import io
import json

import pytest

from legacy_chat.backplane.contract import Disconnect
from legacy_chat.errors import Unavailable
from legacy_chat.web import poll as module


class Browser:
    """One person's polls, one after the other."""

    def __init__(self, app, uid=None):
        self._client = app.test_client()
        self.cursor = None
        if uid:
            self._client.get(f"/enter/{uid}")

    def send(self, body=None, *, method="POST", type="application/json", **headers):
        raw = json.dumps(body).encode() if not isinstance(body, bytes) else body
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.open("/chat/poll", method=method, data=raw, content_type=type, headers=headers)

    def poll(self, *frames, **headers):
        answer = self.send({"cursor": self.cursor, "frames": frames, "wait": 25}, **headers)
        if answer.status_code == 200:
            self.cursor = answer.json["cursor"]
        return answer

    def leave(self):
        self._client.get("/exit")


LOGIN = {"type": "login"}


@pytest.fixture
def adas(host):
    return Browser(host, "7")


def types(answer):
    return [frame["type"] for frame in answer.json["frames"]]


def test_ada_logs_in_with_the_sites_own_session(adas):
    answer = adas.poll(LOGIN)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert types(answer)[:2] == ["hello", "login"]
    assert answer.json["frames"][1]["uid"] == "7"


def test_a_token_serves_as_well(host):
    token = host.extensions["legacy_chat"].tokens.mint("9", "ben").token
    answer = Browser(host).poll({**LOGIN, "token": token})
    assert answer.json["frames"][1]["name"] == "ben"


def test_a_process_that_cannot_wait_answers_at_once_and_says_when_to_come_again(adas):
    adas.poll(LOGIN)
    assert adas.poll().json["pause"] == 1000


def test_nobody_is_told_to_log_in(host):
    answer = Browser(host).poll(LOGIN)
    assert (answer.status_code, answer.json["close"], types(answer)) == (401, 4401, ["error"])


def test_a_logout_ends_the_polls_of_that_browser(host, adas):
    other = Browser(host, "9")
    other.poll(LOGIN)
    adas.poll(LOGIN)
    adas.leave()
    answer = adas.poll()
    assert (answer.status_code, answer.json["close"]) == (401, 4440)
    assert other.poll().status_code == 200


@pytest.mark.parametrize(
    "change", [lambda c: c + "x", lambda c: c[:-1], lambda c: "x" + c, lambda c: "", lambda c: "a.b.c"]
)
def test_a_forged_cursor_is_refused_and_the_client_logs_in_again(adas, change):
    adas.poll(LOGIN)
    answer = adas.send({"cursor": change(adas.cursor)})
    assert (answer.status_code, answer.json["close"]) == (400, 1012)
    assert answer.json["frames"][0]["code"] == "bad_cursor"


def test_a_cursor_of_another_site_is_refused(make_host, adas):
    other = make_host(SECRET_KEY="another")
    adas.poll(LOGIN)
    answer = Browser(other).send({"cursor": adas.cursor})
    assert answer.json["frames"][0]["code"] == "bad_cursor"


def test_an_old_cursor_is_refused(adas, monkeypatch):
    adas.poll(LOGIN)
    monkeypatch.setattr(module, "_LIFE", -1)
    assert adas.send({"cursor": adas.cursor}).json["close"] == 1012


def test_a_connect_token_is_no_cursor(host, adas):
    token = host.extensions["legacy_chat"].tokens.mint("9", "ben").token
    assert adas.send({"cursor": token}).status_code == 400


def test_only_post_is_a_poll(adas):
    answer = adas.send(method="GET")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert adas.send(method="OPTIONS").status_code == 405


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_foreign_form_could_send_is_refused(adas, type):
    assert adas.send({"cursor": None, "frames": [LOGIN]}, type=type).status_code == 415


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}]
)
def test_a_foreign_page_is_refused(adas, headers):
    answer = adas.poll(LOGIN, **headers)
    assert (answer.status_code, answer.json["close"]) == (403, 4403)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_of_an_allowed_origin_may_read_the_answer(make_host):
    host = make_host(CHAT_ALLOWED_ORIGINS="https://shop.example")
    browser, token = Browser(host), host.extensions["legacy_chat"].tokens.mint("9", "ben").token
    asked = browser.send(method="OPTIONS", Origin="https://shop.example")
    assert (asked.status_code, asked.headers["Access-Control-Allow-Headers"]) == (204, "content-type")
    answer = browser.poll({**LOGIN, "token": token}, Origin="https://shop.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_json"),
        (b"[]", 422, "bad_frame"),
        (b'{"wait": "long"}', 422, "bad_frame"),
        (b'{"frames": [' + b" " * (1 << 20) + b"]}", 413, "too_large"),
    ],
)
def test_a_body_that_is_no_poll_gets_a_code(adas, body, status, code):
    answer = adas.send(body)
    assert (answer.status_code, answer.json["frames"][0]["code"]) == (status, code)


def test_a_bad_frame_costs_the_others_nothing(adas):
    adas.poll(LOGIN)
    answer = adas.poll({"type": "nonsense", "id": "1"}, 7, {"type": "ping", "id": "2"})
    assert [(f["type"], f.get("code"), f.get("id")) for f in answer.json["frames"]] == [
        ("error", "unknown_type", "1"), ("error", "bad_frame", None), ("pong", None, "2"),
    ]  # fmt: skip


def test_too_many_polls_are_told_when_to_come_again(make_host):
    browser = Browser(make_host(CHAT_RATE="1/3"), "7")
    answers = [browser.poll(LOGIN) for _ in range(4)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert "close" not in answers[-1].json


def test_the_sites_csrf_protection_is_not_asked(make_host):
    from flask_wtf import CSRFProtect

    host = make_host()
    CSRFProtect(host)
    assert Browser(host, "7").poll(LOGIN).status_code == 200


def test_a_body_that_was_cut_off_is_no_poll_and_no_traceback(host):
    class Cut(io.BytesIO):
        def read(self, size=-1):
            raise OSError("unexpected end of file")

    answer = host.test_client().post(
        "/chat/poll", input_stream=Cut(), content_length=10, content_type="application/json"
    )
    assert (answer.status_code, answer.headers["Connection"]) == (400, "close")


@pytest.mark.parametrize(("said", "status", "code"), [(False, 503, "unavailable"), (True, 500, "internal")])
def test_only_what_was_certainly_not_carried_out_is_called_so(host, adas, monkeypatch, said, status, code):
    """A 503 means that nothing was done, and that anything may be said again."""
    adas.poll(LOGIN)

    def fails(_):
        raise Unavailable("The message store does not answer.", retry_after=1.0)

    with monkeypatch.context() as patch:
        patch.setattr(host.extensions["legacy_chat"].polling, "collect", fails)
        answer = adas.poll(*[{"type": "create", "name": "Tea", "id": "1"}] * said)
    assert (answer.status_code, answer.json["frames"][0]["code"]) == (status, code)
    again = adas.poll({"type": "rooms", "id": "2"})
    assert [room["name"] for room in again.json["frames"][0]["rooms"]] == ["Lobby", *["Tea"] * said]


def test_a_frame_is_as_large_as_over_a_socket_at_the_most(adas):
    adas.poll(LOGIN)
    long = {"type": "event", "name": "x", "data": ["x" * 65_536]}
    answer = adas.poll({"type": "ping", "id": "1"}, long)
    assert (answer.status_code, types(answer)) == (413, ["error"])
    assert "65536" in answer.json["frames"][0]["message"]


def test_a_session_that_ends_while_the_site_is_asked_whose_it_is_never_begins(host, adas):
    chat = host.extensions["legacy_chat"]

    def slow(user):
        chat.parts.mailbox.publish(Disconnect("7", 4440, "logged out"))
        return {"uid": user.get_id(), "name": "ada"}

    chat.hooks.member_loader = slow
    answer = adas.poll(LOGIN)
    assert (answer.status_code, answer.json["close"]) == (401, 4440)
