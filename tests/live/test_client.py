"""Ada and ben talk through the Python client, with a real server that is killed under them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from legacy_chat.client import Client, Closed
from legacy_chat.core import frames

from .raw import eventually
from .server import ROOT

GUIDE = ROOT / "docs" / "howto" / "python-client.md"
MESSAGES = (frames.GroupPm, frames.PrivatePm)


@pytest.fixture
def enter():
    """`enter(server, "1", "ada")` is a connected client, closed after the test."""
    clients: list[Client] = []

    def come(server, uid: str, name: str | None = None, **how) -> Client:
        clients.append(Client(f"{server.url}/chat", token=server.token(uid, name), **how).connect())
        return clients[-1]

    yield come
    for client in clients:
        client.close()


def hear(client: Client, count: int) -> list[frames.GroupPm | frames.PrivatePm]:
    """The next `count` messages; other events are passed over."""
    heard: list[frames.GroupPm | frames.PrivatePm] = []
    while len(heard) < count:
        event = client.receive(20)
        assert event is not None, f"only {len(heard)} of {count} messages came"
        if isinstance(event, MESSAGES):
            heard.append(event)
    return heard


def test_ada_and_ben_talk_while_the_server_is_killed_and_started_again(serve, enter):
    server = serve()
    ada, ben = enter(server, "1", "ada"), enter(server, "2", "ben")

    def talk(client: Client, to: str) -> list[int]:
        private = [client.pm(to, f"{client.name} {n}", timeout=30).seq for n in range(20)]
        return private + [client.group("lobby", f"{client.name} {n}", timeout=30).seq for n in range(20)]

    with ThreadPoolExecutor(2) as pool:
        acked = [pool.submit(talk, ada, "2"), pool.submit(talk, ben, "1")]
        first = hear(ada, 10)
        server.kill()
        server.start()
        seqs = [seq for result in acked for seq in result.result()]
    assert sorted(seqs) == sorted([*range(1, 41), *range(1, 41)])
    heard = {"ada": first + hear(ada, 70), "ben": hear(ben, 80)}
    for messages in heard.values():
        for kind in MESSAGES:
            assert [m.seq for m in messages if isinstance(m, kind)] == list(range(1, 41))
    texts = [{(type(m), m.seq): (m.uid, m.content, m.mid, m.ts, m.id) for m in messages} for messages in heard.values()]
    assert texts[0] == texts[1]
    assert ada.online
    assert ben.online


def test_more_than_is_replayed_is_fetched_page_by_page(serve, enter):
    server = serve(rate="0")
    ada = enter(server, "1", "ada")
    server.flask("room", "tea", "--member", "1")
    ada.group("tea", "first")
    hear(ada, 1)
    cursor = ada.cursor
    ada.close()
    ben = enter(server, "2", "ben")
    ben.request("join", gid="tea")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: ben.group("tea", f"text {n}"), range(301)))
        list(pool.map(lambda n: ben.pm("1", f"text {n}"), range(301)))
    back = enter(server, "1", "ada", resume=cursor)
    ben.group("tea", "you are back")
    heard = hear(back, 302 + 301)
    assert [m.seq for m in heard if isinstance(m, frames.GroupPm)] == list(range(2, 304))
    assert [m.seq for m in heard if isinstance(m, frames.PrivatePm)] == list(range(1, 302))
    assert back.cursor.seqs == {"g:lobby": 0, "g:tea": 303, "p:2": 301}


@pytest.mark.timed
def test_two_threads_may_speak_at_once_and_a_burst_is_slowed_not_refused(serve, enter):
    server = serve(rate="100/20")
    ada = enter(server, "1", "ada")
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        acks = list(pool.map(lambda n: ada.group("lobby", f"text {n}"), range(60)))
    assert 0.4 <= time.monotonic() - began < 4
    assert sorted(ack.seq for ack in acks) == list(range(1, 61))
    assert {m.seq: m.content for m in hear(ada, 60)} == {ack.seq: f"text {n}" for n, ack in enumerate(acks)}


def test_the_cookie_of_a_browser_opens_the_client_and_a_forged_one_does_not(serve):
    server = serve()
    browser = server.browser()
    browser.submit("/register", username="ada", password="correct-horse")
    with Client(f"{server.url}/chat", cookie=browser.cookie) as ada:
        assert ada.name == "ada"
        assert [room.gid for room in ada.login.groups] == ["lobby"]
        assert ada.request("members", gid="lobby").members == [frames.MemberEntry("1", "ada", True)]
    with pytest.raises(Closed) as closed:
        Client(f"{server.url}/chat", cookie="session=forged").connect()
    assert closed.value.code == 4401


def test_a_client_that_is_invited_and_leaves_follows_along(serve, enter):
    server = serve()
    ada, ben = enter(server, "1", "ada"), enter(server, "2", "ben")
    gid = ada.request("create", name="Plans", private=True).room.gid
    ada.group(gid, "before ben")
    ada.request("invite", gid=gid, uid="2")
    ada.group(gid, "welcome")
    assert [m.content for m in hear(ben, 1)] == ["welcome"]
    ben.request("leave", gid=gid)
    ada.group(gid, "he is gone")
    ada.group("lobby", "all there?")
    assert [m.content for m in hear(ben, 1)] == ["all there?"]
    assert f"g:{gid}" not in ben.cursor.seqs


def test_the_end_of_a_client_leaves_no_thread_and_no_socket(serve, enter):
    server = serve()
    threads, sockets = threading.active_count(), server.sockets()
    for _ in range(3):
        enter(server, "1", "ada").close()
    eventually(lambda: threading.active_count() == threads, what="the library's own thread is gone")
    enter(server, "1", "ada").close()
    assert server.sockets() <= sockets + 1


def test_it_works_in_a_process_patched_by_gevent(serve):
    server = serve()
    program = f"""
from gevent import monkey; monkey.patch_all()
from legacy_chat.client import Client
with Client({server.url!r} + "/chat", token={server.token("1", "ada")!r}) as ada:
    ada.pm("1", "note to self")
    print(next(event.content for event in ada if hasattr(event, "content")))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("note to self\n", "")


@pytest.fixture
def guide(tmp_path):
    """`guide(server, uid, n)` runs the n-th program of the how-to as that person."""
    programs = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.S)
    running: list[subprocess.Popen] = []

    def run(server, uid: str, number: int) -> subprocess.Popen:
        program = programs[number].replace("https://shop.example/chat", f"{server.url}/chat")
        env = {**os.environ, "BOT_TOKEN": server.token(uid, f"bot {uid}"), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", program]
        running.append(subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.communicate()


def result(process: subprocess.Popen) -> str:
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return out


def test_the_bot_of_the_guide_answers(serve, enter, guide):
    server = serve()
    ada = enter(server, "1", "ada")
    guide(server, "bot", 0)
    while not any(member.uid == "bot" and member.online for member in ada.request("members", gid="lobby").members):
        assert ada.receive(10), "the bot does not come"
    ada.group("lobby", "!hello")
    assert [m.content for m in hear(ada, 2)] == ["!hello", "Hello ada!"]


def test_the_back_end_of_the_guide_says_it_once_however_often_it_runs(serve, enter, guide):
    server = serve()
    customer = enter(server, "7", "ada")
    assert [result(guide(server, "shop", 1)) for _ in range(2)] == ["committed as number 1\n"] * 2
    assert [m.content for m in hear(customer, 1)] == ["Order 42 is on its way."]
    assert result(guide(server, "shop", 2)) == "['ada', 'bot shop']\n"


def test_the_program_of_the_guide_goes_on_where_it_stopped(serve, enter, guide):
    server = serve()
    ada = enter(server, "1", "ada")
    for texts in ((), ("one", "two"), (), ("three",)):
        for text in texts:
            ada.pm("bot", text)
        assert result(guide(server, "bot", 3)) == "".join(f"ada wrote {text}\n" for text in texts)


def test_the_program_of_the_guide_that_polls_says_so(serve, guide):
    assert result(guide(serve("-k", "sync"), "bot", 4)) == "polling 1\n"
