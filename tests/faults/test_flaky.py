"""Everybody comes through a network that cuts, delays, splits, glues, stalls or lets them vanish."""

from __future__ import annotations

import pytest
from live.raw import eventually

from legacy_chat.client import polling

from .checker import Checker
from .conftest import FULL
from .people import ACK_SECONDS, TRANSPORTS, Crowd
from .proxy import HOSTILE, Proxy

REPEATED = True
# Who vanished is noticed after 2 seconds instead of 35.
QUICK_PULSE = {"ping_seconds": "1", "pong_seconds": "1"}


LOSES_CONNECTIONS = {"cut_fin", "cut_rst", "swallow", "vanish", "mixed"}


@pytest.mark.skipif(not FULL, reason="FAULT_FULL=1: each mode for itself; `mixed` has them all")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("mode", HOSTILE)
def test_through_one_kind_of_trouble_nothing_is_lost_doubled_or_out_of_order(
    house, once, sizes, figures, mode, transport, monkeypatch
):
    talk_through(mode, transport, house, Checker(once), sizes, figures, monkeypatch)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_through_all_kinds_of_trouble_at_once_nothing_is_lost_doubled_or_out_of_order(
    house, checker, sizes, figures, transport, monkeypatch
):
    talk_through("mixed", transport, house, checker, sizes, figures, monkeypatch)


def talk_through(mode: str, transport: str, house, checker, sizes, figures, monkeypatch) -> None:
    monkeypatch.setattr(polling, "WAIT_SECONDS", 2.0)  # who vanished is noticed when the poll is answered
    site, each = house(**QUICK_PULSE), f"{mode}, {transport}"
    before = site.at_rest()
    with Proxy(site.port, mode, checker.seed) as proxy:
        with Crowd(site, checker, sizes.flaky_people, through=proxy.port, transport=transport) as crowd:
            crowd.speak(sizes.flaky_messages, pause=sizes.flaky_seconds / sizes.flaky_messages)
            crowd.finish()
            checker.check(site.history())
            # Acked within 5 seconds, or told "not sent".
            assert figures(f"{each}: seconds from a send to its ack or to not sent", crowd.waits) < ACK_SECONDS + 0.5
            assert len(checker.acks) >= sizes.flaky_people * sizes.flaky_messages
        connections = sizes.flaky_people * (1 if transport == "websocket" else 2)
        reconnects = proxy.accepted - connections
        figures(f"{each}: reconnects in a run", [reconnects])
        figures(f"{each}: messages told not sent in a run", [crowd.not_sent])
        assert (reconnects > 0) == (mode in LOSES_CONNECTIONS)
        if transport == "websocket":  # those who vanished too, while the proxy still holds their places
            eventually(lambda: site.sockets() == before, what="the end of all sockets")
    eventually(lambda: site.sockets() == before, what="the end of all sockets")
