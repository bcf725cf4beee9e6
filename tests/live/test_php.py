"""A PHP site beside its chat: PHP says who somebody is, by a token that it signs."""

from __future__ import annotations

import subprocess
import time

import pytest

from legacy_chat.errors import BadToken
from legacy_chat.web.identity import Tokens

from .fixtures import no_traceback
from .raw import Refused, eventually
from .server import ROOT, Browser, Server, free_port

PHP = ROOT / "examples" / "php"
SECRET = "only for tests"


def php(code: str) -> str:
    """What a PHP program of the site prints."""
    command = ["php", "-r", f'require "{PHP}/chat_token.php"; {code}']
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout


class Chat(Server):
    """The chat of examples/php, which knows nobody by itself."""

    app = "wsgi:application"

    def __init__(self, folder, origin: str):
        options = ("--config", str(ROOT / "gunicorn.conf.py"), "--pythonpath", str(PHP))
        super().__init__(folder, *options, env={"SECRET_KEY": SECRET}, allowed_origins=origin)
        self.cwd = folder


class Site:
    """PHP's own server with the pages of examples/php."""

    def __init__(self, folder):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.chat = Chat(folder, self.url).start()
        env = {**self.chat._env, "CHAT_URL": f"{self.chat.url}/chat"}
        command = ["php", "-S", f"127.0.0.1:{port}", "-t", str(PHP), "-d", f"session.save_path={folder}"]
        with open(folder / "php.log", "wb") as log:
            self._process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        eventually(self._answers, what="PHP")

    def _answers(self) -> bool:
        try:
            return Browser(self.url).open("/")[0] == 200
        except OSError:
            return False

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self.chat.stop()
        no_traceback(self.chat)

    def visit(self, name: str) -> Browser:
        browser = Browser(self.url)
        browser.open("/", {"username": name, "password": "correct-horse"})
        return browser


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
    ours = Tokens(SECRET, 1_900_000_000 - time.time() + 0.5).mint("7", "ada")
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


def test_a_logout_ends_the_tokens(site):
    ada = site.visit("ada")
    ada.open("/", {"logout": ""})
    assert ada.open("/token.php")[0] == 401


def test_another_origin_stays_outside(site, come):
    with pytest.raises(Refused) as refused:
        come(site.chat, headers=[("Origin", "http://evil.example")])
    assert refused.value.status == 403
