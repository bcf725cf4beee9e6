"""The address of a plain-text room: a page for browsers, a socket for all who upgrade, a word for everybody else."""

import json
import re
from contextlib import contextmanager

import pytest
from werkzeug.test import EnvironBuilder

from legacy_chat.web.text_page import is_asked, room_of

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HANDSHAKE = {
    "Host": "shop.example",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
}


@pytest.fixture
def open_host(make_host):
    """A host with any plain-text room."""
    return make_host(CHAT_TEXT_ROOMS="1")


@pytest.fixture
def adas(open_host):
    """A browser of ada's, logged in to that host."""
    browser = open_host.test_client()
    browser.get("/enter/7")
    return browser


# -- the page -----------------------------------------------------------------------------------------------------


def test_ada_gets_the_page_of_the_room(adas):
    page = adas.get("/chat/text/tea", headers=HTML)
    assert page.status_code == 200
    assert "<bdi>tea</bdi>" in page.text
    told = json.loads(re.search(r'<script type="application/json" id="text-boot">(.*?)</script>', page.text, re.S)[1])
    assert told == {"uid": "7", "lang": "en", "messages": {}, "echo": True, "text_chars": 4000}
    assert (page.headers["Cache-Control"], page.headers["X-Frame-Options"]) == ("no-store", "SAMEORIGIN")
    assert page.headers["Vary"].startswith("Accept")


def test_a_room_may_have_a_chinese_name_and_the_page_speak_chinese(adas):
    page = adas.get("/chat/text/大厅?lang=zh", headers=HTML)
    assert "<bdi>大厅</bdi>" in page.text
    assert "正在连接" in page.text
    assert 'lang="zh-CN"' in page.text


def test_nobody_is_sent_to_the_sites_own_login_and_back(open_host):
    answer = open_host.test_client().get("/chat/text/tea", headers=HTML)
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in?next=")
    assert "text" in answer.location


def test_what_is_no_browser_is_told_to_come_with_a_websocket(adas):
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "text/plain"}):
        answer = adas.get("/chat/text/tea", headers=headers)
        assert answer.status_code == 426
        assert answer.mimetype == "text/plain"
        assert "WebSocket" in answer.text


@pytest.mark.parametrize("headers", [HTML, {}, HANDSHAKE], ids=["browser", "program", "socket"])
@pytest.mark.parametrize(
    ("rooms", "name", "word"),
    [("", "tea", "CHAT_TEXT_ROOMS"), ("tea", "milk", "no plain-text room"), ("1", "a b", "letters")],
)
def test_where_there_is_no_such_room_everybody_is_told_why(make_host, rooms, name, word, headers):
    host = make_host(CHAT_TEXT_ROOMS=rooms)
    answer = host.test_client().get(f"/chat/text/{name}", headers=headers)
    assert answer.status_code == 404
    assert word in answer.text
    assert answer.mimetype == "text/plain"


def test_the_prefix_moves_the_rooms(make_host):
    host = make_host(CHAT_PREFIX="/talk", CHAT_TEXT_ROOMS="1")
    assert host.test_client().get("/talk/text/tea").status_code == 426
    assert host.test_client().get("/chat/text/tea").status_code == 404


def test_who_asks_for_the_page_asks_for_html_and_no_upgrade():
    assert is_asked({"HTTP_ACCEPT": "text/html"})
    assert not is_asked({"HTTP_ACCEPT": "text/html", "HTTP_UPGRADE": "websocket"})
    assert not is_asked({"HTTP_ACCEPT": "*/*"})
    assert not is_asked({})


def test_the_name_of_the_room_is_read_as_utf8():
    assert room_of("/chat/text/" + "大厅".encode().decode("latin-1"), "/chat/text/") == "大厅"
    assert room_of("/chat/text/\xff", "/chat/text/") == "\ufffd"


# -- the socket ---------------------------------------------------------------------------------------------------


class Upgrade:
    """The server's offer to hand over a socket."""

    taken = False

    def accept(self, headers):
        self.taken = True
        return "the socket", b"early bytes"


class Worker:
    served = None

    @contextmanager
    def asking(self):
        yield []

    def check_room(self, address, member):
        pass

    def serve_text(self, transport, received, member, address, room):
        self.served = transport, received, member.uid, room


@pytest.fixture
def knock(open_host, monkeypatch):
    """Comes with a handshake; what was served (None for nobody), the status and the words of the answer."""

    def knock(path, **headers):
        worker = Worker()
        monkeypatch.setattr(open_host.extensions["legacy_chat"], "worker", lambda: worker)
        environ = EnvironBuilder(path=path, headers={**HANDSHAKE, **headers}).get_environ()
        environ["legacy_chat.upgrade"] = Upgrade()
        started = []
        body = b"".join(open_host.wsgi_app(environ, lambda status, *_: started.append(status)))
        assert environ["legacy_chat.upgrade"].taken == bool(worker.served)
        return worker.served, started[0] if started else None, body.decode()

    return knock


def test_ada_comes_in_with_her_cookie_from_the_sites_own_page(open_host, knock):
    cookie = open_host.test_client().get("/enter/7").headers["Set-Cookie"].partition(";")[0]
    served, *_ = knock("/chat/text/大厅", Cookie=cookie, Origin="http://shop.example", Accept="text/html")
    assert served == ("the socket", b"early bytes", "7", "大厅")
    served, status, body = knock("/chat/text/tea", Cookie=cookie, Origin="http://evil.example")
    assert (served, status) == (None, "403 Forbidden")
    assert "CHAT_ALLOWED_ORIGINS" in body


def test_a_token_in_the_address_says_who_it_is(open_host, knock):
    token = open_host.extensions["legacy_chat"].tokens.mint("9", "ben").token
    assert knock(f"/chat/text/tea?token={token}")[0] == ("the socket", b"early bytes", "9", "tea")
    assert knock("/chat/text/tea?token=forged")[:2] == (None, "401 Unauthorized")


def test_nobody_stays_outside_and_is_told_what_to_do(knock):
    served, status, body = knock("/chat/text/tea")
    assert (served, status) == (None, "401 Unauthorized")
    assert "Log in" in body
    assert "?token=" in body
