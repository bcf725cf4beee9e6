"""The stand-alone site: accounts, cookies, and what a cookie may do at the socket."""

import os
import re
import stat
import threading
import time
import urllib.request
from statistics import median

import pytest

from .fixtures import no_traceback
from .raw import Refused
from .server import Server

PASSWORD = "correct-horse"


@pytest.fixture
def ada(server):
    """Ada's browser, registered and logged in."""
    browser = server.browser()
    status, page = browser.submit("/register", username="ada", password=PASSWORD)
    assert status == 200
    assert "chat-boot" in page
    return browser


def test_the_first_start_of_all_makes_the_tables_and_the_rooms(tmp_path, come):
    server = Server(tmp_path).start()
    try:
        assert [room["gid"] for room in come(server, "7", "ada").welcome["groups"]] == ["lobby"]
    finally:
        server.stop()
    no_traceback(server)


def test_ada_registers_and_her_cookie_opens_the_socket_as_herself(server, ada, come):
    person = come(server, cookie=ada.cookie, headers=[("Origin", f"http://127.0.0.1:{server.port}"), host(server)])
    assert (person.welcome["uid"], person.welcome["name"]) == ("1", "ada")


def host(server):
    return ("Host", f"127.0.0.1:{server.port}")


def test_a_foreign_page_cannot_use_her_cookie(server, ada, come):
    for origin in ("http://evil.example", f"http://127.0.0.1:{server.port + 1}", "null"):
        with pytest.raises(Refused) as refused:
            come(server, cookie=ada.cookie, headers=[("Origin", origin), host(server)])
        assert refused.value.status == 403


def test_without_a_session_the_page_sends_to_the_login_and_back(server):
    browser = server.browser()
    _, page = browser.open("/chat/")
    assert 'name="password"' in page
    assert re.search(r'name="next"\s+value="[^"]*/chat/"', page)
    browser.submit("/register", username="ben", password=PASSWORD)
    assert "chat-boot" in browser.open("/chat/")[1]


def log_out(browser):
    token = re.search(r'"csrf": ?"([^"]+)"', browser.open("/chat/")[1])[1]
    browser.open("/logout", {"csrf_token": token})


def test_logging_out_closes_all_her_sockets_at_once_and_only_hers(server, ada, come):
    ben = server.browser()
    ben.submit("/register", username="ben", password=PASSWORD)
    browser = [("User-Agent", ada.name)]
    hers, his = (come(server, cookie=who.cookie, headers=browser) for who in (ada, ben))
    phone = come(server, cookie=ada.cookie, headers=[("User-Agent", "a phone")])
    by_token = come(server, hers.welcome["uid"], "ada")
    log_out(ada)
    assert [socket.closed().code for socket in (hers, phone, by_token)] == [4440, 4440, 4440]
    assert his.ask(type="ping")["type"] == "pong"


def test_where_the_site_wants_it_other_devices_stay(serve, come):
    server = serve(logout_everywhere="0")
    ada = server.browser()
    ada.submit("/register", username="ada", password=PASSWORD)
    hers = come(server, cookie=ada.cookie, headers=[("User-Agent", ada.name)])
    phone = come(server, cookie=ada.cookie, headers=[("User-Agent", "a phone")])
    log_out(ada)
    assert hers.closed().code == 4440
    assert phone.ask(type="ping")["type"] == "pong"


def test_a_form_without_its_token_does_nothing(server):
    status, _ = server.browser().open("/register", {"username": "eve", "password": PASSWORD})
    assert status == 400
    _, page = server.browser().submit("/login", username="eve", password=PASSWORD)
    assert "chat-boot" not in page


def test_names_are_unique_whatever_their_case_and_passwords_not_short(server, ada):
    for fields in ({"username": "ADA", "password": PASSWORD}, {"username": "eve", "password": "short"}):
        status, page = server.browser().submit("/register", **fields)
        assert status == 422
        assert 'role="alert"' in page


def test_guessing_is_slowed_down(server, ada):
    guesser = server.browser()
    answers = [guesser.submit("/login", username="ada", password=f"guess {n}")[1] for n in range(7)]
    assert "Too many tries" in answers[-1]
    assert "Too many tries" in guesser.submit("/login", username="ada", password=PASSWORD)[1]


def test_next_never_leads_to_another_site(server):
    for number, wish in enumerate(("https://evil.example/", "//evil.example", "/\\evil.example")):
        browser = server.browser()
        status, page = browser.submit("/register", username=f"ada{number}", password=PASSWORD, next=wish)
        assert (status, "chat-boot" in page) == (200, True)


def test_cookies_and_the_secret_are_kept_safe(server, ada):
    assert stat.S_IMODE(os.stat(server.folder / "secret_key").st_mode) == 0o600
    with urllib.request.urlopen(f"{server.url}/login") as answer:
        cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert PASSWORD not in server.log()


@pytest.mark.timed
def test_hashing_a_password_does_not_hold_up_a_socket(server, come):
    """scrypt takes a tenth of a second of CPU: it runs in a native thread."""
    person = come(server, "9")
    busy = [threading.Thread(target=server.browser().submit, args=("/login",), kwargs=GUESS) for _ in range(4)]
    for thread in busy:
        thread.start()
    waits = []
    while any(thread.is_alive() for thread in busy):
        began = time.monotonic()
        person.ask(type="ping")
        waits.append(time.monotonic() - began)
        time.sleep(0.02)  # under the rate limit
    assert median(waits) < 0.05  # in the loop, each would wait for a whole one at least


GUESS = {"username": "nobody", "password": "wrong-wrong"}


def test_an_account_of_the_command_line_can_log_in(server):
    uid = server.flask("user", "小明", "--password", PASSWORD).strip()
    assert uid.isdigit()
    browser = server.browser()
    status, page = browser.submit("/login", username="小明", password=PASSWORD)
    assert (status, "chat-boot" in page) == (200, True)


def test_pages_speak_chinese_where_the_browser_does(server):
    _, page = server.browser().open("/login?lang=zh")
    assert "密码" in page
