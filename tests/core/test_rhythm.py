from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.core.rhythm import Rhythm


def test_a_round_is_due_once_at_each_multiple_of_the_period():
    rhythm = Rhythm(1000, now=10_300)
    assert rhythm.due(10_999) is None
    assert rhythm.wait(10_300) == 700
    assert rhythm.due(11_000) == 11
    rhythm.last = 11
    assert rhythm.due(11_999) is None
    assert rhythm.wait(11_400) == 600


def test_missed_rounds_are_skipped_and_the_newest_is_due_at_once():
    rhythm = Rhythm(1000, now=10_000)
    assert rhythm.due(14_700) == 14
    rhythm.last = 14
    assert rhythm.due(14_999) is None
    assert rhythm.wait(14_700) == 300


def test_a_late_beginning_does_not_move_the_schedule():
    rhythm = Rhythm(1000, now=0)
    for now in (1040, 2030, 3090):
        rhythm.last = rhythm.due(now)
        assert rhythm.wait(now) == 1000 - now % 1000


def test_a_clock_that_is_set_back_an_hour_costs_no_hour():
    rhythm = Rhythm(1000, now=3_600_000)
    assert rhythm.due(5_000) is None
    assert rhythm.wait(5_000) == 1000
    assert rhythm.due(6_000) == 6


def test_a_clock_that_trembles_at_a_boundary_repeats_no_round():
    rhythm = Rhythm(1000, now=9_500)
    rhythm.last = rhythm.due(10_001)
    assert rhythm.due(9_999) is None
    assert rhythm.due(10_002) is None
    assert rhythm.due(11_000) == 11


@given(st.integers(1, 10_000), st.lists(st.integers(0, 30_000), min_size=1))
def test_whatever_the_pauses_no_round_comes_twice_and_each_in_its_time(ms, pauses):
    now = 1_700_000_000_000
    rhythm, begun = Rhythm(ms, now), []
    for pause in pauses:
        now += pause
        number = rhythm.due(now)
        if number is not None:
            rhythm.last = number
            begun.append(number)
            assert now - ms < number * ms <= now
    assert begun == sorted(set(begun))
