"""People come, talk, leave rooms and go in every way, connections are killed all the time: nothing of it stays.

`FAULT_SECONDS` says for how long.
"""

from __future__ import annotations

import os
import threading
import time
from random import Random

from live.raw import CLOSE, Person, eventually

from .checker import Checker
from .conftest import FULL
from .people import Crowd
from .proxy import Proxy

SECONDS = float(os.environ.get("FAULT_SECONDS", "10" if FULL else "5"))
VISITORS = 4


class Visitors:
    """A thread in which one person after another comes, joins, says something, leaves and goes."""

    def __init__(self, site, checker, number: int, over: threading.Event):
        self._site, self._checker, self._over = site, checker, over
        self._name, self._random = f"visitor{number}", Random(f"{checker.seed} visitor {number}")
        self.count = 0
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                self._visit()
                self.count += 1
        except Exception as error:
            self.error = error

    def _visit(self) -> None:
        person = Person(self._site, self._name)
        try:
            person.login()
            room = f"room{self._random.randrange(5)}"
            person.ask(type="join", gid=room)
            self._say(person, room)
            if self._random.random() < 0.7:
                person.ask(type="leave", gid=room)
            self._random.choice((_politely, _abruptly, Person.close))(person)
        finally:
            person.close()

    def _say(self, person: Person, room: str) -> None:
        id, text = f"{self._name}-{self.count}", f"{time.monotonic():.6f} hello {self.count}"
        self._checker.attempted(self._name, id, room, text)
        self._checker.acked(self._name, id, person.ask(type="group", gid=room, content=text, id=id)["seq"])

    def wait(self) -> None:
        self._thread.join(15)
        assert not self._thread.is_alive()
        assert self.error is None, repr(self.error)


def _politely(person: Person) -> None:
    person.client.send(CLOSE, b"\x03\xe8")
    assert person.closed().code == 1000


def _abruptly(person: Person) -> None:
    person.client.reset()


def test_whatever_comes_and_goes_nothing_stays(house, checker, figures):
    site, random = house(failing=True), Random(checker.seed)
    with Crowd(site, Checker(checker.seed), people=3):
        pass  # the first ones make what is kept: the worker's own greenlets, connections to the store
    eventually(lambda: site.counts()["sockets"] == 0, what="an empty house")
    before, sockets = site.counts(), site.at_rest()
    with Proxy(site.port, seed=checker.seed) as proxy, Crowd(site, checker, people=12, through=proxy.port) as crowd:
        over = threading.Event()
        visitors = [Visitors(site, checker, number, over) for number in range(VISITORS)]
        crowd.speak(20, pause=0.1)
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            time.sleep(random.uniform(0.05, 0.5))
            proxy.each(lambda link: link.reset() if random.random() < 0.2 else None)
        over.set()
        for visitor in visitors:
            visitor.wait()
        crowd.finish()
        checker.check(site.history())
        figures("soak: visitors", [sum(visitor.count for visitor in visitors)])
        figures("soak: connections of the crowd", [proxy.accepted])
        assert proxy.accepted > 12
    eventually(lambda: site.sockets() == sockets, what="the end of all sockets")
    eventually(lambda: site.counts()["greenlets"] <= before["greenlets"], what="the end of all greenlets")
    assert {**site.counts(), "greenlets": 0} == {"people": 0, "channels": 0, "sockets": 0, "greenlets": 0}
