import pytest
from flask import has_request_context
from flask_login import login_user
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer
from werkzeug.test import EnvironBuilder

from legacy_chat.core.model import Member
from legacy_chat.errors import BadText, BadToken, Empty, TooLong
from legacy_chat.web import identity
from legacy_chat.web.identity import Tokens, current_member, device_of_request, member_of_request

SECRET = "only for tests"


@pytest.fixture
def noon(monkeypatch):
    """A clock for tokens: seconds since the epoch, to be set."""

    class Noon:
        now = 1_700_000_000.0

        def time(self):
            return self.now

    noon = Noon()
    monkeypatch.setattr(identity, "time", noon)
    return noon


# -- the site's own login ------------------------------------------------------------------------------------


def environ(**headers) -> dict:
    return EnvironBuilder(path="/chat/ws", headers={"User-Agent": "a browser", **headers}).get_environ()


def cookie_of(host, uid) -> str:
    client = host.test_client()
    client.get(f"/enter/{uid}")
    return f"session={client.get_cookie('session').value}"


def test_the_cookie_of_the_site_says_who_asks(host):
    member = member_of_request(host, environ(Cookie=cookie_of(host, "7")))
    assert (member.uid, member.name) == ("7", "ada")
    assert member.device


@pytest.mark.parametrize("cookie", ["", "session=forged", "session=.eJwlzjEOwzAIQNG7MHcwGNuQy1QYg9I1aaaqd2-k.x.y"])
def test_without_a_good_cookie_it_is_nobody(host, cookie):
    assert member_of_request(host, environ(Cookie=cookie)) is None


def test_a_site_without_flask_login_knows_nobody_by_cookie(host):
    del host.login_manager
    assert member_of_request(host, environ()) is None


def test_the_question_leaves_no_request_context_behind(host):
    ended = []
    host.teardown_request(lambda _: ended.append("request"))
    member_of_request(host, environ())
    assert ended == ["request"]
    assert not has_request_context()


def test_two_browsers_of_ada_are_two_devices_and_one_browser_is_always_the_same(host):
    def device(agent):
        with host.test_request_context(headers={"User-Agent": agent}):
            return device_of_request()

    assert device("Firefox") == device("Firefox")
    assert device("Firefox") != device("Chromium")


class Named:
    is_authenticated = True

    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def get_id(self):
        return 7

    @property
    def is_active(self):
        return True


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"name": "ada", "username": "al"}, "ada"),
        ({"username": " al "}, "al"),
        ({"display_name": "Ada Lovelace"}, "Ada Lovelace"),
        ({"name": "  "}, "7"),
        ({"name": None}, "7"),
        ({"name": 5, "username": "al"}, "al"),
        ({"name": "a" * 200}, "a" * 80),
        ({}, "7"),
    ],
)
def test_the_name_is_what_the_sites_user_has(host, attributes, name):
    with host.test_request_context():
        login_user(Named(**attributes))
        assert (current_member().uid, current_member().name) == ("7", name)


# -- connect tokens ------------------------------------------------------------------------------------------


def test_a_token_brings_back_uid_and_name():
    tokens = Tokens(SECRET, 60)
    assert tokens.verify(tokens.mint("7", "ada")) == Member("7", "ada", None)
    assert tokens.verify(tokens.mint("7")).name == "7"


@given(st.text(min_size=1, max_size=64), st.text(min_size=1, max_size=80))
def test_every_uid_and_name_that_can_be_shown_survive_the_token(uid, name):
    tokens = Tokens(SECRET, 60)
    try:
        token = tokens.mint(uid, name)
    except (Empty, BadText):
        return
    assert token.isascii()
    assert tokens.verify(token) == Member(uid.strip(), name.strip())


def test_a_token_expires(noon):
    tokens = Tokens(SECRET, 60)
    token = tokens.mint("7", "ada")
    noon.now += 59.9
    assert tokens.verify(token).uid == "7"
    noon.now += 0.2
    with pytest.raises(BadToken, match="expired"):
        tokens.verify(token)


@given(st.text(max_size=50))
def test_a_text_that_nobody_signed_is_no_token(text):
    with pytest.raises(BadToken):
        Tokens(SECRET, 60).verify(text)


@given(st.data())
def test_a_token_with_any_one_letter_changed_is_no_token(data):
    tokens = Tokens(SECRET, 60)
    token = tokens.mint("7", "ada")
    at = data.draw(st.integers(0, len(token) - 2))  # the last letter of base64 carries spare bits
    letter = data.draw(st.sampled_from("AQgw09_-."))
    if token[at] != letter:
        with pytest.raises(BadToken):
            tokens.verify(token[:at] + letter + token[at + 1 :])


def test_a_token_of_another_site_is_no_token():
    with pytest.raises(BadToken):
        Tokens(SECRET, 60).verify(Tokens("another secret", 60).mint("7"))


def test_something_else_that_the_site_signed_is_no_token():
    for salt in ("itsdangerous", "cookie-session"):
        with pytest.raises(BadToken):
            Tokens(SECRET, 60).verify(URLSafeSerializer(SECRET, salt=salt).dumps(["7", "ada", 2**40]))


@pytest.mark.parametrize(("uid", "error"), [("", Empty), (" ", Empty), ("a" * 65, TooLong), ("a\x00", BadText)])
def test_no_token_is_made_for_a_uid_that_cannot_stand_in_a_chat(uid, error):
    with pytest.raises(error):
        Tokens(SECRET, 60).mint(uid)
