"""How many may come, how long they may take, and how the server knows that they are still there."""

from __future__ import annotations

import time

import pytest

from .fixtures import serving
from .raw import PING, PONG, TEXT, Closed, Refused, eventually

pytestmark = pytest.mark.timed


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The defaults."""
    with serving(tmp_path_factory.mktemp("house")) as server:
        yield server


def refused(come, server, *who, **how) -> Refused:
    """The refusal that somebody gets, who comes too much."""
    with pytest.raises(Refused) as refusal:
        come(server, *who, **how)
    assert refusal.value.status == 503
    assert int(refusal.value.headers["retry-after"]) >= 1
    assert refusal.value.body
    return refusal.value


def forwarded(address: str, **more: str) -> list[tuple[str, str]]:
    return [("X-Forwarded-For", address), *((name.replace("_", "-"), value) for name, value in more.items())]


# -- how many -----------------------------------------------------------------------------------------------------


def test_ada_may_open_ten_tabs(house, come):
    tabs = [come(house, "1", "ada") for _ in range(10)]
    refused(come, house, "1", "ada")
    come(house, "2", "ben")
    tabs[0].close()
    eventually(lambda: comes(come, house, "1"), what="a free place")
    refused(come, house, "1", "ada")


def comes(come, *who, **how) -> bool:
    try:
        return bool(come(*who, **how))
    except Refused:
        return False


def test_a_name_that_comes_with_the_login_counts_too(house, come):
    for _ in range(10):
        come(house, "3", "cem")
    late = come(house, login=False)
    late.send(type="login", token=house.token("3", "cem"))
    assert late.expect("error")["code"] == "unavailable"
    assert late.closed().code == 1013


def test_logging_in_again_on_the_same_socket_counts_once(house, come):
    dan = come(house, login=False)
    for _ in range(12):
        dan.login(token=house.token("4", "dan"))
    for _ in range(9):
        come(house, "4", "dan")
    refused(come, house, "4", "dan")


def test_fifty_may_come_from_one_address(house, come):
    for number in range(50):
        come(house, f"n{number}", source="127.0.0.3", login=False)
    refused(come, house, "ada", source="127.0.0.3")
    come(house, "ada", source="127.0.0.4")


def test_an_address_is_not_believed_to_whoever_says_it(house, come):
    for number in range(50):
        come(house, f"n{number}", source="127.0.0.5", headers=forwarded(f"192.0.2.{number}"), login=False)
    refused(come, house, "mallory", source="127.0.0.5", headers=forwarded("192.0.2.99"))


def test_twenty_at_one_moment_find_no_way_round_the_limit(serve, dial):
    server = serve(max_per_user="3")
    clients = [dial(server) for _ in range(20)]
    for client in clients:
        headers = [
            ("Host", "127.0.0.1"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw=="),
        ]
        client.request(f"/chat/ws?token={server.token('1', 'ada')}", headers)
    answers = [client.response()[0] for client in clients]
    assert sorted(answers) == [101] * 3 + [503] * 17


def test_behind_a_trusted_proxy_each_client_has_its_own_address(serve, come):
    server = serve(trusted_proxies="1", max_per_address="2")
    for address in ("192.0.2.1", "192.0.2.2"):
        # What stands before the last address was sent by the client itself.
        come(server, "1", headers=forwarded(f"198.51.100.7, {address}"))
        come(server, "2", headers=forwarded(address))
        refused(come, server, "3", headers=forwarded(f"203.0.113.9, {address}"))
    secure = forwarded("192.0.2.3", X_Forwarded_Proto="https", X_Forwarded_Host="shop.example")
    come(server, "4", headers=[*secure, ("Origin", "https://shop.example")])
    with pytest.raises(Refused) as refusal:
        come(server, "4", headers=[*secure, ("Origin", "http://shop.example")])
    assert refusal.value.status == 403


def test_a_full_worker_still_serves_its_pages(serve, come):
    server = serve("--worker-connections", "10", max_connections="20", max_per_address="0")
    people = [come(server, str(number)) for number in range(20)]
    refused(come, server, "ada")
    assert server.browser().open("/login")[0] == 200
    people[0].close()
    eventually(lambda: comes(come, server, "ada"), what="a free place")


# -- how long -----------------------------------------------------------------------------------------------------


def test_deadlines_of_the_handshake_and_of_the_login(serve, come, dial):
    server = serve(header_seconds="1", login_seconds="1")
    began = time.monotonic()
    silent, slow = dial(server), dial(server)
    slow.send_bytes(b"GET /chat/ws HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    nobody, ada = come(server, login=False), come(server, "1", "ada", login=False)
    ben = come(server, "2", "ben")
    assert nobody.closed().code == 4401
    assert ada.closed().code in (4401, 1008)
    with pytest.raises(Closed):
        silent.response()
    assert slow.response()[0] == 400
    with pytest.raises(Closed):
        slow.response()
    assert 1.0 < time.monotonic() - began < 4.0
    assert ben.ask(type="ping")["type"] == "pong"


def test_a_page_that_is_left_open_keeps_its_connection_to_the_site(serve, dial):
    """The header deadline is for the first request; a kept connection may wait longer for its next one."""
    server = serve(header_seconds="1")
    client = dial(server)
    for _ in range(2):
        client.request("/login", [("Host", "127.0.0.1")])
        status, headers = client.response()
        assert status == 200
        client.body(headers)
        time.sleep(1.5)  # longer than the deadline


# -- who is still there -------------------------------------------------------------------------------------------


def test_silence_is_asked_and_any_byte_is_an_answer(serve, come):
    server = serve(ping_seconds="1", pong_seconds="1", grace_seconds="0.1")
    polite, quiet, dead = come(server, "1"), come(server, "2"), come(server, "3")
    assert polite.hello["ping"] == 1
    asked, ends = {polite: 0, quiet: 0}, time.monotonic() + 5
    for person in asked:
        person.client.socket.settimeout(0.3)
    while time.monotonic() < ends:
        for person in asked:
            try:
                opcode, payload = person.client.receive()
            except TimeoutError:
                continue
            if opcode == PING:
                asked[person] += 1
                if person is polite:
                    person.client.send(PONG, payload)
                else:
                    person.client.send_bytes(b"\x81")  # the first byte of a frame that may come some day
                    person.client.send_bytes(b"\x80mask")
    assert asked[polite] >= 2
    assert asked[quiet] >= 2
    frames, end = dead.client.rest()
    assert end.code == 1006
    assert [opcode for opcode, _ in frames].count(PING) == 1
    members = polite.ask(type="members", gid="lobby")["members"]
    assert [member["uid"] for member in members if member["online"]] == ["1", "2"]


def test_a_server_that_stood_still_blames_nobody(serve, come):
    server = serve(ping_seconds="1", pong_seconds="1")
    people = [come(server, str(number)) for number in range(20)]
    asked = people[0]
    while asked.client.receive()[0] != PING:
        pass  # from here on the pong is awaited
    with server.stalled(5):
        pass
    for person in people:
        person.client.send(PONG)
        person.client.send(TEXT, b'{"type":"ping","id":"still here"}')
    for person in people:
        assert person.expect("pong")["id"] == "still here"


def test_who_logged_in_while_the_server_stood_still_is_logged_in(serve, come):
    server = serve(login_seconds="2", frame_seconds="2")
    ada, ben = come(server, "1", "ada", login=False), come(server, "2", "ben", login=False)
    ben.client.send_bytes(b"\x81\x90mask")  # the rest of ben's login comes while nobody looks
    with server.stalled(4):
        ada.send(type="login")
        ben.client.send_bytes(bytes(a ^ b for a, b in zip(b'{"type":"login"}', b"mask" * 4, strict=True)))
    assert ada.expect("login")["uid"] == "1"
    assert ben.expect("login")["uid"] == "2"
