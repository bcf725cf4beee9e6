"""A PHP site beside its chat: PHP says who somebody is, by a token that it signs."""

from __future__ import annotations

import subprocess
import time

import pytest

from legacy_chat.errors import BadToken
from legacy_chat.web.identity import Tokens

from .php import PHP, SECRET, Site
from .raw import Refused
from .server import Browser


def php(code: str) -> str:
    """What a PHP program of the site prints."""
    command = ["php", "-r", f'require "{PHP}/chat_token.php"; {code}']
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("php"))
    yield site
    site.stop()


# -- the token -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ada", "艾达 Löwe", "a/b", "\U0001f44b", "O'Hara", "<b>"])
def test_a_token_of_php_is_one_of_ours(name):
    escaped = name.replace("'", "\\'")
    member = Tokens(SECRET, 60).verify(php(f"echo chat_token('{SECRET}', '7', '{escaped}');"))
    assert (member.uid, member.name) == ("7", name)


def test_it_may_say_more():
    more = "['avatar' => '/ada.png', 'roles' => ['agent'], 'locale' => 'zh']"
    member = Tokens(SECRET, 60).verify(php(f"echo chat_token('{SECRET}', '7', null, 60, {more});"))
    assert (member.name, member.avatar, member.roles, member.locale) == ("7", "/ada.png", ("agent",), "zh")


def test_php_and_python_sign_alike():
    program = f"echo chat_token('{SECRET}', '7', 'ada', {1_900_000_000} - time());"
    ours = Tokens(SECRET, 1_900_000_000 - time.time() + 0.5).mint("7", "ada").token
    assert php(program) == ours


def test_what_php_signed_expires_and_needs_the_same_secret():
    with pytest.raises(BadToken, match="expired"):
        Tokens(SECRET, 60).verify(php(f"echo chat_token('{SECRET}', '7', 'ada', -1);"))
    with pytest.raises(BadToken, match="not one of this site"):
        Tokens(SECRET, 60).verify(php("echo chat_token('another secret', '7');"))


# -- the site ------------------------------------------------------------------------------------------------


def test_two_people_of_a_php_site_talk(site, come):
    people = []
    for name in ("ada", "ben"):
        status, token = site.visit(name).open("/token.php")
        assert status == 200
        people.append(come(site.chat, login={"token": token}, headers=[("Origin", site.url)]))
    ada, ben = people
    assert (ada.welcome["name"], ben.welcome["uid"]) == ("ada", "2")
    ben.send(type="group", gid="lobby", content="hello")
    assert ada.expect("groupPm")["name"] == "ben"


def test_who_is_not_logged_in_gets_no_token_and_no_chat(site, come):
    assert Browser(site.url).open("/token.php") == (401, "")
    assert site.chat.browser().open("/chat/")[0] == 401
    nobody = come(site.chat, login=False, headers=[("Origin", site.url)])
    nobody.send(type="login")
    assert nobody.closed().code == 4401


def test_a_logout_ends_the_tokens_and_what_is_open(site, come):
    browser = site.visit("ada")
    ada = come(site.chat, login={"token": browser.open("/token.php")[1]}, headers=[("Origin", site.url)])
    browser.open("/", {"logout": ""})
    assert ada.closed().code == 4440
    assert browser.open("/token.php")[0] == 401


def test_another_origin_stays_outside(site, come):
    with pytest.raises(Refused) as refused:
        come(site.chat, headers=[("Origin", "http://evil.example")])
    assert refused.value.status == 403
