"""Four workers, no stickiness, nobody's poll where the last one was: nothing is lost, doubled or out of order."""

from __future__ import annotations

import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from client.narrow import Narrow
from faults.checker import Checker, Entry, Log, read_history
from faults.people import Talker

from legacy_chat.client import choice

from .fixtures import serving
from .polls import Page
from .raw import eventually

PEOPLE, ROOMS, MESSAGES = 200, 6, 4
OPEN = {"max_per_user": "0", "max_per_address": "0", "rate": "0"}
GRACE = 1.0
# What a client that polls is late with at most, and the grace: then it is offline.
GONE = 20 + GRACE + 9


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """`gone_by` is when the ghost, who polled once when it began, must be offline."""
    folder = tmp_path_factory.mktemp("workers")
    with serving(folder, "-k", "sync", "-w", "4", grace_seconds=str(GRACE), **OPEN) as server:
        ghost = Page(server, "ghost", "Ghost")
        ghost.login()
        ghost.close()
        server.gone_by = time.monotonic() + GONE
        yield server


@pytest.fixture
def page():
    pages: list[Page] = []

    def come(server, *who) -> Page:
        pages.append(Page(server, *who))
        pages[-1].login()
        return pages[-1]

    yield come
    for each in pages:
        each.close()


# -- 200 people ----------------------------------------------------------------------------------------------------


class Poller:
    """Somebody in one room, who speaks and polls and at times does not get the answer."""

    def __init__(self, site, number: int, checker: Checker):
        self.uid, self.room = f"p{number}", f"room{number % ROOMS}"
        self._page, self._checker = Page(site, self.uid), checker
        self._random = Random(f"{checker.seed} {self.uid}")
        self._said = 0
        self.log: Log

    def enter(self) -> None:
        self._page.login({"type": "join", "gid": self.room, "id": "join"})
        room = self._page.take(lambda frame: frame.get("id") == "join")["room"]
        self.log = self._checker.log(self.uid, self.room, room["read"])
        self._hear()

    def step(self) -> None:
        """One poll; until everything was said it says something with it, more often than not."""
        speaks = self._said < MESSAGES and self._random.random() < 0.7
        said = [self._next()] if speaks else []
        if self._random.random() < 0.15:  # the answer gets lost
            assert self._page.post(*said).status == 200
        self._page.move(self._page.post(*said))
        for ack in [frame for frame in self._page.waiting if frame["type"] == "ack" and "seq" in frame]:
            self._checker.acked(self.uid, ack["id"], ack["seq"])
        self._hear()

    def _next(self) -> dict:
        self._said += 1
        id, text = f"{self.uid}-{self._said}", f"{self._said} from {self.uid}"
        self._checker.attempted(self.uid, id, self.room, text)
        return {"type": "group", "gid": self.room, "content": text, "id": id}

    def _hear(self) -> None:
        came, self._page.waiting = self._page.waiting, []
        assert [frame for frame in came if frame["type"] in ("error", "gap")] == []
        for frame in came:
            if frame["type"] == "groupPm" and frame["gid"] == self.room:
                self.log.entries.append(Entry(frame["seq"], frame["uid"], frame["id"], frame["content"]))

    @property
    def done(self) -> bool:
        return self._said == MESSAGES

    def close(self) -> None:
        self._page.close()


def test_200_people_at_four_workers_lose_nothing_double_nothing_and_keep_the_order(site, page):
    checker = Checker(Random().randrange(10**6))
    site.flask("room", *(f"room{number}" for number in range(ROOMS)))
    people = [Poller(site, number, checker) for number in range(PEOPLE)]
    began = time.monotonic()
    try:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(Poller.enter, people))
            while not all(poller.done for poller in people):
                list(pool.map(Poller.step, people))
            newest = {room: entries[-1].seq for room, entries in read_history(site.folder / "chat.sqlite").items()}
            while behind := [poller for poller in people if poller.log.newest < newest[poller.room]]:
                assert time.monotonic() < began + 60, f"{len(behind)} are behind"
                list(pool.map(Poller.step, behind))
    finally:
        for poller in people:
            poller.close()
    verdict = checker.check(read_history(site.folder / "chat.sqlite"))
    print(f"{verdict} in {time.monotonic() - began:.1f} s")
    assert len(checker.acks) == PEOPLE * MESSAGES


# -- people --------------------------------------------------------------------------------------------------------


def test_private_messages_reach_whoever_polls_wherever_that_is(site, page):
    ada, ben = page(site, "ada"), page(site, "ben")
    for number in range(10):
        assert ada.say(type="pm", uid="ben", content=f"to ben {number}")["seq"] == 2 * number + 1
        assert ben.say(type="pm", uid="ada", content=f"to ada {number}")["seq"] == 2 * number + 2
    assert [ben.expect("pm")["content"] for _ in range(10)] == [f"to ben {number}" for number in range(10)]
    assert [ada.expect("pm")["content"] for _ in range(10)] == [f"to ada {number}" for number in range(10)]
    assert [message["seq"] for message in ben.say(type="history", uid="ada")["messages"]] == list(range(1, 21))


def test_who_polls_is_online_at_every_worker(site, page):
    ada, ben = page(site, "ada"), page(site, "Ben", "Ben")
    for _ in range(12):
        ben.poll()
        members = {member["uid"]: member["online"] for member in ada.say(type="members", gid="lobby")["members"]}
        assert members["ada"]
        assert members["Ben"]
    assert ada.expect("presence", uid="Ben")["online"] is True


def push(site, key: str, to: str) -> str:
    fields = {"type": "publish", "to": to, "content": "a parcel", "key": key}
    return site.browser().open(f"/chat/push?{urllib.parse.urlencode(fields)}")[1].strip()


def test_a_push_reaches_whoever_polls_and_says_who_is_there(site, page):
    ada, tablet, ben = page(site, "Ada"), page(site, "Ada"), page(site, "ben")
    for each in (ada, tablet, ben):
        each.waiting.clear()
    assert site.flask("push", "Ada", "from the shell").startswith("users 1, connections 2,")
    assert [each.expect("event", name="push")["data"]["content"] for each in (ada, tablet)] == ["from the shell"] * 2
    key = site.flask("key", "shop", "--scope", "push").split()[-1]
    assert push(site, key, "Ada") == "ok"
    assert push(site, key, "nobody") == "offline"
    assert ada.expect("event", name="push")["data"]["content"] == "a parcel"
    ben.nothing("event")


# -- one transport and the other -----------------------------------------------------------------------------------


def test_people_who_change_the_transport_in_mid_conversation_miss_nothing(serve, monkeypatch):
    monkeypatch.setattr(choice, "AGAIN_SECONDS", 0.5)
    site, checker = serve(**OPEN), Checker(Random().randrange(10**6))
    room = ["tea"]
    with Narrow(site.port, site.port) as network:
        people = [
            Talker(network.url, f"p{number}", site.token(f"p{number}"), checker, Random(number), "auto")
            for number in range(8)
        ]
        enough = threading.Event()
        try:
            for talker in people:
                talker.client.connect(20)
            site.flask("room", "tea")
            for talker in people:
                talker.enter(room)
            speakers = [talker.speaking(30, 0.05, enough) for talker in people]

            def all_over(transport: str) -> bool:
                return all(talker.client.transport == transport and talker.client.online for talker in people)

            assert all_over("websocket")
            for way, transport in (("refuse", "polling"), ("open", "websocket")):
                network.change(way)
                eventually(lambda transport=transport: all_over(transport), 15, f"everybody over {transport}")
                said = sum(talker._said for talker in people)
                eventually(lambda said=said: sum(talker._said for talker in people) > said + 40, what="talk")
            enough.set()
            for thread in speakers:
                thread.join(30)
            newest = read_history(site.folder / "chat.sqlite")["tea"][-1].seq
            eventually(lambda: all(talker.logs["tea"].newest == newest for talker in people), what="everybody's log")
        finally:
            enough.set()
            for talker in people:
                talker.leave()
    assert [error for talker in people for error in talker.errors] == []
    print(checker.check(read_history(site.folder / "chat.sqlite")))
    assert len(checker.acks) == len(checker.attempts)


# -- gone ---------------------------------------------------------------------------------------------------------


def test_who_does_not_poll_any_more_is_offline_after_the_lease_and_the_grace(site, page):
    """The last one here: it waits for the ghost, who polled when all this began."""
    ada = page(site, "ada")

    def ghost() -> dict:
        ada.poll()
        return next(member for member in ada.say(type="members", gid="lobby")["members"] if member["uid"] == "ghost")

    eventually(lambda: not ghost()["online"], max(1.0, site.gone_by - time.monotonic()), "the end of the ghost")
    assert ghost()["seen"] / 1000 < time.time() - 20
    key = site.flask("key", "again", "--scope", "push").split()[-1]
    assert push(site, key, "ghost") == "offline"
