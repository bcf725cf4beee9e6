"""TLS in gunicorn itself: the same promises over wss."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import threading
import time

import pytest

from legacy_chat.client import Client
from legacy_chat.core.frames import PrivatePm

from .fixtures import serving
from .raw import BINARY, CLOSE, TEXT, RawClient, eventually, frame

MIB = 2**20


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """What a server needs to speak TLS: its options, and what clients believe."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    options = ("--certfile", str(certificate), "--keyfile", str(key))
    return options, ssl.create_default_context(cafile=str(certificate))


@pytest.fixture(scope="module")
def house(secured, tmp_path_factory):
    options, tls = secured
    limits = {"rate": "0", "max_per_user": "0", "max_per_address": "0", "header_seconds": "1", "grace_seconds": "1"}
    with serving(tmp_path_factory.mktemp("house"), *options, tls=tls, test_echo="1", **limits) as server:
        yield server


def test_messages_of_all_sizes_come_back(house, dial):
    client = dial(house)
    client.handshake("/chat/test/echo")
    for size in (0, 1, 125, 126, 65535, 65536, MIB, 8 * MIB):
        for opcode in (TEXT, BINARY):
            client.send(opcode, b"x" * size)
            assert client.receive() == (opcode, b"x" * size)
    client.send(CLOSE, b"\x03\xe8bye")
    end = client.closed()
    assert (end.code, end.reason) == (1000, "bye")


def test_many_frames_in_one_record_and_one_frame_in_many(house, dial):
    client = dial(house)
    client.handshake("/chat/test/echo")
    client.send_bytes(b"".join(frame(TEXT, b"%d" % number) for number in range(1000)))
    assert [client.receive()[1] for _ in range(1000)] == [b"%d" % number for number in range(1000)]
    for octet in frame(TEXT, "Grüße".encode()):
        client.send_bytes(bytes([octet]))
    assert client.receive() == (TEXT, "Grüße".encode())


def test_ada_and_ben_talk(house, come):
    ada, ben = come(house, "1", "ada"), come(house, "2", "ben")
    for number in range(50):
        content = f"{number} " + "𝕏" * 3900
        ada.ask(type="group", gid="lobby", content=content)
        assert ben.expect("groupPm")["content"] == content


def test_a_page_of_the_site_may_connect_only_from_https(house, come, dial):
    host = f"localhost:{house.port}"
    come(house, "1", headers=[("Host", host), ("Origin", f"https://{host}")])
    client = dial(house)
    client.request("/chat/ws", [("Host", host)])
    assert client.response()[0] == 426


def test_a_slow_reader_is_closed_and_costs_nobody_anything(house, come):
    ada, mallory = come(house, "1", "ada"), come(house, "6", "mallory", receive_buffer=4096)
    start = house.resident()

    def gone() -> bool:
        ada.ask(type="group", gid="lobby", content="𝕏" * 4000)
        members = ada.ask(type="members", gid="lobby")["members"]
        return "6" not in [member["uid"] for member in members if member["online"]]

    eventually(gone, what="mallory's end")
    assert mallory.closed().code == 4408
    assert house.resident() - start < 8 * MIB


def test_connections_leave_nothing_behind(house, come):
    watcher = come(house, "watcher")
    before = house.sockets()

    def come_and_go() -> None:
        people = [come(house, str(number)) for number in range(40)]
        raw = [RawClient(house.address) for _ in range(10)]  # not even a TLS hello
        for client in raw[:5]:
            client.send_bytes(b"GET /chat/ws HTTP/1.1\r\n\r\n")
        for client in raw[5:]:
            client.reset()
        for person in people[::4]:
            person.client.send(CLOSE, b"\x03\xe8")
            assert person.closed().code == 1000
        for person in people[1::4]:
            person.client.reset()
        for person in people[2::4]:
            person.client.send(TEXT, b"x", mask=False)
            assert person.closed().code == 1002
        for leaving in (*people, *raw):
            leaving.close()
        eventually(lambda: watcher.ask(type="ping") and house.sockets() == before, what="the end of everybody")

    come_and_go()
    start = house.resident()
    for _ in range(4):
        come_and_go()
    assert house.resident() - start < 4 * MIB

    def alone() -> bool:
        members = watcher.ask(type="members", gid="lobby")["members"]
        return [member["uid"] for member in members if member["online"]] == ["watcher"]

    eventually(alone, what="the end of everybody's grace")


def test_silent_peers_do_not_hang_a_small_site(secured, serve):
    """They hold a place each until the header deadline, whether they began TLS or not."""
    options, tls = secured
    server = serve("--worker-connections", "5", *options, tls=tls, header_seconds="1")
    silent = [RawClient(server.address) for _ in range(5)]
    page = server.dial()
    page.request("/login", [("Host", "localhost"), ("Connection", "close")])
    assert page.response()[0] == 200
    for client in (page, *silent):
        client.close()


@pytest.mark.timed
def test_a_restart_is_told_over_tls_too(secured, serve, come):
    options, tls = secured
    server = serve(*options, tls=tls, max_per_address="0", max_per_user="0")
    people = [come(server, str(number % 5)) for number in range(50)]
    page = server.dial()  # a browser keeps it open
    page.request("/login", [("Host", "localhost")])
    assert page.response()[0] == 200
    silent = RawClient(server.address)
    took = []
    stopping = threading.Thread(target=lambda: took.append(server.stop(signal.SIGTERM)))
    stopping.start()
    for person in people:
        frames, end = person.client.rest()
        assert end.code == 1012
        assert "drain" in [json.loads(payload)["type"] for opcode, payload in frames if opcode == TEXT]
    stopping.join()
    assert took[0] < 3
    page.close()
    silent.close()


@pytest.mark.timed
@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_the_python_client_talks_over_tls_and_leaves_at_once(house, transport):
    how = {"transport": transport, "ssl": house.tls}
    url = f"https://localhost:{house.port}/chat"
    ada, ben = f"ada-{transport}", f"ben-{transport}"
    with Client(url, token=house.token(ada), **how) as adas, Client(url, token=house.token(ben), **how) as bens:
        for number in range(20):
            assert adas.pm(ben, f"text {number}").seq == number + 1
        heard = [event.content for event in iter(lambda: bens.receive(1), None) if isinstance(event, PrivatePm)]
        assert heard == [f"text {number}" for number in range(20)]
        assert adas.transport == transport
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("legacy_chat")] == []
