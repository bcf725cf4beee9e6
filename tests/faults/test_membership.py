"""Ben may hear no more: he left, he was logged out, his site ended his sessions. From then on he hears nothing.

All this happens while ada speaks as fast as she can, so that there is always something on the way to him.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from live import fixtures
from live.raw import Closed, Person
from live.server import Server

from legacy_chat.client import Client
from legacy_chat.client import Closed as Ended

SECONDS = 1.0  # after the commit nothing more may come
PASSWORD = "correct-horse"


class WatchedServer(Server):
    app = "tests.faults.watched:app"


@pytest.fixture
def site(serve, monkeypatch):
    monkeypatch.setattr(fixtures, "Server", WatchedServer)
    return serve(rate="0")


class Listener:
    """Reads one connection all the time and notes when each frame came, until the connection ends."""

    def __init__(self, person: Person):
        self.frames: list[tuple[float, dict]] = []
        self.end: Closed | None = None
        self.ended = 0.0
        self._person = person
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while self.end is None:
            try:
                frame = self._person.next()
            except Closed as end:
                self.end, self.ended = end, time.monotonic()
            else:
                self.frames.append((time.monotonic(), frame))

    def times(self, type: str, **fields) -> list[float]:
        return [at for at, frame in list(self.frames) if frame["type"] == type and fields.items() <= frame.items()]

    def stop(self) -> None:
        if self.end is None:
            self._person.client.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(15)
        assert not self._thread.is_alive()


@pytest.fixture
def listen():
    """`listen(person)` is a `Listener`, stopped after the test."""
    listeners: list[Listener] = []

    def begin(person: Person) -> Listener:
        listeners.append(Listener(person))
        return listeners[-1]

    yield begin
    for listener in listeners:
        listener.stop()


@contextmanager
def chatter(site, *targets: tuple[str, str]) -> Iterator[None]:
    """Ada speaks to each target, ("group", gid) or ("pm", "1"), without a pause, until the block is over."""
    over, errors, said = threading.Event(), [], [0]

    def speak(kind: str, key: str) -> None:
        try:
            with Client(f"{site.url}/chat", token=site.token("ada")) as ada:
                while not over.is_set():
                    getattr(ada, kind)(key, f"text {said[0]}")
                    said[0] += 1
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=speak, args=target) for target in targets]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(20)
    assert errors == []
    assert said[0] > 50


def wait_for(condition, what: str) -> None:
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends, what
        time.sleep(0.01)


def until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def test_who_left_in_one_tab_hears_nothing_of_the_room_in_any(site, come, listen):
    tabs = [come(site, "ben", "ben") for _ in range(3)]
    site.flask("room", "tea")
    tabs[0].ask(type="join", gid="tea")
    with Client(f"{site.url}/chat", token=site.token("ada")) as ada:
        ada.request("join", gid="tea")
    others = [listen(tab) for tab in tabs[1:]]
    with chatter(site, ("group", "tea"), ("group", "lobby")):
        wait_for(lambda: all(len(other.times("groupPm", gid="tea")) > 20 for other in others), "the talk")
        assert tabs[0].ask(type="leave", gid="tea")["type"] == "ack"
        left = time.monotonic()
        tabs[0].waiting.clear()
        until(left + 2 * SECONDS)
        assert tabs[0].ask(type="group", gid="tea", content="hm")["code"] == "not_member"
    tabs[0].ask(type="ping")
    assert [frame for frame in tabs[0].waiting if frame.get("gid") == "tea"] == []
    for other in others:
        [told] = other.times("leave", gid="tea", uid="ben")
        assert told < left + SECONDS
        assert max(other.times("groupPm", gid="tea")) <= told  # not one after the notice, let alone a second later
        assert max(other.times("groupPm", gid="lobby")) > left + SECONDS  # the talk did go on


def test_who_is_logged_out_by_http_is_closed_with_4440_and_hears_nothing_more(site, come, listen):
    browser = site.browser()
    browser.submit("/register", username="ben", password=PASSWORD)
    agent = [("User-Agent", browser.name)]
    hers = [listen(come(site, cookie=browser.cookie, headers=agent)) for _ in range(3)]
    hers.append(listen(come(site, cookie=browser.cookie, headers=[("User-Agent", "a phone")])))
    other = listen(come(site, "other", "other"))
    with chatter(site, ("group", "lobby"), ("pm", "1")):
        wait_for(lambda: all(len(tab.times("groupPm")) > 20 and tab.times("pm") for tab in hers), "the talk")
        token = re.search(r'"csrf": ?"([^"]+)"', browser.open("/chat/")[1])[1]
        status, _ = browser.open("/logout", {"csrf_token": token})
        out = time.monotonic()
        assert status == 200
        until(out + 2 * SECONDS)
        assert max(other.times("groupPm", gid="lobby")) > out + SECONDS  # the talk did go on
    for tab in hers:
        assert tab.end is not None
        assert tab.end.code == 4440
        assert tab.ended < out + SECONDS
    again = come(site, cookie=browser.cookie, headers=agent, login=False)
    again.send(type="login")
    assert again.closed().code == 4401


def test_a_logout_ends_the_sockets_that_have_not_logged_in_yet_as_well(site, come):
    """The handshake brought the cookie while it was good; the `login` frame comes after the logout."""
    browser = site.browser()
    browser.submit("/register", username="ben", password=PASSWORD)
    waiting = come(site, cookie=browser.cookie, headers=[("User-Agent", browser.name)], login=False)
    other = come(site, "other", "other", login=False)
    browser.submit("/logout")
    assert waiting.closed().code == 4440
    assert other.login()["uid"] == "other"


def test_who_is_disconnected_by_the_site_is_closed_with_4440_on_every_device(site, come, listen):
    ben = [listen(come(site, "ben", "ben")) for _ in range(3)]
    with (
        Client(f"{site.url}/chat", token=lambda: site.token("ben")) as bot,
        chatter(site, ("group", "lobby"), ("pm", "ben")),
    ):
        wait_for(lambda: all(len(tab.times("groupPm")) > 20 and tab.times("pm") for tab in ben), "the talk")
        assert site.browser().open("/faults/disconnect/ben") == (200, "done")
        out = time.monotonic()
        until(out + 2 * SECONDS)
        assert not bot.online
        assert list(bot)
        with pytest.raises(Ended, match="4440"):
            bot.receive(5)
    for tab in ben:
        assert tab.end is not None
        assert tab.end.code == 4440
        assert tab.ended < out + SECONDS


def test_a_login_that_was_under_way_while_the_person_left_hears_nothing_of_the_room_either(site, come):
    """Ben leaves in one tab while another one logs in and asks for what it missed; whoever is first, it ends well."""
    first = come(site, "ben", "ben")
    site.flask("room", "tea")
    for _ in range(20):
        first.ask(type="join", gid="tea")
        second = come(site, "ben", "ben", login=False)
        second.send(type="login", resume={"seqs": {"g:tea": 0}})
        assert first.ask(type="leave", gid="tea")["type"] == "ack"
        second.expect("login")
        second.nothing("error")
        second.waiting.clear()
        with Client(f"{site.url}/chat", token=site.token("ada")) as ada:
            ada.request("join", gid="tea")
            ada.group("tea", "is ben gone?")
        second.nothing("groupPm")
        second.close()
