import pytest

from legacy_chat.actions.turns import LEASE, Turns


@pytest.fixture
def one(parts, clock) -> Turns:
    return Turns(parts, "shop", clock)


@pytest.fixture
def other(parts, clock) -> Turns:
    """Another worker of the same site."""
    return Turns(parts, "shop", clock)


def held(turns: Turns, *names: str) -> list[str]:
    return list(turns.take(dict.fromkeys(names, 10)))


def wait_for_it(turns: Turns, clock, *names: str) -> list[str]:
    """Its worker shows no sign of life for as long as a lease."""
    assert held(turns, *names) == []
    clock.now += LEASE - 1
    assert held(turns, *names) == []
    clock.now += 1
    return held(turns, *names)


def test_one_worker_has_the_turn_and_keeps_it_as_long_as_it_renews(one, other, clock):
    assert held(one, "sweep") == ["sweep"]
    for _ in range(5):
        clock.now += LEASE - 1
        assert held(other, "sweep") == []
        assert not other.free(["sweep"])
        assert held(one, "sweep") == ["sweep"]


def test_a_worker_that_died_loses_it_after_the_lease(one, other, clock):
    held(one, "sweep")
    clock.now += LEASE
    assert not other.free(["sweep"])  # it has just come, and cannot know
    clock.now += LEASE
    assert other.free(["sweep"])
    assert held(other, "sweep") == ["sweep"]
    assert held(one, "sweep") == []


@pytest.mark.parametrize("jump", [86_400_000, -86_400_000, LEASE, -LEASE])
def test_a_clock_that_is_set_takes_no_turn_away_and_keeps_none(parts, clock, jump):
    """The time of day is not what a lease lasts by."""
    steady = type(clock)()
    one, other = Turns(parts, "shop", steady), Turns(parts, "shop", steady)
    held(one, "sweep")
    assert held(other, "sweep") == []
    clock.now += jump
    steady.now += LEASE // 3
    assert held(other, "sweep") == []
    assert held(one, "sweep") == ["sweep"]  # renewed
    assert wait_for_it(other, steady, "sweep") == ["sweep"]


def test_hosts_that_do_not_agree_on_the_time_have_one_turn(make_parts, database, clock):
    here, there = make_parts(), make_parts()
    there.clock = lambda: clock() + 60_000
    one, other = Turns(here, "shop", clock), Turns(there, "shop", clock)
    held(one, "sweep")
    for _ in range(5):
        assert held(other, "sweep") == []
        clock.now += LEASE // 3
        assert held(one, "sweep") == ["sweep"]
    assert wait_for_it(other, clock, "sweep") == ["sweep"]
    clock.now += LEASE // 3
    assert held(one, "sweep") == []


@pytest.mark.parametrize(("back", "runs"), [(0, False), (1, False), (2, True), (100_000, True)])
def test_a_clock_that_was_set_back_far_begins_rounds_again(one, back, runs):
    held(one, "daily")
    assert one.claim("daily", 200_000)
    assert one.claim("daily", 200_000 - back) == runs


def test_given_back_it_is_free_at_once(one, other):
    held(one, "sweep", "count")
    one.give_back("sweep")
    assert held(other, "sweep", "count") == ["sweep"]


def test_nobody_gives_back_what_another_has_by_now(one, other, clock):
    held(one, "sweep")
    assert wait_for_it(other, clock, "sweep") == ["sweep"]
    one.give_back("sweep")
    assert not one.free(["sweep"])


def test_two_workers_share_the_timers_between_them(one, other):
    assert held(one, "sweep") == ["sweep"]
    assert held(other, "sweep", "count") == ["count"]


def test_the_last_round_survives_the_worker(one, other):
    assert one.take({"daily": 10})["daily"].last == 10
    assert one.claim("daily", 11)
    one.give_back("daily")
    assert other.take({"daily": 12})["daily"].last == 11


def test_a_round_is_begun_once(one, other, clock):
    held(one, "daily")
    assert one.claim("daily", 11)
    assert not one.claim("daily", 11)
    assert not other.claim("daily", 12)
    assert wait_for_it(other, clock, "daily") == ["daily"]
    assert not one.claim("daily", 12)
    assert other.claim("daily", 12)


def test_two_sites_in_one_store_do_not_share_turns(one, parts):
    held(one, "sweep")
    assert held(Turns(parts, "blog"), "sweep") == ["sweep"]


def test_a_very_long_name_has_a_turn_as_well(one):
    assert held(one, "shop.views." + "x" * 500) == ["shop.views." + "x" * 500]
