import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.core.limits import Rate, TokenBucket

rates = st.builds(Rate, st.floats(0.1, 1000), st.floats(1, 1000))


@given(rates, st.lists(st.floats(0, 5), max_size=200))
def test_nobody_ever_gets_more_than_the_burst_and_what_was_refilled_since(rate, pauses):
    bucket, now, granted = TokenBucket(rate, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        granted += bucket.take(now) == 0
        assert granted <= rate.burst + rate.per_second * now + 1e-6


@given(rates)
def test_a_burst_goes_through_at_once_and_the_next_frame_waits(rate):
    bucket = TokenBucket(rate, 0.0)
    assert [bucket.take(0.0) for _ in range(int(rate.burst))] == [0.0] * int(rate.burst)
    assert bucket.take(0.0) > 0


def test_a_rate_of_zero_is_no_limit():
    bucket = TokenBucket(Rate(0, 0), 0.0)
    assert not any(bucket.take(0.0) for _ in range(10_000))
    assert not bucket.flooding


@given(rates, st.integers(1, 300))
def test_who_waits_as_long_as_told_gets_through(rate, hasty):
    bucket = TokenBucket(rate, 0.0)
    waits = [bucket.take(0.0) for _ in range(int(rate.burst) + hasty)]
    assert bucket.take(waits[-1] + 1e-6) == 0


def test_somebody_who_goes_on_regardless_is_flooding_after_another_burst():
    bucket = TokenBucket(Rate(10, 20), 0.0)
    for _ in range(40):
        bucket.take(0.0)
    assert not bucket.flooding
    bucket.take(0.0)
    assert bucket.flooding


def test_silence_fills_the_bucket_to_the_burst_and_no_further():
    bucket = TokenBucket(Rate(10, 20), 0.0)
    for _ in range(20):
        bucket.take(0.0)
    assert [bucket.take(3600.0) for _ in range(20)] == [0.0] * 20
    assert bucket.take(3600.0) == pytest.approx(0.2, abs=0.11)


@given(rates)
def test_who_asks_in_vain_pays_nothing_and_is_told_when_it_will_do(rate):
    bucket = TokenBucket(rate, 0.0)
    while not bucket.ask(0.0):
        pass
    wait = bucket.ask(0.0)
    assert bucket.ask(0.0) == wait
    assert bucket.ask(wait * 1.001 + 1e-6) == 0
