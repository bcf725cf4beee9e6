import pytest

from legacy_chat.doctor.target import Clock, Reply, Target


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://shop.example", ("https", "shop.example", 443, "/chat")),
        ("https://shop.example/", ("https", "shop.example", 443, "/chat")),
        ("shop.example:8080/talk/", ("http", "shop.example", 8080, "/talk")),
        ("wss://shop.example/site/chat/ws", ("https", "shop.example", 443, "/site/chat")),
        ("http://[::1]:8000", ("http", "::1", 8000, "/chat")),
    ],
)
def test_an_address_is_understood_as_people_write_it(url, found):
    target = Target.parse(url, "/chat")
    assert (target.scheme, target.host, target.port, target.prefix) == found


@pytest.mark.parametrize("url", ["ftp://shop.example", "https://", "http://shop.example:port"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValueError):
        Target.parse(url, "/chat")


def test_the_origin_is_what_a_browser_says():
    assert Target.parse("https://shop.example:443/chat", "/chat").origin == "https://shop.example"
    assert Target.parse("http://[::1]:8000", "/chat").origin == "http://[::1]:8000"


@pytest.mark.parametrize(
    ("host", "same"),
    [
        ("shop.example", True),
        ("Shop.Example:443", True),
        ("shop.example:8000", False),
        ("127.0.0.1:8000", False),
        ("", False),
    ],
)
def test_a_host_header_may_name_the_default_port_or_not(host, same):
    assert Target.parse("https://shop.example", "/chat").same_host(host) == same


def test_an_ipv6_address_is_a_host_too():
    assert Target.parse("http://[::1]:8000", "/chat").same_host("[::1]:8000")
    assert Target.parse("http://[::1]", "/chat").same_host("[::1]")


def test_an_answer_is_quoted_by_its_first_line_and_pages_are_not():
    assert Reply(400, {}, b"too many\ncooks", 0).words == "too many"
    assert Reply(400, {}, b"<html>", 0).words == ""
    assert Reply(400, {}, b"<html>", 0).json is None


def test_no_answer_is_waited_for_longer_than_is_left():
    assert 0 < Clock().one <= 3
