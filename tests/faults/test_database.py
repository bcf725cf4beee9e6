"""The store is locked, full, read-only or broken for a while: nobody else waits, and no send is answered twice."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from live.bystander import Bystander
from live.raw import Person, eventually

from .checker import Entry
from .conftest import FULL
from .people import Crowd

OTHERS = 0.250  # seconds that an ill store may cost others who do not need it (p99)
LOCKED_SECONDS = 3.0


class Sayer:
    """Ada by hand: she says things without waiting and keeps every answer, so that a second one would be seen."""

    def __init__(self, site, checker):
        self._person = Person(site, "ada")
        self._log = checker.log("ada", "lobby", self._person.login()["groups"][0]["seq"])
        self._checker = checker
        self._sent = 0
        self._arrived = threading.Condition()
        self.answers: dict[str, list[dict]] = {}
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def say(self) -> str:
        self._sent += 1
        id, text = f"id{self._sent}", f"number {self._sent} " + "x" * 1000
        self._checker.attempted("ada", id, "lobby", text)
        self.answers[id] = []
        self._person.send(type="group", gid="lobby", content=text, id=id)
        return id

    def _listen(self) -> None:
        try:
            while True:
                _, payload = self._person.client.receive()
                if payload.startswith(b'{"type":"ack"') or payload.startswith(b'{"type":"error"'):
                    self._answered(json.loads(payload))
                elif payload.startswith(b'{"type":"groupPm"'):
                    self._heard(json.loads(payload))
        except Exception:
            return  # the end of the connection

    def _answered(self, answer: dict) -> None:
        with self._arrived:
            self.answers[answer["id"]].append(answer)
            self._arrived.notify_all()
        if answer["type"] == "ack":
            self._checker.acked("ada", answer["id"], answer["seq"])
        else:
            self._checker.failed("ada", answer["id"], answer["code"])

    def _heard(self, m: dict) -> None:
        self._log.entries.append(Entry(m["seq"], m["uid"], m["id"], m["content"]))

    def answer(self, id: str, timeout: float = 12) -> dict:
        with self._arrived:
            assert self._arrived.wait_for(lambda: self.answers[id], timeout), f"{id} was never answered"
            return self.answers[id][0]

    def check_answers(self) -> None:
        """Each send had one answer: what came for it would have come before that of a last one."""
        last = self.say()
        assert self.answer(last)["type"] == "ack"
        eventually(lambda: self._log.newest == self.answers[last][0]["seq"], what="the last message")
        assert {len(answers) for answers in self.answers.values()} == {1}

    def close(self) -> None:
        self._person.client.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._person.close()


@contextmanager
def saying(site, checker):
    ada = Sayer(site, checker)
    try:
        yield ada
        ada.check_answers()
    finally:
        ada.close()


def test_while_the_store_is_locked_sends_are_acked_late_and_nobody_else_waits(house, checker, figures):
    site = house()
    with saying(site, checker) as ada, Bystander(site, "ben") as ben:
        with site.locked():
            ids, ends = [], time.monotonic() + LOCKED_SECONDS
            while time.monotonic() < ends:
                ids.append(ada.say())
                time.sleep(0.1)
            assert [id for id in ids if ada.answers[id]] == []
        assert {ada.answer(id)["type"] for id in ids} == {"ack"}
    assert figures("store locked: p99 of others' ping to pong", [ben.p99()]) < OTHERS
    checker.check(site.history())


@pytest.mark.skipif(not FULL, reason="FAULT_FULL=1: takes longer than the store's own patience")
def test_where_the_store_stays_locked_sends_fail_by_code_and_are_not_stored(house, checker, figures):
    site = house()
    with saying(site, checker) as ada, Bystander(site, "ben") as ben:
        with site.locked():
            answer = ada.answer(ada.say())
        assert (answer["type"], answer["code"]) == ("error", "unavailable")
        assert answer["retry_after"] > 0
        assert ada.answer(ada.say())["type"] == "ack"
    assert figures("store locked for long: p99 of others' ping to pong", [ben.p99()]) < OTHERS
    checker.check(site.history())


@pytest.mark.parametrize("illness", ["full", "read_only", "no_more_bytes"])
def test_a_store_that_takes_nothing_is_told_by_code_and_recovers(house, checker, figures, illness):
    site = house(failing=True)
    with saying(site, checker) as ada, Bystander(site, "ben") as ben:
        for _ in range(20):
            assert ada.answer(ada.say())["type"] == "ack"
        with site.no_more_bytes() if illness == "no_more_bytes" else site.ill(illness):
            answers = [ada.answer(ada.say()) for _ in range(30)]
            time.sleep(0.5)  # the bystander's time
        codes = [answer.get("code") for answer in answers]
        assert set(codes) <= {"unavailable", None}
        # The last page takes a few more. A log that could not be written is started anew, which mends it for a while.
        assert "unavailable" in codes if illness == "no_more_bytes" else codes[-20:] == ["unavailable"] * 20
        assert {ada.answer(ada.say())["type"] for _ in range(5)} == {"ack"}
    assert figures(f"store {illness}: p99 of others' ping to pong", [ben.p99()]) < OTHERS
    checker.check(site.history())


@pytest.mark.skipif(not FULL, reason="FAULT_FULL=1: the same for many, who send again by themselves")
@pytest.mark.parametrize("illness", ["locked", "full", "no_more_bytes"])
def test_a_crowd_speaks_through_an_illness_of_the_store(house, checker, sizes, illness):
    site = house(failing=True)
    with Crowd(site, checker, sizes.flaky_people) as crowd:
        crowd.speak(sizes.flaky_messages, pause=2.0 / sizes.flaky_messages)
        time.sleep(0.5)
        with {"locked": site.locked, "full": lambda: site.ill("full"), "no_more_bytes": site.no_more_bytes}[illness]():
            time.sleep(1.5)
        crowd.finish()
        checker.check(site.history())
        assert len(checker.acks) >= sizes.flaky_people * sizes.flaky_messages
        assert max(crowd.waits) > 0.5  # some did wait for the store
