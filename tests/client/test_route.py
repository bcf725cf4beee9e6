"""Straight to the chat, or over the proxy that the environment names."""

from __future__ import annotations

import base64
import socket
import threading

import pytest

from legacy_chat.client.route import Route

from .desk import Desk

ADA = "Basic " + base64.b64encode(b"ada:p@ss").decode()


@pytest.fixture(autouse=True)
def _no_proxy_from_outside(monkeypatch):
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_a_proxy_the_chat_is_dialled_itself():
    route = Route("https://shop.example:8443/chat/poll")
    connection = route.dial(3.0)
    assert (connection.host, connection.port, connection.timeout) == ("shop.example", 8443, 3.0)
    assert (route.target, route.headers) == ("/chat/poll", {})
    assert Route("https://shop.example/chat/poll").dial(3.0).port == 443


def test_a_proxy_is_told_the_whole_address(desk, ada, monkeypatch):
    came = []

    def scene(desk: Desk) -> None:
        came.append(desk.login())

    monkeypatch.setenv("http_proxy", desk(scene).removesuffix("/chat").replace("//", "//ada:p%40ss@"))
    assert ada("http://shop.example/chat", transport="polling").uid == "1"
    assert came[0].path == "http://shop.example/chat/poll"
    assert came[0].headers["Host"] == "shop.example"
    assert came[0].headers["Proxy-Authorization"] == ADA


def test_tls_goes_through_a_tunnel(monkeypatch):
    heard: list[bytes] = []

    def proxy(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client:
            heard.append(client.recv(65536))
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            heard.append(client.recv(1))  # the tunnel begins with a TLS record

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=proxy, args=(listener,))
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://ada:p%40ss@127.0.0.1:{listener.getsockname()[1]}")
        route = Route("https://shop.example/chat/poll")
        assert (route.target, route.headers) == ("/chat/poll", {})
        connection = route.dial(5.0)
        with pytest.raises(OSError):
            connection.connect()
        thread.join(10)
    assert heard[0].startswith(b"CONNECT shop.example:443 HTTP/1.")
    assert f"Proxy-Authorization: {ADA}".encode() in heard[0]
    assert heard[1] == b"\x16"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "http://"])
def test_a_proxy_that_speaks_something_else_is_passed_over(monkeypatch, proxy):
    monkeypatch.setenv("http_proxy", proxy)
    assert Route("http://shop.example/chat/poll").dial(1.0).host == "shop.example"


def test_hosts_may_be_spared(monkeypatch):
    monkeypatch.setenv("http_proxy", "127.0.0.1:3128")
    monkeypatch.setenv("no_proxy", "shop.example")
    assert Route("http://shop.example/chat/poll").dial(1.0).host == "shop.example"
    assert Route("http://other.example/chat/poll").dial(1.0).host == "127.0.0.1"
