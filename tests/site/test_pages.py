import re
import shutil

import pytest
from werkzeug.security import generate_password_hash

from legacy_chat import create_app
from legacy_chat.backplane.contract import Disconnect
from legacy_chat.site import accounts as accounts_module

PASSWORD = "correct horse"


@pytest.fixture
def site(tmp_path, monkeypatch, migrated_file):
    """The stand-alone site with one account, ada's."""
    monkeypatch.setattr(
        accounts_module, "generate_password_hash", lambda p: generate_password_hash(p, "pbkdf2:sha256:1")
    )
    known = generate_password_hash("nobody", "pbkdf2:sha256:1")
    monkeypatch.setattr(accounts_module, "_nobody", lambda: known)
    monkeypatch.setenv("SITE_INSTANCE", str(tmp_path))
    shutil.copy(migrated_file, tmp_path / "chat.sqlite")
    app = create_app({"TESTING": True})
    app.extensions["site_accounts"].register("ada", PASSWORD)
    yield app
    app.extensions["legacy_chat"].database.close()


class Browser:
    """Fills in the forms as a person does: loads the page, sends what is hidden in it too."""

    def __init__(self, site):
        self.client = site.test_client()

    def send(self, address, name="ada", password=PASSWORD, **changes):
        page = self.client.get(address).text
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        return self.client.post(address, data={**hidden, "username": name, "password": password, **changes})

    def is_in(self) -> bool:
        return self.client.get("/chat/").status_code == 200


@pytest.fixture
def browser(site):
    return Browser(site)


# -- coming in -----------------------------------------------------------------------------------------------


def test_home_invites_a_visitor_and_sends_ada_to_the_chat(browser):
    home = browser.client.get("/")
    assert home.status_code == 200
    assert 'href="/register"' in home.text
    browser.send("/login")
    assert browser.client.get("/").location == "/chat/"


def test_ben_registers_and_is_in(browser):
    answer = browser.send("/register", name=" ben ")
    assert (answer.status_code, answer.location) == (302, "/chat/")
    assert browser.is_in()
    assert '"name": "ben"' in browser.client.get("/chat/").text


def test_ada_logs_in(browser):
    answer = browser.send("/login", name=" ADA ")
    assert (answer.status_code, answer.location) == (302, "/chat/")
    assert browser.is_in()


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong horse"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_and_a_wrong_password_look_the_same(browser, name, password):
    answer = browser.send("/login", name=name, password=password)
    assert answer.status_code == 422
    assert "Name or password is wrong." in answer.text
    assert not browser.is_in()


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("ADA", PASSWORD, "taken"),
        ("", PASSWORD, "1 to 80"),
        ("a" * 81, PASSWORD, "1 to 80"),
        ("be\x00n", PASSWORD, "1 to 80"),
        ("ben", "1234567", "at least 8"),
        ("ben", "a" * 1025, "at least 8"),
    ],
)
def test_a_registration_that_cannot_be_says_why_and_keeps_the_name(browser, name, password, words):
    answer = browser.send("/register", name=name, password=password)
    assert answer.status_code == 422
    assert words in answer.text
    assert password not in answer.text
    assert not browser.is_in()


def test_a_name_is_text_in_the_form(browser):
    answer = browser.send("/login", name='"><script>alert(1)</script>', password="wrong")
    assert "<script>alert" not in answer.text


def test_the_forms_speak_chinese(browser):
    assert "登录" in browser.client.get("/login?lang=zh").text
    answer = browser.send("/login", password="wrong horse")
    assert answer.status_code == 422
    assert '<html lang="zh-CN">' in answer.text
    assert "Name or password is wrong." not in answer.text


# -- where to go then ----------------------------------------------------------------------------------------


def test_after_the_login_ada_is_where_she_wanted_to_go(browser):
    asked = browser.client.get("/chat/")
    assert asked.status_code == 302
    answer = browser.send(asked.location)
    assert answer.location == "/chat/"
    other = Browser(browser.client.application)
    assert other.send("/login?next=/chat/%3Flang%3Dzh").location == "/chat/?lang=zh"


@pytest.mark.parametrize(
    "wish",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example", "x"],
)
def test_nobody_is_sent_to_another_site(browser, wish):
    assert browser.send("/login", next=wish).location == "/chat/"


# -- forms of others -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/login", "/register"])
@pytest.mark.parametrize("token", ["", "forged", "é"])
def test_a_form_that_came_from_elsewhere_is_refused(browser, address, token):
    answer = browser.send(address, name="cleo", csrf_token=token)
    assert answer.status_code == 400
    assert not browser.is_in()


def test_a_form_without_a_session_is_refused(site):
    answer = site.test_client().post("/login", data={"username": "ada", "password": PASSWORD, "csrf_token": ""})
    assert answer.status_code == 400


def test_a_session_planted_before_the_login_is_worth_nothing_after_it(browser):
    before = browser.client.get("/login").text
    browser.send("/login")
    with browser.client.session_transaction() as session:
        assert session.get("csrf_token", "new") not in before


def test_the_session_cookie_is_hidden_from_scripts(browser):
    cookie = browser.send("/login").headers["Set-Cookie"]
    assert cookie.startswith("session=")
    assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))


# -- going ---------------------------------------------------------------------------------------------------


def logout(browser, token=None):
    if token is None:
        browser.client.get("/chat/")
        with browser.client.session_transaction() as session:
            token = session["csrf_token"]
    return browser.client.post("/logout", data={"csrf_token": token})


def test_ada_logs_out_and_her_sockets_end(site, browser):
    heard = []
    browser.send("/login")
    site.extensions["legacy_chat"].parts.backplane.subscribe(heard.append)
    assert logout(browser).location == "/"
    assert not browser.is_in()
    (notice,) = [notice for notice in heard if isinstance(notice, Disconnect)]
    assert (notice.uid, notice.code, notice.device) == ("1", 4440, None)


def test_another_site_cannot_log_ada_out(browser):
    browser.send("/login")
    assert logout(browser, token="forged").status_code == 400
    assert browser.client.get("/logout").status_code == 405
    assert browser.is_in()


# -- guessing ------------------------------------------------------------------------------------------------


def test_a_guesser_has_to_wait_and_even_the_right_password_does_not_help_then(site, browser):
    for _ in range(5):
        browser.send("/login", password="wrong horse")
    answer = browser.send("/login")
    assert answer.status_code == 422
    assert "Too many tries" in answer.text
    assert not browser.is_in()


def test_a_password_of_a_megabyte_costs_nothing_but_a_refusal(browser):
    assert browser.send("/login", password="a" * 300_000).status_code == 422


# -- mistakes ------------------------------------------------------------------------------------------------

READS_PAGES = {"Accept": "text/html,*/*;q=0.8"}


@pytest.mark.parametrize(("lang", "title"), [("en", "There is no such page"), ("zh-CN", "没有这个页面")])
def test_an_old_link_leads_to_a_page_with_a_way_on(browser, lang, title):
    for address in ("/nothing", "/chat/nothing"):
        answer = browser.client.get(address, headers={**READS_PAGES, "Accept-Language": lang})
        assert answer.status_code == 404
        assert f"<h1>{title}</h1>" in answer.text
        assert 'href="/"' in answer.text


def test_a_form_that_has_expired_says_so_in_ones_own_language(browser):
    answer = browser.client.post("/login", headers={**READS_PAGES, "Accept-Language": "zh-CN"})
    assert answer.status_code == 400
    assert "表单已过期" in answer.text


def test_an_error_of_the_sites_own_is_a_page_too(site, browser):
    site.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    site.view_functions["home"] = lambda: 1 / 0
    answer = browser.client.get("/", headers=READS_PAGES)
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "ZeroDivisionError" not in answer.text


def test_programs_get_no_page(browser):
    assert "no such page" not in browser.client.get("/nothing").text
