from __future__ import annotations

import threading
from typing import NamedTuple

import pytest

from legacy_chat.actions.repeats import Repeats
from legacy_chat.errors import Forbidden, InProgress, Unavailable

KEY = "7", "request 1"


class Told(NamedTuple):
    number: int
    size: int = 10


class Counter:
    """Something that is carried out, and answers how often."""

    def __init__(self, *errors):
        self.count = 0
        self.errors = list(errors)

    def __call__(self) -> Told:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return Told(self.count)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def repeats(clock) -> Repeats:
    return Repeats(clock)


def test_a_repeated_request_is_carried_out_once_and_answered_twice(repeats):
    move = Counter()
    assert repeats.once(KEY, move) == (Told(1), False)
    assert repeats.once(KEY, move) == (Told(1), True)


def test_the_same_id_of_somebody_else_is_another_request(repeats):
    move = Counter()
    repeats.once(KEY, move)
    assert repeats.once(("9", "request 1"), move) == (Told(2), False)


def test_a_refusal_is_repeated_as_well(repeats):
    move = Counter(Forbidden("Not your turn."))
    for _ in range(2):
        with pytest.raises(Forbidden, match="Not your turn"):
            repeats.once(KEY, move)
    assert move.count == 1


def test_what_asks_to_try_again_may_be_tried_again(repeats):
    move = Counter(Unavailable("Later.", retry_after=1.0))
    with pytest.raises(Unavailable):
        repeats.once(KEY, move)
    assert repeats.once(KEY, move) == (Told(2), False)


def test_a_bug_of_ours_leaves_nothing_behind(repeats):
    move = Counter(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        repeats.once(KEY, move)
    assert repeats.once(KEY, move) == (Told(2), False)


def test_after_a_minute_it_is_forgotten(repeats, clock):
    move = Counter()
    repeats.once(KEY, move)
    clock.now = 59.0
    assert repeats.once(KEY, move) == (Told(1), True)
    clock.now = 60.0
    assert repeats.once(KEY, move) == (Told(2), False)
    assert len(repeats) == 1


def test_answers_take_a_bounded_amount_of_memory(repeats):
    for number in range(100):
        repeats.once(("7", str(number)), lambda: Told(1, size=1 << 20))
    assert len(repeats) <= 5


def test_whoever_repeats_it_meanwhile_waits_for_the_first(repeats):
    begun, go_on, answers = threading.Event(), threading.Event(), []

    def slow() -> Told:
        begun.set()
        go_on.wait(5)
        return Told(1)

    def ask() -> None:
        answers.append(repeats.once(KEY, slow))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    threads[0].start()
    assert begun.wait(5)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert sorted(answers) == [(Told(1), False), (Told(1), True)]


def test_whoever_waits_too_long_is_told_to_come_again(repeats, monkeypatch):
    monkeypatch.setattr("legacy_chat.actions.repeats._PATIENCE", 0.01)

    def asks_itself() -> Told:
        with pytest.raises(InProgress) as refused:
            repeats.once(KEY, asks_itself)
        assert refused.value.retry_after == 1.0
        return Told(1)

    assert repeats.once(KEY, asks_itself) == (Told(1), False)


def test_an_answer_that_does_not_hold_any_more_is_carried_out_anew(repeats):
    move = Counter()
    repeats.once(KEY, move)
    assert repeats.once(KEY, move, lambda told: told.number > 1) == (Told(2), False)
    assert repeats.once(KEY, move, lambda told: told.number > 1) == (Told(2), True)


def test_threads_that_ask_at_one_moment_carry_it_out_once_each(repeats, clock):
    moves = [Counter() for _ in range(50)]
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        for number, move in enumerate(moves):
            repeats.once(("7", str(number)), move)
            clock.now += 0.01

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [move.count for move in moves] == [1] * 50
