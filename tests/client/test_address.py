"""One address that people know, and those that are made of it."""

from __future__ import annotations

import pytest

from legacy_chat.client import Client
from legacy_chat.client.address import Address, read


@pytest.mark.parametrize(
    ("url", "socket", "poll", "site"),
    [
        ("http://a.example/chat", "ws://a.example/chat/ws", "http://a.example/chat/poll", "http://a.example"),
        ("https://a.example:8443/chat/", "wss://a.example:8443/chat/ws", "https://a.example:8443/chat/poll", None),
        ("ws://127.0.0.1:8000/chat/ws", "ws://127.0.0.1:8000/chat/ws", "http://127.0.0.1:8000/chat/poll", None),
        (
            "wss://a.example/a/chat/ws",
            "wss://a.example/a/chat/ws",
            "https://a.example/a/chat/poll",
            "https://a.example",
        ),
    ],
)
def test_the_socket_and_the_polls_are_below_the_prefix(url, socket, poll, site):
    assert read(url) == Address(socket, poll, site or poll.removesuffix("/chat/poll"))


@pytest.mark.parametrize("url", ["shop.example/chat", "ftp://shop.example/chat", "https:///chat"])
def test_another_kind_of_address_is_refused(url):
    with pytest.raises(ValueError, match="must be like"):
        Client(url)
