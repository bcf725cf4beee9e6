"""Waiting before the next attempt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.client.backoff import delay
from legacy_chat.core import close


@given(st.integers(1, 10**6))
def test_back_off_doubles_up_to_ten_seconds_with_full_jitter(failures):
    longest = 2 if failures < 30 else 10
    assert 0 <= delay(failures) <= min(longest, 0.2 * 2 ** min(failures, 20))
    assert delay(failures, close.FLOOD) >= 1
    assert delay(failures, close.RESTART, 0.3) == 0.3
