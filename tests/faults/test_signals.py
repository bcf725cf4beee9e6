"""A deploy in the middle of everything: TERM and HUP tell everybody 1012 at once, and lose nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial
from random import Random

import pytest
from live.raw import Closed, Person, eventually

from .people import TRANSPORTS, Crowd

REPEATED = True
WITNESSES = 10


class Witness:
    """A person by hand, who notes how the connection ends and when."""

    def __init__(self, site, number: int):
        self._person = Person(site, f"witness{number}")
        self._person.login()
        self._person.ask(type="join", gid="room0")
        self.end: Closed | None = None
        self.at = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        self.end = self._person.closed()
        self.at = time.monotonic()
        self._person.close()

    def wait(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive(), "the connection of a witness does not end"


def gone(pid: int) -> bool:
    return not os.path.exists(f"/proc/{pid}/fd")


def interrupt(site, sig: int) -> tuple[list[float], float, float]:
    """Send the signal. How long after it each witness had its close, the worker was gone, and the server answered."""
    witnesses = [Witness(site, number) for number in range(WITNESSES)]
    worker = site.worker()
    began = time.monotonic()
    site.process.send_signal(sig)
    eventually(lambda: gone(worker), 10, "the end of the worker")
    ended = time.monotonic() - began
    for witness in witnesses:
        witness.wait()
    assert {witness.end.code for witness in witnesses} == {1012}
    if sig == signal.SIGTERM:
        site.stop()
        site.start()
    return [witness.at - began for witness in witnesses], ended, time.monotonic() - began


class Deploys:
    """Sends one signal after the other, and notes what people had of it, in seconds."""

    def __init__(self, site):
        self._site, self._answered = site, 0.0
        self.told: list[float] = []  # until a witness had the 1012
        self.ends: list[float] = []  # until the worker was gone
        self.back: dict[int, list[float]] = {signal.SIGHUP: [], signal.SIGTERM: []}  # until somebody was logged in
        self.waited: list[float] = []  # from the server's first answer after TERM until somebody was logged in

    def deploy(self, crowd: Crowd, sig: int) -> None:
        back = crowd.returns(partial(self._interrupt, sig))
        self.back[sig] += back
        if sig == signal.SIGTERM:
            self.waited += [max(0.0, seconds - self._answered) for seconds in back]

    def _interrupt(self, sig: int) -> None:
        told, ended, self._answered = interrupt(self._site, sig)
        self.told += told
        self.ends.append(ended)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_deploy_under_traffic_tells_everybody_and_loses_nothing(house, checker, sizes, figures, transport):
    site, random = house(), Random(checker.seed)
    deploys = Deploys(site)
    with Crowd(site, checker, sizes.people, transport=transport) as crowd:
        crowd.speak(sizes.messages, pause=3.0 * sizes.signals / sizes.messages)
        for number in range(sizes.signals):
            time.sleep(random.uniform(0.05, 0.5))
            deploys.deploy(crowd, (signal.SIGHUP, signal.SIGTERM)[number % 2])
        crowd.finish()
        checker.check(site.history())
        assert len(checker.acks) >= sizes.people * sizes.messages
        figures(f"signals, {transport}: seconds from a send to its ack", crowd.waits)
        figures("signals: seconds until a client had its 1012", deploys.told)
        figures("signals: seconds until the worker was gone", deploys.ends)
        figures(f"TERM, {transport}: seconds from the new server's answer until somebody is back", deploys.waited)
        assert figures(f"HUP, {transport}: seconds until somebody is back", deploys.back[signal.SIGHUP]) < 5
        assert max(deploys.told) < 1
        assert max(deploys.ends) < 5
