import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.core.handshake import Acceptance, Refusal, answer, same_origin

GOOD = {
    "REQUEST_METHOD": "GET",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": "shop.example",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_UPGRADE": "websocket",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "x3JJHMbDL1EzLkh9GBhXDw==",
}


def ask(**changes):
    """The answer to a good request with some variables changed; None takes one away."""
    return answer({name: value for name, value in {**GOOD, **changes}.items() if value is not None})


def test_the_key_of_the_rfc_gets_the_answer_of_the_rfc():
    accepted = ask()
    assert isinstance(accepted, Acceptance)
    assert dict(accepted.headers) == {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": "HSmrc0sMlYUkAGmm5OPpG2HaGWk=",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"HTTP_CONNECTION": "keep-alive, Upgrade"},
        {"HTTP_CONNECTION": "UPGRADE"},
        {"HTTP_UPGRADE": "WebSocket"},
        {"CONTENT_LENGTH": "0"},
        {"CONTENT_LENGTH": ""},
        {"HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate; client_max_window_bits"},
    ],
)
def test_what_browsers_and_proxies_send_is_accepted(changes):
    assert isinstance(ask(**changes), Acceptance)


def test_no_extension_is_ever_agreed_to():
    accepted = ask(HTTP_SEC_WEBSOCKET_EXTENSIONS="permessage-deflate")
    assert "Sec-WebSocket-Extensions" not in dict(accepted.headers)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"HTTP_SEC_WEBSOCKET_KEY": "not base64!"}, id="key not base64"),
        pytest.param({"HTTP_SEC_WEBSOCKET_KEY": "é" * 16}, id="key not ASCII"),
        pytest.param({"HTTP_SEC_WEBSOCKET_KEY": base64.b64encode(b"x" * 15).decode()}, id="key of 15 bytes"),
        pytest.param({"HTTP_SEC_WEBSOCKET_KEY": None}, id="no key"),
        pytest.param({"HTTP_SEC_WEBSOCKET_KEY": f"{GOOD['HTTP_SEC_WEBSOCKET_KEY']},{'A' * 22}=="}, id="two keys"),
        pytest.param({"HTTP_CONNECTION": "notupgrade"}, id="Connection: notupgrade"),
        pytest.param({"HTTP_CONNECTION": None}, id="no Connection"),
        pytest.param({"HTTP_CONNECTION": "@@@"}, id="Connection that cannot be read"),
        pytest.param({"HTTP_UPGRADE": "notwebsocket"}, id="Upgrade: notwebsocket"),
        pytest.param({"HTTP_UPGRADE": "websocket;;"}, id="Upgrade that cannot be read"),
        pytest.param({"SERVER_PROTOCOL": "HTTP/1.0"}, id="HTTP/1.0"),
        pytest.param({"HTTP_HOST": None}, id="no Host"),
        pytest.param({"HTTP_HOST": ""}, id="empty Host"),
        pytest.param({"HTTP_HOST": "shop.example,evil.example"}, id="two Hosts"),
        pytest.param({"CONTENT_LENGTH": "5"}, id="a body"),
        pytest.param({"HTTP_TRANSFER_ENCODING": "chunked"}, id="a chunked body"),
        pytest.param({"REQUEST_METHOD": "POST"}, id="POST"),
        pytest.param({"HTTP_SEC_WEBSOCKET_PROTOCOL": "chat,,@"}, id="sub-protocols that cannot be read"),
    ],
)
def test_a_malformed_handshake_is_a_bad_request(changes):
    refusal = ask(**changes)
    assert isinstance(refusal, Refusal)
    assert refusal.status == "400 Bad Request"
    assert refusal.message


@pytest.mark.parametrize("version", ["8", "0", "12", "", None, "13, 8"])
def test_another_version_is_told_which_one_is_spoken(version):
    refusal = ask(HTTP_SEC_WEBSOCKET_VERSION=version)
    assert refusal.status == "426 Upgrade Required"
    assert ("Sec-WebSocket-Version", "13") in refusal.headers


@pytest.mark.parametrize("changes", [{"HTTP_UPGRADE": None}, {"HTTP_UPGRADE": "h2c"}])
def test_a_plain_request_is_told_what_this_address_is_for(changes):
    refusal = ask(**changes)
    assert refusal.status == "426 Upgrade Required"
    assert {("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")} <= set(refusal.headers)
    assert "WebSocket client" in refusal.message


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        ("chat", "chat"),
        ("chat, superchat", "chat"),
        ("superchat,chat", "chat"),
        ("superchat", None),
        ("Chat", None),
        (None, None),
    ],
)
def test_the_sub_protocol_is_answered_when_it_is_offered_as_one_exact_token(offered, agreed):
    assert dict(ask(HTTP_SEC_WEBSOCKET_PROTOCOL=offered).headers).get("Sec-WebSocket-Protocol") == agreed


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.text(max_size=30)))
def test_no_request_however_odd_makes_it_raise(changes):
    assert isinstance(ask(**changes), Acceptance | Refusal)


@pytest.mark.parametrize(
    ("origin", "host", "allowed", "same"),
    [
        ("http://shop.example", "shop.example", (), True),
        ("https://shop.example", "shop.example", (), True),
        ("https://SHOP.example", "shop.EXAMPLE", (), True),
        ("https://shop.example:443", "shop.example", (), True),
        ("http://shop.example", "shop.example:80", (), True),
        ("http://shop.example:8000", "shop.example:8000", (), True),
        ("http://[::1]:8000", "[::1]:8000", (), True),
        ("http://shop.example:8001", "shop.example:8000", (), False),
        ("http://shop.example", "shop.example:8000", (), False),
        ("https://shop.example", "shop.example:80", (), False),
        ("https://evil.example", "shop.example", (), False),
        ("https://shop.example.evil.example", "shop.example", (), False),
        ("https://evil.example/shop.example", "shop.example", (), False),
        ("null", "shop.example", (), False),
        ("", "shop.example", (), False),
        ("file://", "shop.example", (), False),
        ("http://shop.example:port", "shop.example", (), False),
        ("http://[::1", "shop.example", (), False),
        ("http://shop.example", "[::1", (), False),
        ("http://shop.example", "shop.example:port", (), False),
        ("https://partner.example", "shop.example", ("https://partner.example",), True),
        ("https://PARTNER.example/", "shop.example", ("https://partner.example",), True),
        ("http://partner.example", "shop.example", ("https://partner.example",), False),
        ("null", "shop.example", ("*",), True),
    ],
)
def test_whose_page_may_use_the_cookie_of_the_site(origin, host, allowed, same):
    assert same_origin(origin, host, "http", allowed) is same


def test_the_scheme_counts_where_it_can_be_trusted():
    assert same_origin("https://shop.example", "shop.example", "https", (), trust_scheme=True)
    assert not same_origin("http://shop.example", "shop.example", "https", (), trust_scheme=True)


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_origin_and_no_host_make_the_comparison_raise(origin, host):
    assert same_origin(origin, host, "http", ()) in (True, False)
    assert same_origin(f"http://{origin}", host, "http", ()) in (True, False)
