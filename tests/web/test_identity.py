from enum import Enum

import pytest
from babel import Locale
from flask import has_request_context, request
from flask_login import login_user
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer
from werkzeug.test import EnvironBuilder

from legacy_chat.core.model import Member
from legacy_chat.errors import BadText, BadToken, Empty, Forbidden, TooLong, Unavailable
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
    return host.test_client().get(f"/enter/{uid}").headers["Set-Cookie"].partition(";")[0]


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


class Role:
    """As Flask-Security and others have it."""

    def __init__(self, name):
        self.name = name


class Level(Enum):
    EDITOR = "editor"


class Kind(Enum):
    STAFF = 3


@pytest.mark.parametrize(
    ("attributes", "fields"),
    [
        ({}, (None, (), None)),
        ({"avatar": "/ada.png"}, ("/ada.png", (), None)),
        ({"avatar_url": "https://pics.example/ada.png"}, ("https://pics.example/ada.png", (), None)),
        ({"avatar": "http://pics.example/ada.png"}, (None, (), None)),
        ({"avatar": lambda size: "/ada.png"}, (None, (), None)),  # a method, as in many tutorials
        ({"roles": ["staff", Role("editor"), Role(5), None]}, (None, ("staff", "editor"), None)),
        ({"roles": "staff, editor,"}, (None, ("staff", "editor"), None)),
        ({"roles": {"staff"}, "role": "staff"}, (None, ("staff",), None)),
        ({"roles": lambda: ["staff"]}, (None, (), None)),
        ({"role": Level.EDITOR}, (None, ("editor",), None)),
        ({"role": Kind.STAFF}, (None, ("STAFF",), None)),
        ({"is_admin": True}, (None, ("admin",), None)),
        ({"is_admin": 1, "role": "boss"}, (None, ("boss", "admin"), None)),
        ({"is_admin": False}, (None, (), None)),
        ({"is_admin": lambda: False}, (None, (), None)),  # a method is no yes
        ({"locale": "zh"}, (None, (), "zh")),
        ({"locale": Locale("de", "AT")}, (None, (), "de_AT")),
        ({"locale": lambda: "zh"}, (None, (), None)),
    ],
)
def test_picture_roles_and_language_are_told_from_what_the_user_has(host, attributes, fields):
    with host.test_request_context():
        login_user(Named(**attributes))
        member = current_member()
        assert (member.avatar, member.roles, member.locale) == fields


@pytest.fixture
def load(host):
    """The host's users are loaded as `answer` says: `load(answer)` is as whom ada chats then."""
    hooks = host.extensions["legacy_chat"].hooks

    def load(answer):
        hooks.member_loader = answer if callable(answer) else lambda user: answer
        return member_of_request(host, environ(Cookie=cookie_of(host, "7")))

    return load


def test_the_site_says_as_whom_its_users_chat(load):
    member = load(lambda user: {"uid": f"shop:{user.id}", "name": "Ada L.", "roles": ("staff", "vip"), "locale": "de"})
    assert (member.uid, member.name, member.roles, member.locale) == ("shop:7", "Ada L.", ("staff", "vip"), "de")
    assert member.device


def test_what_the_site_leaves_out_is_as_always(load):
    assert (load({}).uid, load({}).name) == ("7", "7")
    assert load({"name": "ada", "avatar": None, "roles": None}).roles == ()
    assert load({"uid": 7, "name": " a\nda "}).name == "ada"


def test_the_site_may_answer_a_member(load):
    member = load(Member("7", "Ada", roles=("staff",), avatar="/ada.png"))
    assert (member.uid, member.name, member.roles, member.avatar) == ("7", "Ada", ("staff",), "/ada.png")
    assert member.device is not None


def test_the_loader_runs_within_the_request(load):
    load(lambda user: {"name": request.headers["User-Agent"]})


def test_whom_the_site_keeps_out_is_somebody_and_not_nobody(load):
    with pytest.raises(Forbidden, match="does not let you"):
        load(None)


@pytest.mark.parametrize("uid", ["", "a" * 65, "a\x00"])
def test_a_uid_that_cannot_stand_in_a_chat_is_in_the_log(load, uid, caplog):
    with pytest.raises(Forbidden):
        load({"uid": uid})
    assert "cannot chat" in caplog.text


@pytest.mark.parametrize("answer", ["ada", 7, ["7", "ada"], {"nmae": "ada"}, object()])
def test_an_answer_that_is_none_is_the_sites_mistake(load, answer, caplog):
    with pytest.raises(Unavailable):
        load(answer)
    assert "member_loader answered" in caplog.text


def test_what_else_stood_in_a_mistaken_answer_is_in_no_log(load, caplog):
    with pytest.raises(Unavailable):
        load({"uid": "7", "password_hash": "scrypt-and-salt"})
    assert "password_hash" in caplog.text
    assert "scrypt-and-salt" not in caplog.text


def test_a_site_that_fails_is_asked_again_later(host, load, caplog):
    with pytest.raises(Unavailable) as error:
        load(lambda user: 1 / 0)
    assert error.value.retry_after
    assert "ZeroDivisionError" in caplog.text
    host.login_manager.user_loader(lambda uid: 1 / 0)
    with pytest.raises(Unavailable):
        load({})
    assert not has_request_context()


def test_a_picture_that_no_page_may_show_is_left_out_and_roles_are_bounded(load):
    member = load({"avatar": "javascript:alert(1)", "roles": ["r" * 100] * 50, "locale": "z" * 100})
    assert (member.avatar, len(member.roles), len(member.roles[0]), len(member.locale)) == (None, 20, 40, 35)


def test_whoever_is_remembered_by_a_cookie_needs_no_session(host):
    host._got_first_request = False  # a route more, for this test
    host.add_url_rule("/remember", "remember", lambda: str(login_user(host.login_manager._user_callback("7"), True)))
    cookies = host.test_client().get("/remember").headers.getlist("Set-Cookie")
    remembered = next(cookie.partition(";")[0] for cookie in cookies if cookie.startswith("remember_token="))
    assert member_of_request(host, environ(Cookie=remembered)).uid == "7"


# -- connect tokens ------------------------------------------------------------------------------------------


def test_a_token_brings_back_uid_and_name():
    tokens = Tokens(SECRET, 60)
    assert tokens.verify(tokens.mint("7", "ada").token) == Member("7", "ada", None)
    assert tokens.verify(tokens.mint("7").token).name == "7"


@given(st.text(min_size=1, max_size=64), st.text(min_size=1, max_size=80))
def test_every_uid_and_name_that_can_be_shown_survive_the_token(uid, name):
    tokens = Tokens(SECRET, 60)
    try:
        token = tokens.mint(uid, name).token
    except (Empty, BadText):
        return
    assert token.isascii()
    assert tokens.verify(token) == Member(uid.strip(), name.strip())


def test_a_token_expires(noon):
    tokens = Tokens(SECRET, 60)
    token = tokens.mint("7", "ada").token
    noon.now += 59.9
    assert tokens.verify(token).uid == "7"
    noon.now += 0.2
    with pytest.raises(BadToken, match="expired"):
        tokens.verify(token)


def test_a_token_lives_until_the_second_that_is_told(noon):
    noon.now += 0.9
    token, expires = Tokens(SECRET, 60).mint("7")
    noon.now = expires - 0.1
    assert Tokens(SECRET, 60).verify(token).uid == "7"
    noon.now = expires
    with pytest.raises(BadToken, match="expired"):
        Tokens(SECRET, 60).verify(token)


@given(st.text(max_size=50))
def test_a_text_that_nobody_signed_is_no_token(text):
    with pytest.raises(BadToken):
        Tokens(SECRET, 60).verify(text)


@given(st.data())
def test_a_token_with_any_one_letter_changed_is_no_token(data):
    tokens = Tokens(SECRET, 60)
    token = tokens.mint("7", "ada").token
    at = data.draw(st.integers(0, len(token) - 2))  # the last letter of base64 carries spare bits
    letter = data.draw(st.sampled_from("AQgw09_-."))
    if token[at] != letter:
        with pytest.raises(BadToken):
            tokens.verify(token[:at] + letter + token[at + 1 :])


def test_a_token_of_another_site_is_no_token():
    with pytest.raises(BadToken):
        Tokens(SECRET, 60).verify(Tokens("another secret", 60).mint("7").token)


def test_a_token_brings_back_picture_roles_and_language():
    tokens = Tokens(SECRET, 60)
    token = tokens.mint("7", "ada", "/ada.png", ["staff"], "zh").token
    assert tokens.verify(token) == Member("7", "ada", None, "/ada.png", ("staff",), "zh")
    assert len(tokens.mint("7", "ada" * 26, "/" + "a" * 499, [f"{n:040}" for n in range(20)], "z" * 35).token) < 4096


@pytest.mark.parametrize("avatar", ["javascript:alert(1)", "//evil.example/x.png", "http://a/b.png"])
def test_no_token_is_made_for_a_picture_that_no_page_may_show(avatar):
    with pytest.raises(BadText):
        Tokens(SECRET, 60).mint("7", avatar=avatar)


def test_tokens_of_the_version_before_are_good_still(noon):
    old = URLSafeSerializer(SECRET, salt="legacy_chat.connect").dumps(["7", "ada", int(noon.now) + 60])
    assert Tokens(SECRET, 60).verify(old) == Member("7", "ada")


@pytest.mark.parametrize("expires", ["2200-01-01", None, [2**40]])
def test_a_token_that_somebody_signed_with_a_mistake_in_it_is_refused(expires):
    signed = URLSafeSerializer(SECRET, salt="legacy_chat.connect").dumps(["7", "ada", expires])
    with pytest.raises(BadToken):
        Tokens(SECRET, 60).verify(signed)


def test_something_else_that_the_site_signed_is_no_token():
    for salt in ("itsdangerous", "cookie-session"):
        with pytest.raises(BadToken):
            Tokens(SECRET, 60).verify(URLSafeSerializer(SECRET, salt=salt).dumps(["7", "ada", 2**40]))


@pytest.mark.parametrize(("uid", "error"), [("", Empty), (" ", Empty), ("a" * 65, TooLong), ("a\x00", BadText)])
def test_no_token_is_made_for_a_uid_that_cannot_stand_in_a_chat(uid, error):
    with pytest.raises(error):
        Tokens(SECRET, 60).mint(uid)
