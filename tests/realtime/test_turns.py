"""Work of many pieces, and somebody who wants a turn meanwhile."""

import gevent

from legacy_chat.realtime import turns
from legacy_chat.realtime.turns import in_turns


def others_heard(items) -> list[int]:
    """How much was done at each turn of somebody else."""
    done, heard = [], []

    def work():
        done.extend(in_turns(items))

    worker = gevent.spawn(work)
    while not worker.ready():
        gevent.sleep(0)
        heard.append(len(done))
    return heard


def test_others_have_a_turn_whenever_two_milliseconds_are_over(slow):
    assert others_heard(range(60))[:3] == [20, 40, 60]


def test_what_is_quick_is_done_in_one_turn(monkeypatch):
    monkeypatch.setattr(turns, "monotonic", lambda: 1.0)
    assert others_heard(range(1000))[0] == 1000


def test_it_goes_over_what_was_there_at_the_beginning(slow):
    items = set(range(50))
    seen = []
    for item in in_turns(items):
        seen.append(item)
        items.discard(item)
    assert seen == list(range(50))
