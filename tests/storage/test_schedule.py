import pytest

from legacy_chat.storage import schedule
from legacy_chat.storage.schedule import Planned

ONCE = Planned("a", 1000, None, "{}")
DAILY = Planned("b", 2000, 100, "{}")


@pytest.fixture
def run(database):
    return database.run


@pytest.fixture(autouse=True)
def _planned(run):
    for planned in (DAILY, ONCE):
        run(lambda c, p=planned: schedule.add(c, p, 0))


def test_what_is_due_comes_the_oldest_first(run):
    assert run(lambda c: schedule.due(c, 999)) == []
    assert run(lambda c: schedule.due(c, 1000)) == [ONCE]
    assert run(lambda c: schedule.due(c, 5000)) == [ONCE, DAILY]
    assert run(lambda c: schedule.due(c, 5000, 1)) == [ONCE]


def test_when_to_look_again(run):
    assert run(lambda c: schedule.next_after(c, 0)) == 1000
    assert run(lambda c: schedule.next_after(c, 1000)) == 2000
    assert run(lambda c: schedule.next_after(c, 2000)) is None


def test_the_same_plan_twice_is_one(run):
    run(lambda c: schedule.add(c, ONCE, 0))
    assert run(lambda c: schedule.due(c, 1000)) == [ONCE]


def test_a_round_is_taken_once(run):
    assert run(lambda c: schedule.claim(c, ONCE, 1000))
    assert not run(lambda c: schedule.claim(c, ONCE, 1000))
    assert run(lambda c: schedule.due(c, 1000)) == []


@pytest.mark.parametrize(("now", "due"), [(2000, 2100), (2099, 2100), (2100, 2200), (2950, 3000), (3000, 3100)])
def test_the_next_round_is_in_the_future(run, now, due):
    assert run(lambda c: schedule.claim(c, DAILY, now))
    assert not run(lambda c: schedule.claim(c, DAILY, now))
    assert run(lambda c: schedule.next_after(c, 1000)) == due


def test_a_plan_that_is_called_off_is_gone(run):
    assert run(lambda c: schedule.remove(c, "a"))
    assert not run(lambda c: schedule.remove(c, "a"))
