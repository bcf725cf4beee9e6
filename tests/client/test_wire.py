"""How a session ends, and what HTTP says of it."""

from __future__ import annotations

import pytest

from legacy_chat.client.wire import Ended, code_of, seconds_of


@pytest.mark.parametrize(("status", "code"), [(401, 4401), (403, 4403), (500, 1006), (0, 1006)])
def test_a_status_stands_for_a_close_code(status, code):
    assert code_of(status) == code


@pytest.mark.parametrize(("header", "seconds"), [("5", 5.0), ("0", 0.0), (None, None), ("", None), ("²", None)])
def test_a_retry_after_is_a_number_of_seconds(header, seconds):
    assert seconds_of(header) == seconds


def test_a_retry_after_may_be_a_date_which_is_not_kept():
    assert seconds_of("Wed, 21 Oct 2026 07:28:00 GMT") is None


def test_an_end_is_told_with_its_code_and_reason():
    end = Ended(4440, "logged out")
    assert (end.closed.code, end.closed.reason, str(end.closed)) == (4440, "logged out", "4440 logged out")
    assert (Ended().code, Ended().retry_after, Ended().blocked) == (1006, None, False)
