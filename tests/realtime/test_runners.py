"""Work that is ready runs in order; what blocks holds up nobody, and what is long lets others run."""

from time import perf_counter

import gevent
import pytest
from gevent.event import Event

from legacy_chat.realtime.runners import Runners


@pytest.fixture
def runners():
    return Runners()


def settle():
    for _ in range(6):
        gevent.sleep(0)


def test_all_that_is_ready_runs_in_its_order_in_one_greenlet(runners):
    ran = []
    for name in "abc":
        runners.add(lambda name=name: ran.append((name, gevent.getcurrent())))
    settle()
    assert [name for name, _ in ran] == ["a", "b", "c"]
    assert len({greenlet for _, greenlet in ran}) == 1


def test_who_waits_for_a_commit_holds_up_nobody(runners):
    commit, ran = Event(), []

    def blocked():
        commit.wait()
        ran.append("ada")

    runners.add(blocked)
    runners.add(lambda: ran.append("ben"))
    settle()
    assert ran == ["ben"]
    runners.add(lambda: ran.append("cleo"))
    settle()
    assert ran == ["ben", "cleo"]
    commit.set()
    settle()
    assert ran == ["ben", "cleo", "ada"]


def test_a_mistake_in_one_piece_of_work_is_logged_and_the_next_runs(runners, caplog):
    ran = []
    runners.add(lambda: 1 / 0)
    runners.add(lambda: ran.append("ben"))
    settle()
    assert ran == ["ben"]
    assert "ZeroDivisionError" in caplog.text


def test_long_work_lets_others_run_in_between(runners):
    ran = []

    def long():
        ends = perf_counter() + 0.006
        while perf_counter() < ends:
            pass
        ran.append("work")

    for _ in range(3):
        runners.add(long)
    gevent.sleep(0)
    gevent.spawn(ran.append, "somebody else")
    settle()
    assert ran.index("somebody else") < 3
    assert ran.count("work") == 3


def test_the_greenlet_of_one_turn_serves_the_next(runners):
    ran = []
    for _ in range(3):
        runners.add(lambda: ran.append(gevent.getcurrent()))
        settle()
    assert len(ran) == 3
    assert len(set(ran)) == 1
