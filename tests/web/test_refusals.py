"""Who was turned away, and why, without anything secret."""

from __future__ import annotations

import logging

import pytest

from legacy_chat.core.metrics import REFUSALS, new_counts
from legacy_chat.web import refusals

ENVIRON = {"REMOTE_ADDR": "10.0.0.9", "HTTP_ORIGIN": "http://evil.example", "QUERY_STRING": "token=top-secret"}


@pytest.mark.parametrize(
    ("status", "reason", "counted"),
    [
        (403, "", "origin"),
        (426, "", "not_websocket"),
        (503, "full", "full"),
        (415, "", "bad_request"),
        (418, "", "other"),
    ],
)
def test_each_reason_has_its_count(status, reason, counted):
    counts = new_counts()
    refusals.note(counts, ENVIRON, "websocket", status, reason)
    assert counts[REFUSALS[counted]] == 1 == sum(counts)


def test_the_line_says_who_and_why_and_not_with_which_token(caplog):
    with caplog.at_level(logging.INFO, "legacy_chat.refusals"):
        refusals.note(new_counts(), ENVIRON, "websocket", 403)
    assert caplog.messages == ["websocket refused: 403 origin, from 10.0.0.9, origin 'http://evil.example'"]
    [record] = caplog.records
    assert (record.address, record.reason, record.origin) == ("10.0.0.9", "origin", "http://evil.example")


def test_an_origin_as_long_as_a_book_takes_one_line(caplog):
    with caplog.at_level(logging.INFO, "legacy_chat.refusals"):
        refusals.note(new_counts(), {"HTTP_ORIGIN": "x" * 9000 + "\n\x1b[2J"}, "polling", 403)
    assert len(caplog.messages[0]) < 200
