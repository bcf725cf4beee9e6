"""What the tests of the worker's parts share."""

from __future__ import annotations

import itertools

import pytest

from legacy_chat.realtime import turns


@pytest.fixture
def slow(monkeypatch):
    """A machine on which every piece of work takes 0.1 ms."""
    clock = itertools.count()
    monkeypatch.setattr(turns, "monotonic", lambda: next(clock) / 10_000)
