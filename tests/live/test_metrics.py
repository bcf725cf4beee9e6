"""The figures of running servers, against what was done to them."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from .raw import CLOSE, Refused, eventually
from .scrape import PLAIN, scrape


def ask(server, path: str, key: str | None = None, **headers: str) -> int:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    try:
        with urllib.request.urlopen(urllib.request.Request(server.url + path, headers=headers), timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def becomes(server, **expected: float) -> None:
    """These figures come true; names as in `scrape`, with `__` before a label."""
    wanted = {name.replace("__", "{") + ("}" if "__" in name else ""): value for name, value in expected.items()}

    def so() -> bool:
        found = scrape(server)
        return {name: found[name] for name in wanted} == wanted

    eventually(so, what=f"{wanted}")


def test_the_figures_are_what_people_did(server, come, dial):
    before = scrape(server)
    ada, ben, eve = come(server, "1", "ada"), come(server, "2", "ben"), come(server, "2", "ben")
    for number in range(5):
        ada.ask(type="group", gid="lobby", content=f"message {number}")
    ada.ask(type="pm", uid="2", content="psst")
    assert ada.ask(type="group", gid="no-such-room", content="?")["code"] == "unknown_room"
    assert eve.expect("pm", content="psst")
    with pytest.raises(Refused):
        dial(server).handshake("/chat/ws?token=forged")
    with pytest.raises(Refused):
        dial(server).handshake("/chat/ws", [("Origin", "http://evil.example")])
    ben.client.send(CLOSE, b"\x03\xe8")
    ben.closed()
    eve.client.reset()
    becomes(server, connections__websocket=1, people=1, closes_total__1000=1, closes_total__1006=1)
    found = scrape(server)
    assert found["handshakes_total{websocket}"] == 3
    assert found["messages_stored_total{room}"] == 5
    assert found["messages_stored_total{private}"] == 1
    # Five messages to three sockets and the private one to ben's two, beside the news of who came and went.
    assert 17 <= found["deliveries_total"] < 30
    assert found["frames_sent_total"] >= found["deliveries_total"] + 6  # the acks
    assert found["frames_received_total"] >= 10
    assert found["refusals_total{bad_token}"] == 1
    assert found["refusals_total{origin}"] == 1
    assert found["errors_total{unknown_room}"] == 1
    assert found["commit_seconds_count"] > before["commit_seconds_count"]
    assert found["commit_jobs_sum"] - before["commit_jobs_sum"] >= 9  # logins and messages
    assert found["loop_delay_seconds_count"] > 5
    assert found["process_resident_memory_bytes"] > 2**24
    assert found["process_cpu_seconds_total"] > 0.1
    assert 5 < found["process_open_fds"] < found["process_max_fds"]
    assert found["workers"] == 1


def test_a_reader_that_does_not_read_is_seen_before_and_after_the_server_gives_it_up(serve, come):
    server = serve(rate="0")
    ada, ben = come(server, "1", "ada"), come(server, "2", "ben", receive_buffer=4096)
    found = {}

    def waits() -> bool:
        found.update(scrape(server))
        ada.ask(type="group", gid="lobby", content="x" * 4000)
        return found["outbox_bytes"] > 0

    eventually(waits, what="something that waits for ben")
    assert found["slow_connections"] == 1
    dropped = scrape(server)["frames_dropped_total"]  # how many are online may have been news for ben already
    ada.ask(type="typing", gid="lobby")
    eventually(lambda: scrape(server)["frames_dropped_total"] > dropped)

    def gone() -> bool:
        ada.ask(type="group", gid="lobby", content="x" * 4000)
        return scrape(server)["closes_total{4408}"] == 1

    eventually(gone, what="ben's end")
    becomes(server, outbox_bytes=0, slow_connections=0, connections__websocket=1)
    assert ben.client.rest()


def test_who_may_read_them(server):
    key = server.flask("key", "prometheus", "--scope", "metrics").strip()
    other = server.flask("key", "shop", "--scope", "push").strip()
    path = "/chat/metrics"
    assert ask(server, path) == 200
    passed_on = {"X_Forwarded_For": "10.0.0.9"}
    assert ask(server, path, **passed_on) == 401
    assert ask(server, path, key, **passed_on) == 200
    assert ask(server, path, other, **passed_on) == 403
    assert ask(server, path, key[:-1] + "?", **passed_on) == 401


# -- several workers ---------------------------------------------------------------------------------------------------


@pytest.fixture
def site(serve, tmp_path):
    """One site by two servers: the stock one with one chat worker, and two threaded workers beside it."""
    config = tmp_path / "plain.py"
    config.write_text(PLAIN)
    chat = serve(grace_seconds="1")
    options = ("-c", os.fspath(config), "-k", "gthread", "--workers", "2", "--threads", "4")
    threads = serve(*options, env={"SITE_INSTANCE": os.fspath(chat.folder)})
    return chat, threads


def refuse(server, times: int) -> None:
    """Plain visits to the socket's address, several at a time, so that both workers get some."""
    with ThreadPoolExecutor(16) as visitors:
        assert set(visitors.map(lambda _: ask(server, "/chat/ws", Connection="close"), range(times))) == {426}


def refused(server) -> float:
    return scrape(server)["refusals_total{not_websocket}"]


def test_every_worker_answers_for_all_and_totals_outlive_each(site, come):
    chat, threads = site
    people = [come(chat, str(number)) for number in range(3)]
    people[0].ask(type="group", gid="lobby", content="hello")
    began = refused(chat)  # the test's own probes at the start
    asked = 0
    while scrape(chat)["workers"] < 3:  # one that was never asked anything counts nothing
        refuse(threads, 50)
        asked += 50
        assert asked < 5000
    assert refused(threads) == refused(chat) == began + asked
    for server in (chat, threads, threads, threads):
        becomes(
            server, workers=3, connections__websocket=3, handshakes_total__websocket=3, messages_stored_total__room=1
        )

    # A worker is killed and another takes its place: its connections are gone, what it counted stays.
    victim, *_ = threads.workers()
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in threads.workers() and len(threads.workers()) == 2, what="the new worker")
    assert refused(chat) == began + asked
    refuse(threads, 50)
    assert refused(threads) == refused(chat) == began + asked + 50

    [worker] = chat.workers()
    os.kill(worker, signal.SIGKILL)
    becomes(threads, connections__websocket=0, people=0)
    assert scrape(threads)["handshakes_total{websocket}"] == 3
    assert {person.closed().code for person in people} == {1006}
    eventually(lambda: chat.workers() not in ([], [worker]) and ask(chat, "/chat/health") == 200, what="the new worker")
    come(chat, "9")
    becomes(threads, connections__websocket=1, handshakes_total__websocket=4)

    # A reload: every worker ends in order and tells its last figures.
    before = scrape(threads)
    for server in site:
        old = server.workers()
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda server=server, old=old: not set(old) & set(server.workers()), what="the new workers")
    eventually(lambda: ask(chat, "/chat/health") == 200)
    becomes(threads, connections__websocket=0, closes_total__1012=1)
    after = scrape(threads)
    fallen = {name for name in before if name.endswith(("_total", "_count", "_sum")) and after[name] < before[name]}
    assert fallen == set()
    assert len(list((chat.folder / "chat.metrics").glob("*.counts"))) <= 6  # old and new ones side by side
