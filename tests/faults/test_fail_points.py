"""The worker dies at the worst moments: ada's send is stored once and acked once, and ben hears it soon."""

from __future__ import annotations

import time
from itertools import product
from random import Random

import pytest

from legacy_chat.client import NotSent

from .people import Talker

# Where `failing.py` can die.
PLACES = ("before_commit", "after_commit", "before_fanout", "after_fanout")
SOON = 2.0  # seconds from the restart until readers have it


@pytest.fixture
def talkers(checker):
    """Two who are in `tea`."""
    arrived: list[Talker] = []

    def come(site, *names: str, transport: str = "websocket") -> list[Talker]:
        site.flask("room", "tea")
        for name in names:
            arrived.append(Talker(site.chat, name, site.token(name), checker, Random(name), transport))
            arrived[-1].enter(["tea"])
        return arrived

    yield come
    for talker in arrived:
        talker.leave()


def heard(talker: Talker, count: int) -> bool:
    return len(talker.logs["tea"].entries) >= count


@pytest.mark.parametrize(("place", "transport"), [*product(PLACES, ["websocket"]), *product(PLACES[:2], ["polling"])])
def test_a_send_is_stored_once_and_acked_once_wherever_the_worker_dies(
    house, talkers, checker, figures, place, transport
):
    site = house(failing=True, env={"FAIL_AT": f"{place}:3"})
    ada, ben = talkers(site, "ada", "ben", transport=transport)
    first = site.worker()
    for _ in range(2):
        ada.say("tea")
    assert not site.died
    ack = ada.say("tea", "the third")  # returns after the restart
    began = time.monotonic()
    assert site.died
    assert site.worker() != first
    assert ack.seq == 3
    while not heard(ben, 3):
        assert time.monotonic() < began + SOON
        time.sleep(0.005)
    figures("fail points: seconds from the ack after the restart until ben heard it", [time.monotonic() - began])
    assert ada.say("tea", "the fourth").seq == 4
    while not (heard(ben, 4) and heard(ada, 4)):
        assert time.monotonic() < began + 2 * SOON
        time.sleep(0.005)
    assert [entry.text.endswith("the third") for entry in site.history()["tea"]] == [False, False, True, False]
    checker.check(site.history())


@pytest.mark.parametrize("place", ["before_commit", "after_commit"])
def test_readers_have_what_was_committed_though_the_speaker_never_comes_back(house, talkers, checker, place):
    """Ada dies with the server; ben hears what she said if, and only if, it was committed."""
    site = house(failing=True, env={"FAIL_AT": f"{place}:1"})
    ada, ben = talkers(site, "ada", "ben")
    before = ben.client.login
    checker.attempted("ada", "last", "tea", "0.0 last words")
    with pytest.raises(NotSent):
        ada.client.group("tea", "0.0 last words", id="last", timeout=0.05)
    ada.client.close()
    began = time.monotonic()
    while ben.client.login is before:
        assert time.monotonic() < began + 5
        time.sleep(0.005)
    assert site.died
    restarted = time.monotonic()
    stored = len(site.history().get("tea", ()))
    assert stored == (0 if place == "before_commit" else 1)
    while not heard(ben, stored):
        assert time.monotonic() < restarted + SOON
        time.sleep(0.005)
    assert ben.client.request("history", gid="tea", timeout=5).messages is not None
    assert len(ben.logs["tea"].entries) == stored
    del checker.logs[0]  # ada's, which ends here
    checker.check(site.history())
