import logging

import pytest

from legacy_chat.web import hints

WHOLE = {
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": "shop.example",
    "HTTP_CONNECTION": "keep-alive, Upgrade",
    "HTTP_UPGRADE": "WebSocket",
    "HTTP_SEC_WEBSOCKET_KEY": "x3JJHMbDL1EzLkh9GBhXDw==",
}


def came(**changes):
    return {name: value for name, value in {**WHOLE, **changes}.items() if value is not None}


def test_a_whole_handshake_and_a_plain_visit_lack_nothing():
    assert hints.missing(came()) is None
    assert hints.missing({"SERVER_PROTOCOL": "HTTP/1.0", "HTTP_HOST": "shop.example"}) is None


@pytest.mark.parametrize(
    ("changes", "named", "line"),
    [
        ({"HTTP_UPGRADE": None}, "without the Upgrade header:", "proxy_set_header Upgrade $http_upgrade;"),
        ({"HTTP_CONNECTION": "close"}, "without the Connection header:", 'proxy_set_header Connection "upgrade";'),
        ({"SERVER_PROTOCOL": "HTTP/1.0"}, "without HTTP/1.1:", "proxy_http_version 1.1;"),
    ],
)
def test_what_is_missing_is_named_with_the_line_that_mends_it(changes, named, line):
    words = hints.missing(came(**changes))
    assert named in words
    assert line in words


def test_all_that_is_missing_is_named_at_once():
    words = hints.missing(came(SERVER_PROTOCOL="HTTP/1.0", HTTP_UPGRADE=None, HTTP_CONNECTION="close"))
    assert "without HTTP/1.1 and the Upgrade header and the Connection header:" in words


def test_a_foreign_origin_without_a_proxy_is_just_foreign():
    assert "proxy" not in hints.foreign(came(HTTP_ORIGIN="https://evil.example"))


@pytest.mark.parametrize("origin", ["x1://shop.example", "null", "", "//shop.example", "http://[::1"])
def test_what_no_browser_would_send_is_not_repeated_and_adds_no_new_complaint(origin):
    seen = came(HTTP_ORIGIN=origin, HTTP_X_FORWARDED_FOR="192.0.2.7")
    assert hints.foreign(seen) == hints.foreign(came(HTTP_ORIGIN="https://evil.example"))


def test_behind_a_proxy_the_host_may_be_what_is_wrong():
    seen = came(HTTP_ORIGIN="https://shop.example", HTTP_HOST="127.0.0.1:8000", HTTP_X_FORWARDED_FOR="192.0.2.7")
    assert "proxy_set_header Host $http_host;" in hints.foreign(seen)
    assert "CHAT_ALLOWED_ORIGINS" in hints.foreign(seen)


def test_behind_a_proxy_the_scheme_may_be_what_is_wrong():
    seen = came(HTTP_ORIGIN="https://shop.example", HTTP_VIA="1.1 front")
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in hints.foreign(seen)


def test_a_fault_is_told_once_a_minute(monkeypatch, caplog):
    now = [1000.0]
    monkeypatch.setattr(hints, "monotonic", lambda: now[0])
    complaints = hints.Complaints()
    with caplog.at_level(logging.WARNING):
        for seconds in (0, 59, 1, 1):
            now[0] += seconds
            complaints.tell("no Upgrade", came(HTTP_ORIGIN="https://evil.example\n"))
        complaints.tell("no Connection", came())
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        "no Upgrade",
        "no Upgrade",
        "no Connection",
    ]
    assert "\n" not in caplog.text.splitlines()[0]
    assert r"'https://evil.example\n'" in caplog.text
