"""kill -9 in the middle of everything: nothing that was acked is lost, nothing comes twice, everybody is back soon."""

from __future__ import annotations

import time
from random import Random

import pytest

from .checker import Checker
from .people import ACK_SECONDS, TRANSPORTS, Crowd

REPEATED = True


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_worker_killed_at_random_moments_loses_nothing(house, checker, sizes, figures, transport):
    site, random = house(), Random(checker.seed)
    back: list[float] = []

    def kill() -> None:
        site.kill_worker()
        if random.random() < 0.3:  # once more, while people come back
            time.sleep(random.uniform(0.0, 0.8))
            site.kill_worker()

    with Crowd(site, checker, sizes.people, transport=transport) as crowd:
        crowd.speak(sizes.messages, pause=1.5 * sizes.kills / sizes.messages)  # a kill takes about 1.5 s
        for _ in range(sizes.kills):
            time.sleep(random.uniform(0.05, 1.0))
            back += crowd.returns(kill)
        crowd.finish()
        checker.check(site.history())
        assert len(checker.acks) >= sizes.people * sizes.messages
        assert figures(f"kill, {transport}: seconds until somebody is back", back) < 3
        figures(f"kill, {transport}: seconds from a send to its ack", crowd.waits)
        assert 0.1 < max(crowd.waits) < ACK_SECONDS + 1  # some did live through a kill


def test_killing_the_whole_server_and_starting_it_again_loses_nothing(house, once):
    site, checker = house(), Checker(once)

    def die_and_come_back() -> None:
        site.kill()
        site.start()

    with Crowd(site, checker, people=10) as crowd:
        crowd.speak(20, pause=0.1)
        time.sleep(0.5)
        crowd.returns(die_and_come_back)
        crowd.finish()
        checker.check(site.history())
        assert len(checker.acks) >= 200
