"""Nothing blocks the event loop for more than 5 ms, whatever people do; the watchdog names who did."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest

from .raw import Person
from .server import Server

CROWD = 1000


class Watched(Server):
    app = "tests.live.watched:app"

    def blocked(self) -> list[dict]:
        """Each stretch that was too long: `ms`, and the `stack` in the middle of it."""
        file = self.folder / "blocked"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def cores():
    """One core for the server, another for the people: what they do must not look like the server's doing."""
    allowed = os.sched_getaffinity(0)
    ours, *others = sorted(allowed)
    os.sched_setaffinity(0, others or [ours])
    yield ours
    os.sched_setaffinity(0, allowed)


@pytest.fixture
def watched(tmp_path, cores):
    env = {"WATCHDOG_FILE": str(tmp_path / "blocked")}
    server = Watched(tmp_path, env=env, rate="0", max_per_user="0", max_per_address="0").start()
    os.sched_setaffinity(server.workers()[0], [cores])
    yield server
    server.stop()


def blame(stretches: list[dict]) -> str:
    return "\n".join("\n  ".join((f"{s['ms']} ms, {s['cpu_ms']} worked", *s["stack"][-6:])) for s in stretches)


def culprits(stretches: list[dict], measure: str = "ms") -> set[str]:
    """Who was seen blocking three times: the kernel and the machine may stumble over an innocent."""
    long = [s for s in stretches if s[measure] > 5]
    names = [s["stack"][-1].split()[-1] if s["stack"] else "?" for s in long]
    return {name for name in names if names.count(name) > 2}


def test_the_watchdog_names_who_blocks(watched):
    browser = watched.browser()
    browser.open("/watch")
    browser.open("/block")
    assert any("block_on_purpose" in "".join(stretch["stack"]) for stretch in watched.blocked())


@pytest.fixture
def crowd(watched):
    """Connections, not logged in yet, and the watchdog awake; what is done once is done by then."""
    browser = watched.browser()
    browser.submit("/register", username="ada", password="correct horse")
    browser.open("/chat/")
    people = [Person(watched, str(uid), f"p{uid}") for uid in range(1, CROWD + 1)]
    browser.open("/watch")
    yield people
    for person in people:
        person.close()


def test_a_rush_of_logins_keeps_the_loop_working_in_small_pieces(watched, crowd):
    """The writer's thread, busy with a hundred newcomers, may hold the interpreter; nobody holds the loop."""
    log_in_all(crowd)
    stretches = watched.blocked()
    assert not culprits(stretches, "cpu_ms"), blame(stretches)


def test_bursts_history_and_a_page_amid_a_crowd_block_nobody(watched, crowd):
    log_in_all(crowd)
    before = len(watched.blocked())
    speak(crowd)
    watched.browser().submit("/register", username="ben", password="correct horse")
    for person in crowd[:50]:
        person.ask(type="history", gid="lobby", limit=100)
    stretches = watched.blocked()[before:]
    assert not culprits(stretches), blame(stretches)


def log_in_all(crowd: list[Person]) -> None:
    for start in range(0, len(crowd), 100):
        some = crowd[start : start + 100]
        for person in some:
            person.send(type="login")
        for person in some:
            person.expect("login")


def speak(crowd: list[Person]) -> None:
    """Ten people, each a burst and then one message at a time; everybody hears all of it."""
    for person in crowd[:10]:
        for number in range(10):
            person.send(type="group", gid="lobby", content=f"{number} " + "x" * 150)
    readers = [threading.Thread(target=hear, args=(crowd[part::4], 110)) for part in range(4)]
    for reader in readers:
        reader.start()
    for person in crowd[:10]:
        person.send(type="group", gid="lobby", content="hello")
        time.sleep(0.05)  # the pace of a quiet room
    for reader in readers:
        reader.join(60)
        assert not reader.is_alive()


def hear(people: list[Person], count: int) -> None:
    for person in people:
        for _ in range(count):
            person.expect("groupPm")
        person.waiting.clear()
