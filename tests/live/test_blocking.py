"""Nothing blocks the event loop for more than 5 ms, whatever people do; the watchdog names who did."""

from __future__ import annotations

import json
import os
import threading
import time
from urllib.request import Request, urlopen

import pytest
from receiver import Receiver, certify

from legacy_chat.backplane.relay import Relay
from legacy_chat.core.push import Errand, Push, Pushed

from .raw import Person, eventually
from .server import Server

pytestmark = pytest.mark.timed

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
    server = Watched(tmp_path, env=env, rate="0", max_per_user="0", max_per_address="0", grace_seconds="1").start()
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

    def named() -> bool:  # once the stretch is over, which the answer does not wait for
        return any("block_on_purpose" in "".join(stretch["stack"]) for stretch in watched.blocked())

    eventually(named, what="the name")


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


def test_pushes_to_everybody_and_to_a_thousand_people_block_nobody(watched, crowd):
    log_in_all(crowd)
    before = len(watched.blocked())
    relay, uids = Relay(str(watched.folder)), [str(uid) for uid in range(1, CROWD + 1)]
    for number in range(5):
        to_all = Push(all=True, content=f"hello {number}")
        assert relay.hand_over(Errand(to_all, f"all:{number}")) == Pushed(CROWD, CROWD, 0)
        to_each = Push(uids=uids, content=f"hello {number}", durable=True)
        assert relay.hand_over(Errand(to_each, f"each:{number}")) == Pushed(CROWD, CROWD, CROWD)
        to_room = Push(gid="lobby", content=f"hello {number}", durable=True)
        assert relay.hand_over(Errand(to_room, f"room:{number}")) == Pushed(CROWD, CROWD, 1)
    stretches = watched.blocked()[before:]
    assert not culprits(stretches), blame(stretches)


def test_a_thousand_who_go_and_come_back_in_rooms_of_fifty_are_told_in_small_pieces(watched, crowd):
    """More than 49,000 pairs of somebody and who is told; what one of them is told comes together."""
    log_in_all(crowd)
    watched.flask("room", *(f"room{number}" for number in range(20)))
    for number, person in enumerate(crowd):
        person.ask(type="join", gid=f"room{number % 20}")
    stay, go = crowd[:20], crowd[20:]
    uids = [[str(uid) for uid in range(number + 21, CROWD + 1, 20)] for number in range(20)]
    before = len(watched.blocked())
    for person in go:
        person.close()
    hear_of(stay, uids, False)
    back = [Person(watched, str(uid), f"p{uid}") for uid in range(21, CROWD + 1)]
    try:
        log_in_all(back)
        hear_of(stay, uids, True)
    finally:
        for person in back:
            person.close()
    stretches = watched.blocked()[before:]
    assert not culprits(stretches, "cpu_ms"), blame(stretches)


def hear_of(stay: list[Person], uids: list[list[str]], online: bool) -> None:
    """Everybody who stayed is told of all others of their room, and of the lobby while it is no crowd."""
    for person, others in zip(stay, uids, strict=True):
        missing = set(others)
        while missing:
            missing.discard(person.expect("presence", online=online)["uid"])


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


def test_webhooks_to_a_receiver_over_tls_block_nobody(tmp_path, cores):
    """One connection for many deliveries, and a new one for each after a receiver that closes."""
    tls, certificates = certify(tmp_path, "localhost")
    env = {"WATCHDOG_FILE": str(tmp_path / "blocked"), "SSL_CERT_FILE": str(certificates)}
    server = Watched(tmp_path, env=env, rate="0", webhook_private="1", webhook_retry_seconds="0.1").start()
    os.sched_setaffinity(server.workers()[0], [cores])
    shop = Receiver(*[(204, {"Connection": "close"})] * 100, tls=tls, name="localhost")
    key = server.flask("key", "shop").strip()
    ada = Person(server, "7", "ada")
    ada.login()
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        body = json.dumps({"url": shop.url, "events": ["message.created"]}).encode()
        urlopen(Request(f"{server.url}/chat/api/v1/webhooks", body, headers)).close()
        ada.ask(type="group", gid="lobby", content="what is done once is done")
        shop.wait_for(1)
        server.browser().open("/watch")
        for number in range(300):
            ada.ask(type="group", gid="lobby", content=str(number))
        shop.wait_for(301)
        stretches = server.blocked()
        assert not culprits(stretches), blame(stretches)
    finally:
        ada.close()
        shop.close()
        server.stop()


def test_whoever_scrapes_and_probes_amid_a_crowd_blocks_nobody(watched, crowd):
    log_in_all(crowd)
    before = len(watched.blocked())
    for _ in range(60):
        for path in ("/chat/metrics", "/chat/health"):
            with urlopen(watched.url + path, timeout=20) as answer:
                assert answer.read()
    stretches = watched.blocked()[before:]
    assert not culprits(stretches), blame(stretches)
