"""May people be sent to this worker? Asked of running servers, in good days and bad ones."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
import time
import urllib.error
import urllib.request

import pytest

from .fixtures import full_disk
from .raw import Refused, eventually
from .scrape import PLAIN

GOOD = {"worker": "ok", "room": "ok", "store": "ok"}


def ask(server, path: str = "") -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(f"{server.url}/chat/health{path}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.timed
def test_a_running_server_may_be_sent_people_and_answers_at_once(server, come):
    come(server, "1", "ada")
    assert ask(server) == ask(server, "/ready") == (200, {"live": True, "ready": True, "checks": GOOD})
    assert ask(server, "/live") == (200, {"live": True})
    took = []
    for _ in range(50):
        began = time.monotonic()
        ask(server)
        took.append(time.monotonic() - began)
    assert sorted(took)[25] < 0.05  # the connection and this machine's other work included


def test_a_worker_that_ends_is_not_ready_and_lives_until_it_is_gone(serve, come):
    server = serve()
    silent = [
        come(server, str(number)) for number in range(3)
    ]  # nobody answers the close, so the farewell takes a while
    seen: list[tuple[int, dict]] = []
    over = threading.Event()

    def probe() -> None:
        while not over.is_set():
            try:
                seen.append(ask(server))
                seen.append(ask(server, "/live"))
            except (OSError, ValueError):
                return

    prober = threading.Thread(target=probe)
    prober.start()
    eventually(lambda: seen, what="the first answer")
    server.stop(signal.SIGTERM)
    over.set()
    prober.join()
    draining = {"live": True, "ready": False, "checks": {**GOOD, "worker": "draining"}}
    assert (503, draining) in seen
    last = seen.index((503, draining))
    assert (200, {"live": True}) in seen[last:]
    assert {person.closed().code for person in silent} == {1012}


def test_a_full_worker_is_not_ready_until_somebody_goes(serve, come):
    server = serve(max_connections="2", max_per_address="0")
    ada, _ = come(server, "1"), come(server, "2")
    assert ask(server) == (503, {"live": True, "ready": False, "checks": {**GOOD, "room": "full"}})
    with pytest.raises(Refused) as refusal:
        come(server, "3")
    assert refusal.value.status == 503
    ada.close()
    eventually(lambda: ask(server)[0] == 200, what="room")


def test_a_store_that_is_broken_is_told_and_the_pages_live_on(serve, come):
    server = serve()
    ada = come(server, "1", "ada")
    with sqlite3.connect(server.folder / "chat.sqlite") as store:
        store.execute("ALTER TABLE chat_messages RENAME TO hidden")
    eventually(lambda: ask(server) == (503, {"live": True, "ready": False, "checks": {**GOOD, "store": "away"}}))
    assert ask(server, "/live")[0] == 200
    assert ada.ask(type="ping")["type"] == "pong"
    with sqlite3.connect(server.folder / "chat.sqlite") as store:
        store.execute("ALTER TABLE hidden RENAME TO chat_messages")
    eventually(lambda: ask(server)[0] == 200)


def test_a_disk_that_is_full_is_told_though_reading_goes_on(serve, come):
    server = serve()
    ada = come(server, "1", "ada")
    with full_disk(server):
        answer = ada.ask(type="group", gid="lobby", content="there is no room")
        assert (answer["type"], answer["code"]) == ("error", "unavailable")
        away = {"live": True, "ready": False, "checks": {**GOOD, "store": "away"}}
        ends = time.monotonic() + 5  # meanwhile it is tried again, and something that writes nothing may succeed
        while time.monotonic() < ends:
            assert ask(server) == (503, away)
            time.sleep(0.1)
    eventually(lambda: ask(server)[0] == 200, what="room")
    assert ada.ask(type="group", gid="lobby", content="there is room again")["type"] == "ack"


def test_threaded_workers_are_ready_as_well(serve, tmp_path):
    config = tmp_path / "plain.py"
    config.write_text(PLAIN)
    server = serve("-c", os.fspath(config), "-k", "gthread", "--threads", "4")
    assert ask(server) == (200, {"live": True, "ready": True, "checks": GOOD})
