import pytest
from babels import add_babel

from legacy_chat.web import i18n


def language(host, query="", cookie=None, accept=None) -> str:
    headers = {}
    if cookie:
        headers["Cookie"] = f"{i18n.COOKIE}={cookie}"
    if accept:
        headers["Accept-Language"] = accept
    with host.test_request_context(f"/chat/{query}", headers=headers):
        return i18n.request_language()


@pytest.mark.parametrize(
    ("asked", "lang"),
    [
        ({}, "en"),
        ({"query": "?lang=zh"}, "zh"),
        ({"query": "?lang=zh", "cookie": "en", "accept": "en"}, "zh"),
        ({"cookie": "zh", "accept": "en"}, "zh"),
        ({"query": "?lang=tlh", "cookie": "zh"}, "zh"),
        ({"cookie": "tlh", "accept": "zh"}, "zh"),
        ({"accept": "zh-CN,zh;q=0.9,en;q=0.8"}, "zh"),
        ({"accept": "zh-TW"}, "zh"),
        ({"accept": "en-GB,zh;q=0.5"}, "en"),
        ({"accept": "fr,de"}, "en"),
        ({"accept": "*"}, "en"),
    ],
)
def test_the_address_speaks_first_then_the_cookie_then_the_browser(host, asked, lang):
    assert language(host, **asked) == lang


@pytest.mark.parametrize("accept", [";;q=", "zh;q=nonsense", "\x7f", "-"])
def test_a_browser_that_speaks_nonsense_gets_a_language_all_the_same(host, accept):
    assert language(host, accept=accept) in i18n.LANGUAGES


def test_english_needs_no_catalog():
    assert i18n.catalog("en") == {}
    assert i18n.translations("en").gettext("Log in") == "Log in"


def test_chinese_words_are_there_for_pages_and_scripts():
    assert i18n.translations("zh").gettext("Log in") == "登录"
    words = i18n.catalog("zh")
    assert words["Log in"] == "登录"
    assert "" not in words


def test_a_text_without_translation_stays_as_it_is():
    assert i18n.translations("zh").gettext("no such text") == "no such text"


def test_what_the_site_knows_comes_before_what_the_browser_asks(host):
    with host.test_request_context(headers={"Accept-Language": "en"}):
        assert i18n.request_language("zh-CN") == "zh"
        assert i18n.request_language("fr") == "en"
        assert i18n.request_language(None) == "en"


def test_the_language_of_the_sites_pages_comes_before_that_of_the_person(make_host):
    host = make_host()
    add_babel(host, lambda: "zh_Hans_CN")
    with host.test_request_context("/"):
        assert i18n.request_language("en") == "zh"
    with host.test_request_context("/?lang=en"):
        assert i18n.request_language() == "en"
