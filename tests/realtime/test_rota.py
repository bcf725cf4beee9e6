"""Two workers and a timer: one of them has its turn."""

from __future__ import annotations

import gevent
import pytest

from legacy_chat.actions.turns import LEASE, Turns
from legacy_chat.core.rhythm import Rhythm
from legacy_chat.errors import Unavailable
from legacy_chat.realtime import rota as module
from legacy_chat.realtime.rota import Rota

DAY = 86_400_000


@pytest.fixture
def make_rota(parts, clock):
    """A worker's rota that looks when the test says so."""
    made: list[Rota] = []

    def make() -> Rota:
        rota = Rota(Turns(parts, "shop", clock), clock, clock)
        rota._keeper = gevent.Greenlet()  # never started
        made.append(rota)
        return rota

    return make


def enter(rota: Rota, clock, ms: int = 1000, name: str = "sweep"):
    place = rota.enter(name, Rhythm(ms, clock()))
    rota.look()
    return place


def test_one_of_two_workers_has_the_turn_as_long_as_it_looks(make_rota, clock):
    one, other = make_rota(), make_rota()
    mine, its = enter(one, clock), enter(other, clock)
    for _ in range(10):
        assert (one.has(mine), other.has(its)) == (True, False)
        clock.now += LEASE // 3
        one.look()
        other.look()


def test_renewing_waits_until_it_is_worth_it(make_rota, clock, monkeypatch):
    rota = make_rota()
    enter(rota, clock)
    taken = []
    monkeypatch.setattr(rota._turns, "take", lambda lasts: taken.append(lasts) or {})
    clock.now += LEASE // 3 - 1
    rota.look()
    assert taken == []
    clock.now += 1
    rota.look()
    assert len(taken) == 1


def test_the_bell_rings_when_the_turn_comes(make_rota, clock):
    one, other = make_rota(), make_rota()
    mine, its = enter(one, clock), enter(other, clock)
    assert (mine.bell.is_set(), its.bell.is_set()) == (True, False)
    one.leave(mine)
    other.look()
    assert other.has(its)
    assert its.bell.is_set()


def test_a_turn_that_cannot_be_renewed_ends_before_another_may_take_it(make_rota, clock, parts, monkeypatch):
    one, other = make_rota(), make_rota()
    mine, its = enter(one, clock), enter(other, clock)
    clock.now += LEASE - 500
    assert not one.has(mine)
    other.look()
    assert not other.has(its)
    clock.now += 500
    other.look()
    assert other.has(its)
    one.look()
    assert not one.has(mine)


def test_a_short_timer_goes_on_with_the_round_after_the_change(make_rota, clock):
    one, other = make_rota(), make_rota()
    mine, its = enter(one, clock), enter(other, clock)
    mine.rhythm.last = clock() // 1000 + 1
    clock.now += 1500
    one.leave(mine)
    other.look()
    assert its.rhythm.due(clock()) is None
    assert its.rhythm.last == clock() // 1000
    assert other.begin(its, clock() // 1000 + 1)


def test_a_long_timer_loses_no_round_over_a_change_and_repeats_none(make_rota, clock):
    one = make_rota()
    mine = enter(one, clock, DAY)
    today = clock() // DAY
    assert mine.rhythm.due(clock()) is None
    clock.now = (today + 1) * DAY + 5
    one.look()
    assert one.begin(mine, today + 1)
    mine.rhythm.last = today + 1
    one.leave(mine)

    other = make_rota()
    its = enter(other, clock, DAY)
    assert its.rhythm.due(clock()) is None
    other.leave(its)
    clock.now = (today + 3) * DAY + 5  # nobody ran for two days
    late = make_rota()
    made_up = enter(late, clock, DAY)
    assert made_up.rhythm.due(clock()) == today + 3


def test_a_round_that_somebody_else_began_is_not_ours(make_rota, clock):
    one, other = make_rota(), make_rota()
    mine = enter(one, clock, DAY)
    today = clock() // DAY
    mine.until = clock() + 10 * LEASE  # we stood still, and do not know that the turn is over
    its = enter(other, clock, DAY)
    clock.now += 2 * LEASE
    other.look()
    assert other.begin(its, today + 1)
    assert not one.begin(mine, today + 1)
    assert not one.has(mine)


@pytest.mark.parametrize("ms", [1000, 60_000])
@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_clock_that_is_set_stops_no_timer_and_starts_none_twice(parts, clock, ms, jump):
    steady = type(clock)()
    one, other = (Rota(Turns(parts, "shop", steady), clock, steady) for _ in range(2))
    for rota in (one, other):
        rota._keeper = gevent.Greenlet()  # never started
    mine, its = enter(one, clock, ms), enter(other, clock, ms)

    def goes_on(rota, place) -> list[int]:
        begun = []
        for _ in range(5 * ms // 500):
            for each in (one, other):
                each.look()
            assert one.has(mine) + other.has(its) == 1
            number = place.rhythm.due(clock())
            if number is not None and rota.has(place) and rota.begin(place, number):
                place.rhythm.last = number
                begun.append(number)
            clock.now += 500
            steady.now += 500
        return begun

    before = goes_on(one, mine)
    clock.now += jump
    after = goes_on(one, mine)
    assert len(before) >= 4
    assert len(after) >= 3
    assert len({*before, *after}) == len(before) + len(after)


def test_where_the_store_does_not_answer_it_says_so(make_rota, clock, parts, monkeypatch):
    rota = make_rota()
    place = enter(rota, clock, DAY)

    def fail(job, committed=None):
        raise Unavailable("The message store does not answer; nothing was stored.")

    monkeypatch.setattr(parts.writer, "call", fail)
    with pytest.raises(Unavailable):
        rota.begin(place, 99_999)
    clock.now += LEASE
    with pytest.raises(Unavailable):
        rota.look()


def test_it_looks_by_itself_and_survives_a_store_that_fails(parts, clock, monkeypatch):
    monkeypatch.setattr(module, "_LOOK", 0.001)
    monkeypatch.setattr(module, "_AGAIN", 0.001)
    rota, take = Rota(Turns(parts, "shop", clock), clock, clock), Turns.take
    failures = [Unavailable("no"), ZeroDivisionError()]
    monkeypatch.setattr(
        Turns, "take", lambda self, lasts: take(self, lasts) if not failures else (_ for _ in ()).throw(failures.pop())
    )
    place = rota.enter("sweep", Rhythm(1000, clock()))
    assert place.bell.wait(5)
    assert rota.has(place)
    rota.leave(place)
    gevent.sleep(0.01)
    assert rota._keeper is None


def test_many_timers_take_one_transaction(parts, clock, monkeypatch):
    transactions, call = [], parts.writer.call
    monkeypatch.setattr(parts.writer, "call", lambda job: transactions.append(1) or call(job))
    rota = Rota(Turns(parts, "shop", clock), clock, clock)
    places = [rota.enter(f"timer {number}", Rhythm(1000, clock())) for number in range(50)]
    assert all(place.bell.wait(5) for place in places)
    assert len(transactions) == 1
    for place in places:
        rota.leave(place)
