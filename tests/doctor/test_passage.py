import copy

import pytest

from legacy_chat.doctor import passage
from legacy_chat.doctor.door import COOKIE
from legacy_chat.doctor.target import Reply, Target

SHOP = Target.parse("https://shop.example", "/chat")
WELL = {
    "request": {
        "path": "/chat/doctor",
        "mount": "",
        "protocol": "HTTP/1.1",
        "host": "shop.example",
        "upgrade": "websocket",
        "connection": "upgrade",
        "cookies": [COOKIE],
        "forwarded": {"for": "192.0.2.7", "proto": "https", "host": "shop.example"},
    },
    "seen": {"address": "192.0.2.7", "scheme": "https", "host": "shop.example"},
    "chat": {"prefix": "/chat", "trusted_proxies": 1},
}


def facts(request=(), forwarded=(), seen=(), chat=()):
    """What a healthy server tells, with changes."""
    told = copy.deepcopy(WELL)
    told["request"].update(request)
    told["request"]["forwarded"].update(forwarded)
    told["seen"].update(seen)
    told["chat"].update(chat)
    return told


def found(told, server="nginx", target=SHOP):
    return {finding.check: finding for finding in passage.check_passage(target, told, server)}


def test_a_request_that_arrives_as_it_was_sent():
    assert {finding.state for finding in found(facts()).values()} == {"ok"}
    assert passage.check_prefix(SHOP, facts(), "nginx")[0].state == "ok"
    assert passage.check_upgrade(facts(), "nginx").state == "ok"


@pytest.mark.parametrize("address", ["https://shop.example/club", "https://shop.example/club/chat"])
def test_a_site_below_a_path_may_be_asked_for_by_its_own_address(address):
    target = Target.parse(address, "/chat")
    told = facts(request={"path": f"{target.prefix}/doctor", "mount": "/club"})
    finding, prefix = passage.check_prefix(target, told, "nginx")
    assert (finding.state, prefix) == ("ok", "/club/chat")
    elsewhere = Target.parse("https://shop.example/club/talk", "/chat")
    told = facts(request={"path": "/club/talk/doctor", "mount": "/club"})
    assert passage.check_prefix(elsewhere, told, "nginx")[0].state == "bad"


@pytest.mark.parametrize(
    ("server", "line"),
    [
        ("nginx/1.22.1", "proxy_set_header Host $http_host;"),
        ("Apache/2.4", "ProxyPreserveHost On"),
        ("Caddy", "reverse_proxy …, without `header_up Host`"),
    ],
)
def test_another_host_is_mended_in_the_proxys_own_words(server, line):
    told = facts(seen={"host": "127.0.0.1:8000"}, forwarded={"host": None})
    assert found(told, server)["host"].state == "bad"
    assert found(told, server)["host"].mend == line


def test_a_host_that_is_told_and_not_believed():
    told = facts(seen={"host": "127.0.0.1:8000"}, chat={"trusted_proxies": 0})
    assert found(told)["host"].mend == "CHAT_TRUSTED_PROXIES=1"


def test_a_scheme_that_nobody_knows_is_bad_only_where_it_counts():
    hidden = {"seen": {"scheme": "http"}, "forwarded": {"proto": None}}
    assert found(facts(**hidden))["scheme"].mend == "proxy_set_header X-Forwarded-Proto $scheme;"
    assert found(facts(**hidden))["scheme"].state == "bad"
    assert found(facts(**hidden, chat={"trusted_proxies": 0}))["scheme"].state == "note"


@pytest.mark.parametrize(
    ("forwarded", "trusted", "state", "mend"),
    [
        ("192.0.2.7", 1, "ok", ""),
        (None, 0, "ok", ""),
        ("192.0.2.7", 0, "note", "CHAT_TRUSTED_PROXIES=1"),
        ("192.0.2.7, 198.51.100.1", 1, "note", "CHAT_TRUSTED_PROXIES=2"),
        (None, 1, "note", "CHAT_TRUSTED_PROXIES=0"),
    ],
)
def test_as_many_proxies_are_believed_as_there_are(forwarded, trusted, state, mend):
    told = facts(forwarded={"for": forwarded}, chat={"trusted_proxies": trusted})
    assert found(told)["address"].state == state
    assert mend in found(told)["address"].mend


def test_more_proxies_believed_than_there_are_hide_the_scheme():
    told = facts(seen={"scheme": "http"}, chat={"trusted_proxies": 2})
    assert found(told)["scheme"].state == "bad"
    assert found(told)["scheme"].mend == "CHAT_TRUSTED_PROXIES=1"


def test_a_path_that_the_proxy_changes():
    finding, prefix = passage.check_prefix(SHOP, facts(request={"path": "/doctor"}), "nginx")
    assert "/doctor arrived" in finding.cause
    assert prefix == "/chat"


def test_a_chat_that_lives_elsewhere():
    finding, prefix = passage.check_prefix(SHOP, facts(chat={"prefix": "/talk"}), "nginx")
    assert finding.state == "bad"
    assert prefix == "/talk"


def test_a_site_that_is_mounted_below_a_path():
    below = Target.parse("https://shop.example/site/chat", "/chat")
    told = facts(request={"path": "/site/chat/doctor", "mount": "/site"})
    assert passage.check_prefix(below, told, "nginx")[0].state == "ok"


@pytest.mark.parametrize(
    ("request_", "mend"),
    [
        ({"upgrade": None}, "proxy_set_header Upgrade $http_upgrade;"),
        ({"connection": "close"}, "proxy_set_header Upgrade $http_upgrade;"),
        ({"protocol": "HTTP/1.0"}, "proxy_http_version 1.1;"),
        ({"cookies": []}, "pass the Cookie header on"),
    ],
)
def test_what_of_a_handshake_does_not_arrive(request_, mend):
    finding = passage.check_upgrade(facts(request=request_), "nginx")
    assert finding.state == "bad"
    assert mend in finding.mend


@pytest.mark.parametrize(
    ("cookie", "url", "state", "words"),
    [
        ("; Path=/", "https://shop.example", "ok", ""),
        ("; Domain=shop.example; Path=/", "https://www.shop.example", "ok", ""),
        ("; Domain=.shop.example; Path=/", "https://shop.example", "ok", ""),
        ("; Domain=other.example; Path=/", "https://shop.example", "bad", "SESSION_COOKIE_DOMAIN"),
        ("; Domain=op.example; Path=/", "https://shop.example", "bad", "SESSION_COOKIE_DOMAIN"),
        ("; Domain=shop.example; Path=/", "http://127.0.0.1:8000", "bad", "SESSION_COOKIE_DOMAIN"),
        ("; Path=/admin", "https://shop.example", "bad", "SESSION_COOKIE_PATH"),
        ("; Path=/chat", "https://shop.example", "ok", ""),
        ("; Path=/cha", "https://shop.example", "bad", "SESSION_COOKIE_PATH"),
        ("; Path=/; Secure", "http://shop.example", "bad", "SESSION_COOKIE_SECURE"),
        ("; Path=/; Secure", "https://shop.example", "ok", ""),
        ("; Path=/; Secure; SameSite=None", "https://shop.example", "ok", ""),
        ("; Path=/; SameSite=None", "https://shop.example", "bad", "SESSION_COOKIE_SECURE"),
        ("; Path=/; SameSite=Strict", "http://shop.example", "ok", ""),
        (None, "https://shop.example", "bad", "proxy_hide_header"),
    ],
)
def test_whether_a_browser_keeps_the_cookie_and_sends_it(cookie, url, state, words):
    headers = {} if cookie is None else {"set-cookie": f"{COOKIE}=1{cookie}"}
    finding = passage.check_cookie(Target.parse(url, "/chat"), Reply(200, headers, b"", 0))
    assert finding.state == state
    assert words in finding.mend
