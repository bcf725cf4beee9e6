import json
import re

import pytest
from flask import Flask

from legacy_chat import Chat
from legacy_chat.web import i18n
from legacy_chat.web.pages import shipped


@pytest.fixture
def adas(host):
    """A browser of ada's, logged in to the host site."""
    browser = host.test_client()
    browser.get("/enter/7")
    return browser


def boot(page) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="chat-boot">(.*?)</script>', page.text, re.S)[1])


def test_nobody_is_sent_to_the_sites_own_login_and_back(host):
    answer = host.test_client().get("/chat/")
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in?next=")
    assert "chat" in answer.location


def test_ada_gets_her_page(adas):
    page = adas.get("/chat/")
    assert page.status_code == 200
    told = boot(page)
    assert {name: told[name] for name in ("socket", "uid", "name", "lang", "languages", "text_chars")} == {
        "socket": "/chat/ws",
        "uid": "7",
        "name": "ada",
        "lang": "en",
        "languages": {"en": "English", "zh": "中文"},
        "text_chars": 4000,
    }
    assert told["messages"] == {}


def test_the_page_is_not_kept_by_the_browser_as_it_names_ada(adas):
    assert adas.get("/chat/").headers["Cache-Control"] == "no-store"


def test_no_other_site_can_lay_a_frame_of_the_page_under_adas_mouse(adas):
    assert adas.get("/chat/").headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("name", ["</script><script>alert(1)</script>", "<!--", "\u2028", "'\"&"])
def test_a_name_is_text_in_the_page(host, name, monkeypatch):
    user = host.login_manager._user_callback("7")
    monkeypatch.setattr(user, "name", name)
    browser = host.test_client()
    browser.get("/enter/7")
    page = browser.get("/chat/")
    assert boot(page)["name"] == name.strip() or boot(page)["name"] == "7"
    assert "<script>alert" not in page.text


def test_chinese_is_one_link_away_and_is_remembered(adas):
    page = adas.get("/chat/?lang=zh")
    assert '<html lang="zh-CN">' in page.text
    assert boot(page)["messages"]["Send"] == "发送"
    (cookie,) = [given for given in page.headers.getlist("Set-Cookie") if given.startswith(i18n.COOKIE)]
    assert cookie.startswith(f"{i18n.COOKIE}=zh;")
    assert "SameSite=Lax" in cookie
    assert boot(adas.get("/chat/"))["lang"] == "zh"


def test_a_language_that_nobody_speaks_is_not_remembered(adas):
    page = adas.get("/chat/?lang=tlh")
    assert i18n.COOKIE not in page.headers.get("Set-Cookie", "")


def test_all_that_the_page_asks_for_is_served(adas):
    page = adas.get("/chat/").text
    addresses = re.findall(r'(?:src|href)="(/chat/[^"]+)"', page)
    assert addresses
    for address in addresses:
        assert adas.get(address).status_code == 200, address


def test_scripts_are_served_as_scripts(adas):
    assert "javascript" in adas.get("/chat/static/page.js").content_type


@pytest.mark.parametrize("name", ["../../pyproject.toml", "..%2f..%2fpyproject.toml", "no-such-file.js", ""])
def test_nothing_else_of_the_disk_is_served(adas, name):
    for folder in ("static", "vendor"):
        assert adas.get(f"/chat/{folder}/{name}").status_code == 404


def test_a_host_whose_logout_is_a_form_gets_a_button_for_it(host, adas):
    assert boot(adas.get("/chat/"))["logout"] is None
    host._got_first_request = False  # a route more, for this test
    host.add_url_rule("/logout", "logout", methods=["POST"], view_func=lambda: "bye")
    host.jinja_env.globals["csrf_token"] = lambda: "a token"
    told = boot(adas.get("/chat/"))
    assert (told["logout"], told["csrf"]) == ("/logout", "a token")


def test_the_prefix_moves_the_pages(make_host):
    browser = make_host(CHAT_PREFIX="/talk").test_client()
    browser.get("/enter/7")
    page = browser.get("/talk/")
    assert boot(page)["socket"] == "/talk/ws"
    assert browser.get("/chat/").status_code == 404


def test_a_site_below_a_path_of_its_server_keeps_it_in_its_addresses(adas):
    page = adas.get("/chat/", environ_overrides={"SCRIPT_NAME": "/shop"})
    assert boot(page)["socket"] == "/shop/chat/ws"


def test_a_site_without_flask_login_lets_nobody_in(tmp_path):
    app = Flask("bare", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="only for tests", TESTING=True)
    Chat(app)
    assert app.test_client().get("/chat/").status_code == 401
    app.extensions["legacy_chat"].database.close()


@pytest.mark.parametrize("folder", ["templates", "static"])
def test_pages_are_found_in_a_checkout_and_in_a_wheel(folder):
    assert (shipped(folder) / "chat").is_dir()
