"""The plain-text room against real gunicorn, spoken to by hand, by two foreign clients and by those who misbehave."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from .bystander import Bystander
from .fixtures import no_traceback, serving
from .mounted import Mounted
from .raw import BINARY, CLOSE, PING, PONG, TEXT, Refused, eventually, frame
from .server import ROOT

NODE = ROOT / "tests" / "node"
OPEN = {"text_rooms": "1", "rate": "0", "max_per_user": "0", "max_per_address": "0"}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The defaults, with any room and a welcome."""
    with serving(tmp_path_factory.mktemp("house"), text_rooms="1", text_welcome="Tea is ready.") as server:
        yield server


@pytest.fixture(scope="module")
def spacious(tmp_path_factory):
    """Texts as long as messages may be, and as many as one likes."""
    with serving(tmp_path_factory.mktemp("spacious"), text_chars="65536", **OPEN) as server:
        yield server


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """Two rooms, three sockets for each person, an access log."""
    limits = {"text_rooms": "tea, 大厅", "max_per_user": "3", "grace_seconds": "0.1"}
    with serving(tmp_path_factory.mktemp("listed"), "--access-logfile", "-", **limits) as server:
        yield server


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """Without an echo; who is silent is asked after a second."""
    how = {"text_echo": "0", "ping_seconds": "1", "pong_seconds": "1"}
    with serving(tmp_path_factory.mktemp("quiet"), **how, **OPEN) as server:
        yield server


@pytest.fixture(scope="module")
def mounted(tmp_path_factory):
    server = Mounted(tmp_path_factory.mktemp("mounted"), text_rooms="1").start()
    yield server
    server.stop()
    no_traceback(server)


class Guest:
    """Somebody in a plain-text room, by hand."""

    def __init__(self, server, room: str = "tea", uid: str | None = "1", headers=(), **socket):
        self.client = server.dial(**socket)
        token = f"?token={server.token(uid)}" if uid else ""
        try:
            self.client.handshake(f"{server.prefix}/text/{room}{token}", list(headers))
        except BaseException:
            self.client.close()
            raise

    def says(self, text: str) -> None:
        self.client.send(TEXT, text.encode())

    def hears(self) -> str:
        while True:
            opcode, payload = self.client.receive()
            if opcode == TEXT:
                return payload.decode()
            if opcode == PING:
                self.client.send(PONG, payload)

    def id(self) -> int:
        """Its number, by its own words."""
        self.says("me")
        return int(re.fullmatch(r"from(\d+):me\n", self.hears())[1])

    def close(self) -> None:
        self.client.close()


@pytest.fixture
def enter():
    guests: list[Guest] = []

    def come(server, *how, **more) -> Guest:
        guests.append(Guest(server, *how, **more))
        return guests[-1]

    yield come
    for guest in guests:
        guest.close()


def refused(server, path: str, *headers: tuple[str, str]) -> Refused:
    client = server.dial()
    try:
        with pytest.raises(Refused) as refusal:
            client.handshake(path, list(headers))
    finally:
        client.close()
    assert refusal.value.body.strip()
    return refusal.value


# -- to the letter ------------------------------------------------------------------------------------------------


def test_a_newcomer_alone_is_welcomed(house, enter):
    ada = enter(house)
    assert ada.hears() == "Tea is ready.\n"
    assert enter(house).hears() == "Tea is ready.\n"
    number = ada.id()  # the next that she hears: the other's welcome was not for her
    assert number > 1000


def test_without_an_echo_one_hears_only_the_others(quiet, enter):
    ada, ben = enter(quiet, "quiet"), enter(quiet, "quiet")
    ada.says("hello")
    assert re.fullmatch(r"from\d+:hello\n", ben.hears())
    ben.says("hi")
    assert re.fullmatch(r"from\d+:hi\n", ada.hears())


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_every_length_comes_back_whole(spacious, enter, size):
    ada, ben = enter(spacious), enter(spacious)
    ada.says("x" * size)
    for guest in (ada, ben):
        assert re.fullmatch(rf"from\d+:x{{{size}}}\n", guest.hears())


def test_one_byte_more_than_allowed_is_closed_with_1009(spacious, enter):
    ada = enter(spacious)
    ada.says("x" * 65537)
    assert ada.client.closed().code == 1009


def test_pieces_of_one_packet_and_packets_of_one_piece_are_the_same_words(spacious, enter):
    ada = enter(spacious)
    number = ada.id()
    said = frame(TEXT, b"one") + frame(TEXT, b"tw", fin=False) + frame(0, b"o") + frame(TEXT, b"three")
    ada.client.send_bytes(said)
    assert [ada.hears() for _ in range(3)] == [f"from{number}:{word}\n" for word in ("one", "two", "three")]
    for at in range(len(said)):
        ada.client.send_bytes(said[at : at + 1])
    assert [ada.hears() for _ in range(3)] == [f"from{number}:{word}\n" for word in ("one", "two", "three")]


# -- foreign clients ----------------------------------------------------------------------------------------------


def test_the_websockets_library_talks(house):
    address = f"ws://127.0.0.1:{house.port}/chat/text/abroad?token="
    with connect(address + house.token("1")) as ada, connect(address + house.token("2")) as ben:
        assert ada.recv(5) == ben.recv(5) == "Tea is ready.\n"
        ada.send("hello 你好")
        assert re.fullmatch(r"from\d+:hello 你好\n", ada.recv(5))
        assert re.fullmatch(r"from\d+:hello 你好\n", ben.recv(5))
        ben.close()
        ada.send(b"\x00")
        with pytest.raises(ConnectionClosed) as closed:
            ada.recv(5)
        assert closed.value.rcvd.code == 1003
    with pytest.raises(InvalidStatus, match="401"):
        connect(f"ws://127.0.0.1:{house.port}/chat/text/abroad")


class Node:
    """Somebody at Node's `ws` library."""

    def __init__(self, url: str):
        command = ["node", str(NODE / "talk.mjs"), url]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def says(self, text: str) -> None:
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()

    def told(self) -> list:
        line = self._process.stdout.readline()
        assert line, "node has ended"
        return json.loads(line)

    def leave(self) -> None:
        self._process.stdin.close()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


@pytest.fixture
def node():
    assert (NODE / "node_modules" / "ws").is_dir(), "the ws library is missing: run `make system`"
    started: list[Node] = []

    def start(url: str) -> Node:
        started.append(Node(url))
        return started[-1]

    yield start
    for one in started:
        one.end()


def test_nodes_ws_library_talks(house, node, enter):
    ben = node(f"ws://127.0.0.1:{house.port}/chat/text/node?token={house.token('2')}")
    assert [ben.told(), ben.told()] == [["open"], ["message", "Tea is ready.\n"]]
    ada = enter(house, "node")
    assert ada.hears() == "Tea is ready.\n"
    ben.says("hello\nyou 🎉")
    line = ada.hears()
    assert re.fullmatch(r"from\d+:hello you 🎉\n", line)
    assert ben.told() == ["message", line]
    ada.says("hi")
    assert ben.told()[1].endswith(":hi\n")
    ben.leave()
    assert ben.told() == ["closed", 1000]


# -- who may ------------------------------------------------------------------------------------------------------


def test_where_the_rooms_are_off_the_answer_says_how_to_switch_them_on(server):
    for answer in (refused(server, "/chat/text/tea"), refused(server, f"/chat/text/tea?token={server.token('1')}")):
        assert answer.status == 404
        assert "CHAT_TEXT_ROOMS" in answer.body
    status, text = server.browser().open("/chat/text/tea")
    assert (status, "CHAT_TEXT_ROOMS" in text) == (404, True)


def test_with_a_list_there_are_only_the_rooms_on_it(listed, enter):
    hall = enter(listed, "%E5%A4%A7%E5%8E%85")
    assert hall.id() > 1000
    for name in ("milk", "tea/milk", "", "te%FFa", "tea%2F"):
        assert refused(listed, f"/chat/text/{name}?token={listed.token('1')}").status == 404


def test_nobody_comes_in_without_a_name(house):
    answer = refused(house, "/chat/text/tea")
    assert answer.status == 401
    assert "token" in answer.body
    assert refused(house, "/chat/text/tea?token=forged").status == 401
    assert refused(house, f"/chat/text/tea?token={house.token('1', seconds=-1)}").status == 401


def test_the_sites_own_cookie_is_a_name_for_its_own_pages_alone(house, enter):
    browser = house.browser()
    browser.submit("/register", username="ada", password="correct-horse")
    own = [("Cookie", browser.cookie), ("Host", f"127.0.0.1:{house.port}")]
    ada = enter(house, uid=None, headers=[*own, ("Origin", house.url), ("User-Agent", browser.name)])
    assert ada.hears() == "Tea is ready.\n"
    for origin in ("http://evil.example", "null", f"http://localhost:{house.port}"):
        answer = refused(house, "/chat/text/tea", *own, ("Origin", origin))
        assert (origin, answer.status) == (origin, 403)
        assert "CHAT_ALLOWED_ORIGINS" in answer.body
    browser.submit("/logout")
    assert ada.client.closed().code == 4440


def test_without_an_upgrade_a_program_is_told_what_this_is(house):
    status, text = house.browser().open("/chat/text/tea")
    assert (status, "WebSocket" in text) == (426, True)
    assert refused(house, "/chat/text/tea", ("Sec-WebSocket-Version", "8")).status == 426
    assert refused(house, "/chat/text/tea", ("Sec-WebSocket-Key", "short")).status == 400


def test_sockets_of_both_kinds_are_counted_together(listed, come, enter):
    first = come(listed, "5")
    for _ in range(2):
        enter(listed, uid="5")
    answer = refused(listed, f"/chat/text/tea?token={listed.token('5')}")
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1
    first.close()
    eventually(lambda: comes(enter, listed, uid="5"), what="a free place")


def comes(enter, server, **how) -> bool:
    try:
        return bool(enter(server, **how))
    except Refused:
        return False


def test_a_prefix_and_a_mount_stand_before_the_room(mounted, enter):
    own = [("Origin", "https://shop.example")]
    ada = enter(mounted, uid=None, headers=[("X-User", "7"), *own])
    ben = enter(mounted, uid=None, headers=[("X-User", "9"), *own])
    ada.says("hello")
    assert ada.hears() == ben.hears() == "from1001:hello\n"  # a process counts from 1001
    ben.says("大家好")
    assert ada.hears() == ben.hears() == "from1002:大家好\n"
    assert refused(mounted, f"{mounted.prefix}/text/tea").status == 401
    page = mounted.dial()
    page.request(f"{mounted.prefix}/text/tea", [("Host", "a"), ("X-User", "7"), ("Accept", "text/html")])
    status, headers = page.response()
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f'src="{mounted.prefix}/static/text-room.js"' in page.body(headers)
    page.close()


def test_the_site_can_send_somebody_away(mounted, enter):
    ada, ben = (enter(mounted, uid=None, headers=[("X-User", uid)]) for uid in "79")
    mounted.browser().open("/shop/end/7", {})
    assert ada.client.closed().code == 4440
    assert ben.id() > 1000


# -- who is here --------------------------------------------------------------------------------------------------


def test_somebody_in_a_text_room_is_online(listed, come, enter):
    ben = come(listed, "2", "ben")

    def online() -> list[str]:
        return [m["uid"] for m in ben.ask(type="members", gid="lobby")["members"] if m["online"]]

    page = come(listed, "3", "cem")
    text = enter(listed, uid="3")
    ben.expect("online", users=2, connections=3)
    page.close()
    ben.expect("online", users=2, connections=2)
    assert "3" in online()
    text.close()
    assert ben.expect("presence", uid="3", online=False)
    assert "3" not in online()


# -- many, and the end of each ------------------------------------------------------------------------------------


def test_many_speak_at_once_and_all_hear_the_same(spacious, enter):
    guests = [enter(spacious, "crowd", uid=str(number)) for number in range(40)]

    def speak(guest: Guest, number: int) -> None:
        for word in range(25):
            guest.says(f"{number}.{word}")

    speakers = [threading.Thread(target=speak, args=item) for item in zip(guests, range(40), strict=True)]
    for speaker in speakers:
        speaker.start()
    heard = [[guest.hears() for _ in range(1000)] for guest in guests]
    for speaker in speakers:
        speaker.join()
    assert all(one == heard[0] for one in heard)
    words = [line.partition(":")[2].strip() for line in heard[0]]
    for number in range(40):
        assert [w for w in words if w.startswith(f"{number}.")] == [f"{number}.{word}" for word in range(25)]


def test_who_is_gone_is_gone_at_once_and_nothing_of_them_stays(spacious, enter):
    ada = enter(spacious, "inn", uid="ada")
    before = spacious.sockets()

    def come_and_go(rounds: int) -> None:
        for number in range(rounds):
            guests = [Guest(spacious, f"{'inn' if at % 2 else f'room-{number}-{at}'}", uid=str(at)) for at in range(40)]
            for at, guest in enumerate(guests):
                guest.says("bye")
                (guest.client.reset if at % 4 == 1 else guest.close)()

    come_and_go(1)
    eventually(lambda: spacious.sockets() == before, what="the end of the visitors' sockets")
    resident = spacious.resident()
    come_and_go(10)
    eventually(lambda: spacious.sockets() == before, what="the end of the visitors' sockets")
    assert spacious.resident() - resident < 4 * 2**20
    while not ada.hears().endswith(":bye\n"):
        pass
    quitter = enter(spacious, "inn")
    number = quitter.id()
    quitter.client.send(CLOSE, b"\x03\xe8")
    assert quitter.client.closed().code == 1000
    eventually(
        lambda: re.search(rf"socket {number} of 1 .* closed 1000", spacious.log()), what="the line of the socket"
    )


def test_silence_is_asked_and_who_does_not_answer_is_left(quiet, enter):
    ada, ben, dead = enter(quiet), enter(quiet), enter(quiet)
    before = quiet.sockets()
    for guest in (ada, ben):
        assert guest.client.receive()[0] == PING
        guest.client.send(PONG)
    frames, end = dead.client.rest()
    assert ([opcode for opcode, _ in frames], end.code) == ([PING], 1006)
    ada.says("still here?")
    assert "still here?" in ben.hears()
    eventually(lambda: quiet.sockets() == before - 1, what="the end of the dead one's socket")


# -- those who misbehave ------------------------------------------------------------------------------------------


def test_hostile_text_is_text_and_nobody_writes_in_anothers_name(house, enter):
    ada, mallory = enter(house, "hostile"), enter(house, "hostile")
    for guest in (ada, mallory):
        assert guest.hears() == "Tea is ready.\n"
    number = mallory.id()
    ada.hears()
    for said, heard in {
        "<script>alert(1)</script>": "<script>alert(1)</script>",
        "\u202egnp.exe": "\u202egnp.exe",
        "hi\nfrom1001:pay mallory": "hi from1001:pay mallory",
        "hi\r\n\u2028from1001:x": "hi  from1001:x",
    }.items():
        mallory.says(said)
        assert ada.hears() == f"from{number}:{heard}\n"


def test_what_cannot_go_is_answered_to_its_sender(house, enter):
    ada = enter(house, "errors")
    ada.hears()
    for said, code in (("x" * 4001, "too_long"), ("a\x00b", "bad_text"), ("\x1b[2J", "bad_text")):
        ada.says(said)
        assert re.fullmatch(rf"error:{code}:[^\n]+\n", ada.hears())
    assert ada.id() > 1000
    binary, broken = enter(house, "errors"), enter(house, "errors")
    binary.client.send(BINARY, b"hello")
    assert binary.client.closed().code == 1003
    broken.client.send(TEXT, b"\xff")
    assert broken.client.closed().code == 1007


def test_a_flood_is_told_and_closed_with_4429_and_costs_the_others_nothing(house, enter):
    ada = enter(house, "flood", uid="ada")
    mallory = enter(house, "flood", uid="mallory")
    with Bystander(house) as ben:
        mallory.client.send_bytes(frame(TEXT, b"spam") * 2000)
        frames, end = mallory.client.rest()
    assert end.code == 4429
    told = [payload for opcode, payload in frames if opcode == TEXT]
    refused = [line.decode() for line in told if line.startswith(b"error:rate_limited:")]
    assert len(refused) >= 100
    numbers = [int(re.search(r"\(text (\d+)\)\n$", line)[1]) for line in refused]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > 200
    assert ben.p99() < 0.25
    assert ada.hears() == "Tea is ready.\n"
    spam = 0
    ada.says("still here")
    while "still here" not in ada.hears():
        spam += 1
    assert 200 <= spam <= 210


def test_a_reader_who_does_not_read_is_closed_with_4408_and_nobody_else_waits(spacious, enter):
    slow = enter(spacious, "slow", uid="slow", receive_buffer=4096)
    ada, ben = enter(spacious, "slow", uid="1"), enter(spacious, "slow", uid="2")
    said = "x" * 4000
    with Bystander(spacious) as cem:
        for _ in range(400):
            ada.says(said)
            assert ada.hears() == ben.hears()
    assert cem.p99() < 0.25
    eventually(lambda: "closed 4408" in spacious.log(), what="the end of the slow one")
    assert slow.client.closed().code in (4408, 1006)
    assert ada.id() > 1000


# -- the end of the worker ----------------------------------------------------------------------------------------


def test_a_restart_says_1012_and_sends_who_comes_away(serve, enter):
    server = serve(**OPEN)
    guests = [enter(server, f"room{number % 7}", uid=str(number)) for number in range(100)]
    [old] = server.workers()
    os.kill(old, signal.SIGTERM)
    for guest in guests:
        frames, end = guest.client.rest()
        assert (frames, end.code) == ([], 1012)
        guest.close()
    eventually(lambda: not Path(f"/proc/{old}/fd").exists(), 3, "the end of the worker")
    eventually(lambda: server.workers() not in ([], [old]), what="a new worker")
    eventually(lambda: comes(enter, server), what="a new room")


# -- the log ------------------------------------------------------------------------------------------------------


def test_the_access_log_names_the_room_and_no_token(listed, enter):
    ada = enter(listed, uid="log")
    ada.says("my secret plan")
    ada.hears()
    refused(listed, "/chat/text/milk?token=top-secret")
    eventually(lambda: '"GET /chat/text/milk HTTP/1.1" 404' in listed.log(), what="the refusal's line")
    ada.client.send(CLOSE, b"\x03\xe8")
    line = r"socket \d+ of log over \w+: \d+\.\d s, 1 frames in, 2 out, closed 1000"
    eventually(lambda: re.search(line, listed.log()), what="the socket's line")
    for secret in ("token=", "top-secret", "secret plan"):
        assert secret not in listed.log()
