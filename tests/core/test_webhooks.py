import base64
import datetime
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.core.webhooks import (
    Outcome,
    Webhook,
    check_events,
    check_secret,
    check_url,
    encode_body,
    is_public,
    make_secret,
    next_try,
    pause,
)
from legacy_chat.errors import BadRequest

DAY = (5, 30, 120, 600, 3600, 10800, 21600, 43200)


def test_the_body_says_what_when_and_the_data():
    body = json.loads(encode_body("user.online", {"uid": "7"}, 1_700_000_000_123))
    assert body == {"type": "user.online", "timestamp": "2023-11-14T22:13:20.123Z", "data": {"uid": "7"}}
    assert datetime.datetime.fromisoformat("2023-11-14T22:13:20.123+00:00").timestamp() == 1_700_000_000.123


def test_a_webhook_on_a_log_line_shows_no_secret():
    assert "whsec" not in repr([Webhook(1, "https://a.example/?token=t", ["user.online"], "whsec_abc", 0)])


# -- what is allowed ------------------------------------------------------------------------------------------------


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_that_was_made_may_be_given_again(random):
    assert check_secret(make_secret(random)) == make_secret(random)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "a" * 40,
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        "whsec_" + base64.b64encode(b"x" * 32).decode().replace("e", "!"),
        "whsec_é",
    ],
)
def test_a_secret_that_guards_nothing_is_refused(secret):
    with pytest.raises(BadRequest):
        check_secret(secret)


def test_events_are_kept_once_each():
    assert check_events(["message.created", "user.online", "message.created"]) == ["user.online", "message.created"]


@pytest.mark.parametrize("events", [[], ["user.born"], ["user.online", ""]])
def test_events_that_never_happen_are_refused(events):
    with pytest.raises(BadRequest):
        check_events(events)


@pytest.mark.parametrize(
    "url",
    ["https://shop.example", "http://shop.example:8080/a/b?c=d%20e", "https://93.184.216.34/", "http://[2606::1]/"],
)
def test_a_webhook_may_lead_to_the_open_internet(url):
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "//shop.example/",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "unix:///run/docker.sock",
        "https://",
        "https:///path",
        "https://user@shop.example/",
        "https://user:password@shop.example/",
        "https://shop.example/#part",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example:http/",
        "https://shop.example/a b",
        "https://shop.example/a\r\nX-Header: 1",
        "https://商店.example/",
        "https://shop.example\\@inner/",
        "http://[fe80::1%25eth0]/",
        "http://[::1",
        "https://shop.example/" + "a" * 2000,
    ],
)
@pytest.mark.parametrize("private", [False, True])
def test_what_is_no_address_of_a_web_server_is_refused(url, private):
    with pytest.raises(BadRequest):
        check_url(url, private)


INNER = [
    "http://localhost/",
    "http://a.localhost:81/",
    "http://127.0.0.1/",
    "https://[::1]/",
    "http://169.254.169.254/",
]


@pytest.mark.parametrize("url", INNER)
def test_the_inner_network_is_for_those_who_allow_it(url):
    with pytest.raises(BadRequest, match="CHAT_WEBHOOK_PRIVATE"):
        check_url(url)
    assert check_url(url, private=True) == url


@given(st.text(st.sampled_from("htps:/[]@#?%.:1a\\ \x00é"), max_size=30))
def test_no_text_as_an_address_raises_anything_but_a_refusal(text):
    for url in (text, "http://" + text):
        with suppress(BadRequest):
            check_url(url)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1"),
        *("172.31.255.255", "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:a00:1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "::127.0.0.1", "4000::1"),
    ],
)
def test_an_inner_address_is_known_in_every_guise(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet_are_open(address):
    assert is_public(address)


def test_a_name_is_no_address():
    with pytest.raises(ValueError):
        is_public("shop.example")


# -- when -----------------------------------------------------------------------------------------------------------


@given(st.integers(1, len(DAY)), st.floats(0, 1))
def test_a_failed_try_is_followed_by_the_next_wait_spread_by_a_fifth(attempts, chance):
    wait = DAY[attempts - 1] * 1000
    assert 0.8 * wait <= next_try(attempts, DAY, chance) <= 1.2 * wait


def test_a_delivery_is_given_up_after_about_a_day():
    assert next_try(len(DAY) + 1, DAY, 0.5) is None
    assert next_try(1, (), 0.5) is None
    assert 20 < sum(next_try(attempts, DAY, 0.5) for attempts in range(1, len(DAY) + 1)) / 3_600_000 < 26


def test_a_receiver_that_fails_again_and_again_is_asked_once_a_minute():
    assert [pause(failures, DAY) for failures in (0, 1, 2, 3, 4, 99)] == [0, 5, 30, 60, 60, 60]
    assert pause(3, ()) == 0


@pytest.mark.parametrize(
    ("outcome", "taken", "gone"),
    [
        (Outcome(200), True, False),
        (Outcome(204), True, False),
        (Outcome(302), False, False),
        (Outcome(410), False, True),
        (Outcome(500), False, False),
        (Outcome(error="no answer"), False, False),
    ],
)
def test_only_2xx_is_a_yes_and_only_410_a_final_no(outcome, taken, gone):
    assert (outcome.taken, outcome.gone) == (taken, gone)
