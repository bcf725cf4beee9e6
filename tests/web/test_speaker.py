"""`request`, `session` and `current_user` as a handler finds them, for whoever came by cookie or by token."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial

import pytest
from flask import current_app, g, request, session
from flask_login import current_user
from werkzeug.test import create_environ

from legacy_chat.core.model import Member
from legacy_chat.core.session import Session
from legacy_chat.web import speaker

BY_COOKIE, BY_TOKEN = Member("7", "ada", "her phone"), Member("9", "ben")


@pytest.fixture
def handshake(host) -> dict:
    """The environ of ada's handshake; she is logged in to the site and has something in her session."""
    host.add_url_rule("/take/<thing>", "take", lambda thing: session.update(cart=thing) or "taken")
    browser = host.test_client()
    browser.get("/enter/7")
    cookie = browser.get("/take/tea").headers["Set-Cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "User-Agent": "Firefox", "Upgrade": "websocket"}
    return create_environ("/chat/ws?room=4", headers=headers, environ_base={"REMOTE_ADDR": "10.0.0.1"})


def connection(member: Member | None, kept=None) -> Session:
    session = Session(member, None)
    session.request = kept
    return session


def test_who_came_by_cookie_is_there_with_session_and_request(host, handshake):
    kept = speaker.keep(handshake, credentials=True)
    with speaker.context(host, connection(BY_COOKIE, kept)):
        assert (current_user.get_id(), session["cart"]) == ("7", "tea")
        assert (request.path, request.args["room"], request.remote_addr) == ("/chat/ws", "4", "10.0.0.1")
        assert request.user_agent.string == "Firefox"
        assert "Upgrade" not in request.headers
        assert current_app.name == "host"


def test_who_came_by_token_is_loaded_by_uid_and_has_nothing_of_the_cookies_person(host, handshake):
    kept = speaker.keep(handshake, credentials=False)
    with speaker.context(host, connection(BY_TOKEN, kept)):
        assert (current_user.get_id(), current_user.name) == ("9", "ben")
        assert "cart" not in session
        assert "Cookie" not in request.headers


def test_with_strong_session_protection_too(host, handshake):
    host.login_manager.session_protection = "strong"
    with speaker.context(host, connection(BY_TOKEN, speaker.keep(handshake, False))):
        assert current_user.get_id() == "9"


@pytest.mark.parametrize(
    ("loader", "who"),
    [
        (lambda user: {"uid": user.id, "name": "Ben of the shop"}, "9"),
        (lambda user: {"name": "Ben of the shop"}, "9"),
        (lambda user: {"uid": f"shop:{user.id}"}, None),
        (lambda user: None, None),
        (lambda user: 1 / 0, None),
    ],
)
def test_with_a_member_loader_it_is_the_user_who_chats_under_that_uid_or_nobody(host, handshake, loader, who):
    host.extensions["legacy_chat"].hooks.member_loader = loader
    with speaker.context(host, connection(BY_TOKEN, speaker.keep(handshake, False))):
        assert (current_user.get_id(), current_user.is_authenticated) == (who, who is not None)
        assert session.get("_user_id") == who


def test_a_uid_that_the_site_cannot_look_up_is_nobody(host):
    def load(uid):
        return int(uid)

    host.extensions["legacy_chat"].hooks.member_loader = lambda user: {"uid": f"shop:{user.id}"}
    host.login_manager.user_loader(load)
    with speaker.context(host, connection(Member("shop:9", "ben"))):
        assert not current_user.is_authenticated


def test_without_any_request_there_is_still_somebody(host):
    with speaker.context(host, connection(BY_TOKEN)):
        assert current_user.get_id() == "9"
    with speaker.context(host, connection(BY_TOKEN, speaker.a_request("/chat/ws"))):
        assert request.path == "/chat/ws"


@pytest.mark.parametrize("around", ["nothing", "app"])
def test_every_call_has_a_context_of_its_own(host, around):
    ended = []
    host.teardown_appcontext(lambda error: ended.append(error))
    with host.app_context() if around == "app" else nullcontext():
        for _ in range(2):
            with speaker.context(host, connection(BY_TOKEN)):
                assert "seen" not in g
                g.seen = True
        assert ended == [None, None]
        with pytest.raises(ZeroDivisionError), speaker.context(host, connection(BY_TOKEN)):
            raise ZeroDivisionError
        assert len(ended) == 3


def test_what_is_kept_is_small_and_nothing_where_there_are_no_handlers(host, handshake):
    state = host.extensions["legacy_chat"]
    assert speaker.remember(state, handshake, BY_COOKIE) is None
    state.hooks.handlers.add("move", lambda data: 1)
    kept = speaker.remember(state, handshake, BY_COOKIE)
    assert len(kept) < 600
    assert b"session=" in kept
    assert b"session=" not in speaker.remember(state, handshake, BY_TOKEN)
    assert b"session=" not in speaker.remember(state, handshake, None)


def test_a_later_poll_counts_if_its_cookies_are_still_the_same_persons(host, handshake):
    state = host.extensions["legacy_chat"]
    assert b"session=" in speaker.keep_if_same(state, handshake, BY_COOKIE)
    assert b"session=" not in speaker.keep_if_same(state, handshake, BY_TOKEN)
    assert b"session=" not in speaker.keep_if_same(state, create_environ("/chat/poll"), BY_COOKIE)
    lazily = connection(BY_TOKEN, partial(speaker.keep_if_same, state, handshake, BY_TOKEN))
    with speaker.context(host, lazily):
        assert current_user.get_id() == "9"
