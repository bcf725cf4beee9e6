"""Presence over the life of a server: page changes, reloads and restarts are nothing, a kill for good is.

Whoever watches has a page open all the time, and pages that come and go in a moment show that rounds went by.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from legacy_chat.actions.parts import Parts
from legacy_chat.actions.webhooks import Webhooks
from legacy_chat.backplane.memory import MemoryBackplane
from legacy_chat.settings import load
from legacy_chat.storage.database import Database

from .raw import Person, eventually
from .server import Server, free_port

GRACE, LEASE = 2.0, 3.0
OPEN = {"max_per_user": "0", "max_per_address": "0", "rate": "0"}


class Site(Server):
    app = "hosts.presence:app"

    def __init__(self, folder: Path, *options: str, **settings: str):
        super().__init__(folder, "--chdir", str(Path(__file__).parent), *options, **settings)

    def crossings(self) -> list[str]:
        path = self.folder / "crossings"
        return path.read_text().split("\n")[:-1] if path.exists() else []

    def notes(self) -> tuple[list[str], list[str]]:
        return self.crossings(), self.webhooks()

    def webhooks(self) -> list[str]:
        """What was stored for the webhook, in the words of `crossings`."""
        with closing(sqlite3.connect(self.folder / "chat.sqlite")) as file:
            found = file.execute("SELECT type, body FROM chat_deliveries ORDER BY id").fetchall()
        words = {"user.online": "came", "user.offline": "went"}
        return [f"{json.loads(body)['data']['uid']} {words[kind]}" for kind, body in found]

    def rows(self) -> list[tuple[str, int]]:
        """`(uid, online)` of everybody who was ever here."""
        with closing(sqlite3.connect(self.folder / "chat.sqlite")) as file:
            return file.execute("SELECT uid, max(online) FROM chat_presence GROUP BY uid ORDER BY uid").fetchall()


@pytest.fixture
def site(tmp_path, migrated_file):
    """With a webhook at whose address nobody listens: what is to be sent stays in the log of deliveries."""
    shutil.copy(migrated_file, tmp_path / "chat.sqlite")
    add_webhook(tmp_path / "chat.sqlite", f"http://127.0.0.1:{free_port()}/")
    times = {"grace_seconds": str(GRACE), "lease_seconds": str(LEASE)}
    site = Site(tmp_path, webhook_private="1", **times, **OPEN).start()
    yield site
    site.stop()
    assert "Traceback" not in site.log(), site.log()


def add_webhook(file: Path, url: str) -> None:
    database = Database(f"sqlite:///{file}")
    parts = Parts(load({"CHAT_WEBHOOK_PRIVATE": "1"}, {}), database, MemoryBackplane())
    Webhooks(parts).create(url, ["user.online", "user.offline"])
    database.close()


def presence_of(person: Person, uid: str) -> list[dict]:
    """What this page was told of somebody by now."""
    person.ask(type="ping")
    return [frame for frame in person.waiting if frame["type"] == "presence" and frame["uid"] == uid]


def let_rounds_pass(site: Site, come, name: str) -> None:
    """Until somebody new was announced and is gone again: by then every earlier absence is over as well."""
    passer = come(site, name, name)
    eventually(lambda: f"{name} came" in site.crossings(), what=f"{name} coming")
    passer.close()
    eventually(lambda: f"{name} went" in site.crossings(), what=f"{name} going")


def of(site: Site, uid: str) -> list[str]:
    """Who came and went, as the callbacks saw it and as the webhooks will tell it."""
    called, stored = ([line for line in lines if line.startswith(f"{uid} ")] for lines in site.notes())
    return called if called == stored else [f"{called} but {stored}"]


def test_ben_comes_turns_away_and_goes_and_ada_hears_it(site, come):
    ada = come(site, "1", "ada")
    ben = come(site, "2", "ben")
    assert ada.expect("presence", uid="2") == {"type": "presence", "uid": "2", "online": True}
    ben.ask(type="away", away=True)
    assert ada.expect("presence", uid="2") == {"type": "presence", "uid": "2", "online": True, "away": True}
    ben_in_list = next(m for m in ada.ask(type="members", gid="lobby")["members"] if m["uid"] == "2")
    assert ben_in_list == {"uid": "2", "name": "ben", "online": True, "away": True}
    ben.ask(type="away", away=False)
    assert ada.expect("presence", uid="2") == {"type": "presence", "uid": "2", "online": True}
    left = time.time() * 1000
    ben.close()
    gone = ada.expect("presence", uid="2")
    assert gone["online"] is False
    assert abs(gone["seen"] - left) < 2500
    assert time.time() * 1000 - left >= GRACE * 1000
    member = next(m for m in ada.ask(type="members", gid="lobby")["members"] if m["uid"] == "2")
    assert member == {"uid": "2", "name": "ben", "online": False, "seen": gone["seen"]}
    eventually(lambda: of(site, "2") == ["2 came", "2 went"])


def test_a_page_change_and_ten_reloads_cause_nothing(site, come):
    ada, ben = come(site, "1", "ada"), come(site, "2", "ben")
    ada.expect("presence", uid="2", online=True)
    for _ in range(10):
        ben.close()
        ben = come(site, "2", "ben")
    ben.close()
    time.sleep(GRACE / 2)  # a page that takes its time to load
    ben = come(site, "2", "ben")
    let_rounds_pass(site, come, "cleo")
    assert presence_of(ada, "2") == []
    eventually(lambda: of(site, "2") == ["2 came"])


def test_three_tabs_are_one_person_until_the_last_is_closed(site, come):
    ada = come(site, "1", "ada")
    tabs = [come(site, "2", "ben") for _ in range(3)]
    assert ada.expect("online", connections=4)["users"] == 2
    ada.expect("presence", uid="2", online=True)
    for tab in tabs[:2]:
        tab.close()
    assert ada.expect("online", connections=2)["users"] == 2
    let_rounds_pass(site, come, "cleo")
    assert presence_of(ada, "2") == []
    tabs[2].close()
    assert ada.expect("presence", uid="2")["online"] is False
    eventually(lambda: of(site, "2") == ["2 came", "2 went"])


def test_a_hup_causes_nothing_not_even_for_who_is_away(site, come):
    ada, ben = come(site, "1", "ada"), come(site, "2", "ben")
    ben.ask(type="away", away=True)
    ada.expect("presence", uid="2", online=True, away=True)
    for _ in range(2):
        [old] = site.workers()
        site.process.send_signal(signal.SIGHUP)
        for person in (ada, ben):
            person.expect("drain")
            assert person.closed().code == 1012
        eventually(lambda old=old: old not in site.workers() and len(site.workers()) == 1, what="the new worker")
        ada, ben = come(site, "1", "ada"), come(site, "2", "ben")
        ben.ask(type="away", away=True)
        let_rounds_pass(site, come, f"passer{old}")
        assert presence_of(ada, "2") == []
    eventually(lambda: (of(site, "1"), of(site, "2")) == (["1 came"], ["2 came"]))
    ben.close()
    assert ada.expect("presence", uid="2")["online"] is False


def test_a_stop_and_a_start_cause_nothing_for_who_comes_back(site, come):
    come(site, "1", "ada")
    come(site, "2", "ben")
    eventually(lambda: (of(site, "1"), of(site, "2")) == (["1 came"], ["2 came"]))
    site.stop()
    site.start()
    ada = come(site, "1", "ada")
    assert ada.expect("presence", uid="2")["online"] is False
    eventually(lambda: of(site, "2") == ["2 came", "2 went"])
    assert of(site, "1") == ["1 came"]


def test_a_worker_killed_for_good_ends_in_offline_within_lease_and_grace(site, come):
    come(site, "1", "ada")
    come(site, "2", "ben")
    eventually(lambda: site.rows() == [("1", 1), ("2", 1)])
    [worker] = site.workers()
    killed = time.monotonic()
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: site.workers() not in ([], [worker]), what="the next worker")
    ada = come(site, "1", "ada")  # she comes back, ben does not
    eventually(lambda: of(site, "2") == ["2 came", "2 went"], timeout=30)
    took = time.monotonic() - killed
    assert GRACE < took < LEASE + GRACE + 3, took  # rounds are a second apart
    assert ada.expect("presence", uid="2")["online"] is False
    assert site.rows() == [("1", 1), ("2", 0)]
    assert of(site, "1") == ["1 came"]


def test_all_are_killed_and_nobody_returns_and_still_they_are_offline(site, come):
    """Without a single socket after the restart: the worker looks by itself."""
    come(site, "1", "ada")
    eventually(lambda: site.rows() == [("1", 1)])
    eventually(lambda: of(site, "1") == ["1 came"])  # a hook that was not called yet dies with the worker
    site.kill()
    site.start()
    eventually(lambda: of(site, "1") == ["1 came", "1 went"], timeout=30)
    assert site.rows() == [("1", 0)]
