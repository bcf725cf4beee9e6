import json

import pytest
from sqlalchemy.exc import OperationalError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import EnvironBuilder

from legacy_chat.doctor import door
from legacy_chat.doctor.door import COOKIE, Questions
from legacy_chat.storage import probe


@pytest.fixture
def ask(make_host):
    """`ask(path, headers, **settings)`: status, answer and headers of a signed question."""

    def ask(path="/chat/doctor", headers=(), question=None, wrap=None, **config):
        app = make_host(**config)
        signed = Questions(app.secret_key).sign() if question is None else question
        environ = EnvironBuilder(path=path, headers={"X-Chat-Doctor": signed, **dict(headers)}).get_environ()
        site = wrap(app.wsgi_app) if wrap else app.wsgi_app
        started = []
        body = b"".join(site(environ, lambda status, headers, *_: started.append((status, dict(headers)))))
        status, answered = started[0]
        kind = answered.get("Content-Type", "")
        return status, json.loads(body) if "json" in kind else body, answered

    return ask


def test_a_signed_question_is_answered_at_any_address(ask):
    for path in ("/chat/doctor", "/doctor", "/chat/ws", "/elsewhere"):
        status, told, _ = ask(path)
        assert (status, told["request"]["path"], told["chat"]["prefix"]) == ("200 OK", path, "/chat")


def test_without_a_good_signature_nothing_is_told(ask):
    status, told, _ = ask(question="forged")
    assert status == "403 Forbidden"
    assert told == {"doctor": "not signed with the SECRET_KEY of this site", "age": None}
    assert ask("/sign-in", question="forged")[1] == b"Who are you?"
    stale = Questions("another key").sign()
    assert ask(question=stale)[0].startswith("403")


@pytest.mark.parametrize(("seconds", "status"), [(30, "200 OK"), (-30, "200 OK"), (90, "403"), (-90, "403")])
def test_a_clock_that_is_wrong_is_told_from_another_key(ask, monkeypatch, seconds, status):
    """`seconds` is how far the server's clock is ahead."""
    now = door.time
    monkeypatch.setattr(door, "time", lambda: now() + seconds)
    answered, told, _ = ask()
    assert answered.startswith(status)
    assert told["age"] == pytest.approx(seconds, abs=2)


def test_the_server_tells_which_history_it_has_and_whether_it_can_write_there(ask, tmp_path):
    url = f"sqlite:///{tmp_path}/its own.sqlite"
    told = ask(CHAT_DATABASE_URL=url)[1]
    assert told["store"] == {"name": f"sqlite, {tmp_path}/its own.sqlite", "writes": "ok"}


def test_a_server_that_can_begin_a_transaction_and_write_nothing_says_so(ask, monkeypatch):
    def full(connection):
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(probe, "write", full)
    assert ask()[1]["store"]["writes"] == "away"


def test_without_a_question_the_site_answers(host):
    assert host.test_client().get("/chat/doctor").status_code == 404


def test_the_request_is_told_as_it_arrived_without_secrets(ask):
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Cookie": "session=top-secret; a=b"}
    _, told, _ = ask(headers={**headers, "X-Forwarded-For": "192.0.2.7", "Origin": "https://shop.example"})
    request = told["request"]
    assert (request["upgrade"], request["connection"], request["origin"]) == (
        "websocket",
        "Upgrade",
        "https://shop.example",
    )
    assert request["cookies"] == ["session", "a"]
    assert request["forwarded"]["for"] == "192.0.2.7"
    assert "top-secret" not in json.dumps(told)
    assert "only for tests" not in json.dumps(told)  # the SECRET_KEY


FORWARDED = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"}


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [
        ("0", {"address": "", "scheme": "http", "host": "localhost"}),
        ("1", {"address": "192.0.2.7", "scheme": "https", "host": "shop.example"}),
    ],
)
def test_what_proxies_say_counts_as_far_as_they_are_believed(ask, trusted, seen):
    assert ask(headers=FORWARDED, CHAT_TRUSTED_PROXIES=trusted)[1]["seen"] == seen


def test_a_proxy_fix_of_the_sites_own_around_it_hides_nothing(ask):
    _, told, _ = ask(headers=FORWARDED, wrap=lambda site: ProxyFix(site, x_host=1))
    assert told["request"]["host"] == "localhost"
    assert told["seen"]["host"] == "shop.example"


def test_the_cookie_has_the_attributes_of_the_sites_own(ask):
    config = {"SESSION_COOKIE_DOMAIN": "shop.example", "SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_PATH": "/x"}
    cookie = ask(**config)[2]["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=1")
    for part in ("Domain=shop.example", "Secure", "Path=/x", "HttpOnly"):
        assert part in cookie
