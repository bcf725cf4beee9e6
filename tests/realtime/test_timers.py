"""What a worker does by itself for the site, on a clock that runs."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar

import gevent
import pytest
from gevent.event import Event

from legacy_chat.actions.parts import now_ms
from legacy_chat.actions.tasks import Task
from legacy_chat.errors import Unavailable
from legacy_chat.realtime import rota
from legacy_chat.realtime.timers import Timers


@pytest.fixture
def make_timers(make_parts, monkeypatch):
    monkeypatch.setattr(rota, "_LOOK", 0.01)
    made: list[Timers] = []

    def make(context=None, **config) -> Timers:
        parts = make_parts(**config)
        parts.clock = now_ms
        made.append(Timers(parts, "shop", context) if context else Timers(parts, "shop"))
        return made[-1]

    yield make
    for timers in made:
        timers.end()


@pytest.fixture
def timers(make_timers) -> Timers:
    return make_timers()


class Calls(list):
    """A function that notes its calls."""

    def __init__(self, seconds: float = 0.0):
        self.seconds = seconds
        self.running = self.most = 0

    def __call__(self, *arguments):
        self.append(arguments)
        self.running += 1
        self.most = max(self.most, self.running)
        gevent.sleep(self.seconds)
        self.running -= 1


def start(timers: Timers, kind: str, function, *arguments, **how) -> Task:
    task = Task(kind, function, arguments, **how)
    timers.start(task)
    return task


def until(check, seconds: float = 5.0) -> None:
    with gevent.Timeout(seconds):
        while not check():
            gevent.sleep(0.001)


# -- after and spawn -----------------------------------------------------------------------------------------


def test_spawn_runs_beside_and_after_in_its_time(timers):
    calls = Calls()
    began = time.monotonic()
    start(timers, "after", calls, "later", ms=50)
    start(timers, "spawn", calls, "now")
    assert calls == []
    until(lambda: len(calls) == 2)
    assert calls == [("now",), ("later",)]
    assert time.monotonic() - began >= 0.05
    until(lambda: len(timers) == 0)


def test_what_was_cancelled_does_not_begin(timers):
    calls = Calls()
    cancelled = start(timers, "after", calls, "cancelled", ms=1)
    start(timers, "after", calls, "kept", ms=1)
    cancelled.cancel()
    cancelled.cancel()
    until(lambda: len(timers) == 0)
    assert calls == [("kept",)]


def test_what_runs_goes_on_when_it_is_cancelled(timers):
    ended = Event()

    def work():
        gevent.sleep(0.01)
        ended.set()

    task = start(timers, "spawn", work)
    gevent.sleep(0)
    assert timers.busy
    task.cancel()
    assert ended.wait(5)


def test_an_error_is_in_the_log_with_the_functions_name_and_ends_nothing(timers, caplog):
    def sweep():
        raise KeyError("no broom")

    start(timers, "spawn", sweep)
    start(timers, "spawn", lambda: exit(1))
    start(timers, "every", sweep, ms=5)
    until(lambda: caplog.text.count("KeyError: 'no broom'") >= 3)
    assert "test_an_error_is_in_the_log" in caplog.text
    assert "<every 5 ms: " in caplog.text
    assert "SystemExit" in caplog.text


def test_there_is_a_limit_and_words_for_it(make_timers):
    timers, calls = make_timers(CHAT_TASKS="2"), Calls()
    tasks = [start(timers, "after", calls, ms=60_000) for _ in range(2)]
    for kind in ("after", "spawn", "every"):
        with pytest.raises(Unavailable, match="CHAT_TASKS"):
            start(timers, kind, calls, ms=5)
    tasks[0].cancel()
    start(timers, "spawn", calls)
    until(lambda: len(calls) == 1)


def test_each_call_has_a_context_of_its_own(make_timers):
    open_now, seen = [], []
    flavour = ContextVar("flavour", default="none")

    @contextmanager
    def context():
        open_now.append(1)
        try:
            yield
        finally:
            open_now.pop()

    def taste():
        seen.append((len(open_now), flavour.get()))
        flavour.set("salt")
        if len(seen) == 2:
            raise ZeroDivisionError

    flavour.set("sweet")
    timers = make_timers(context)
    start(timers, "every", taste, ms=5)
    until(lambda: len(seen) >= 3)
    assert seen[:3] == [(1, "none")] * 3
    assert open_now == []


def test_a_native_thread_may_start_and_cancel(timers):
    calls = Calls()

    def work():
        start(timers, "spawn", calls, "from a thread")
        start(timers, "after", calls, "cancelled", ms=20).cancel()

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: len(calls) == 1 and len(timers) == 0)
    thread.join()
    assert calls == [("from a thread",)]


def test_what_was_declared_before_begins_with_the_worker_and_too_much_of_it_is_in_the_log(make_timers, caplog):
    timers, calls = make_timers(CHAT_TASKS="1"), Calls()
    timers.begin([Task("after", calls, (1,), ms=1), Task("spawn", calls, (2,))])
    until(lambda: len(calls) == 1)
    assert calls == [(1,)]
    assert "does not run" in caplog.text


# -- every ---------------------------------------------------------------------------------------------------


@pytest.mark.timed
def test_every_runs_in_its_rhythm_and_does_not_drift(timers):
    times = []
    start(timers, "every", lambda: (times.append(now_ms()), gevent.sleep(0.03)), ms=80)
    until(lambda: len(times) >= 6)
    numbers = [at // 80 for at in times]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] - numbers[0] <= len(numbers) + 1  # a round may be lost on a busy machine
    assert sorted(at % 80 for at in times)[len(times) // 2] < 30


@pytest.mark.timed
def test_one_that_takes_longer_than_its_period_never_runs_twice_at_a_time_and_piles_nothing_up(timers):
    calls = Calls(seconds=0.035)
    began = time.monotonic()
    start(timers, "every", calls, ms=10)
    until(lambda: len(calls) == 5)
    took = time.monotonic() - began
    assert calls.most == 1
    assert took >= 4 * 0.035
    assert took < 8 * 0.035 + 0.1  # the next begins right after


def test_one_that_is_due_all_the_time_lets_others_run(timers):
    calls = []
    start(timers, "every", lambda: calls.append(time.sleep(0.002)), ms=1)
    until(lambda: len(calls) > 3)


def test_a_cancelled_every_is_over(timers):
    calls = Calls()
    task = start(timers, "every", calls, ms=5)
    until(lambda: len(calls) == 2)
    task.cancel()
    until(lambda: len(timers) == 0)
    count = len(calls)
    gevent.sleep(0.02)
    assert len(calls) == count


def test_of_two_workers_one_runs_it_and_with_each_worker_both(make_timers):
    one, other, alone, both = make_timers(), make_timers(), [], []
    for number, timers in enumerate((one, other)):
        start(timers, "every", lambda number=number: alone.append(number), ms=5)
        start(timers, "every", lambda number=number: both.append(number), ms=5, each_worker=True)
    until(lambda: len(alone) > 10 and len(both) > 10)
    assert len(set(alone)) == 1
    assert set(both) == {0, 1}


def test_when_one_worker_ends_the_next_goes_on_and_no_round_comes_twice(make_timers):
    rounds = []
    workers = [make_timers(), make_timers()]
    for number, timers in enumerate(workers):
        start(timers, "every", lambda number=number: rounds.append((number, now_ms() // 20)), ms=20)
    until(lambda: len(rounds) > 3)
    first = rounds[0][0]
    workers[first].stop()
    workers[first].end()
    count = len(rounds)
    until(lambda: len(rounds) > count + 3)
    assert {number for number, _ in rounds[count:]} == {1 - first}
    numbers = [number for _, number in rounds]
    assert len(set(numbers)) == len(numbers)


def test_while_the_last_round_of_one_worker_goes_on_no_other_begins(make_timers):
    calls, workers = Calls(seconds=0.15), [make_timers(), make_timers()]
    for timers in workers:
        start(timers, "every", calls, ms=10)
    until(lambda: calls.running)
    for timers in workers[:1] if workers[0].busy else workers[1:]:
        timers.stop()
    until(lambda: len(calls) >= 2)
    assert calls.most == 1


def test_two_lambdas_of_one_module_are_two_timers(timers):
    one, other = [], []
    for calls in (one, other):
        start(timers, "every", lambda calls=calls: calls.append(1), ms=5)
    until(lambda: one and other)


def test_a_timer_that_comes_and_goes_leaves_one_row(timers):
    for _ in range(5):
        calls = Calls()
        task = start(timers, "every", calls, ms=5)
        until(lambda: calls)  # noqa: B023
        task.cancel()
        until(lambda: len(timers) == 0)
    count = "SELECT count(*) FROM chat_info WHERE name LIKE 'turn:%%'"
    assert timers._parts.database.read(lambda c: c.exec_driver_sql(count).scalar()) == 1


# -- the end ---------------------------------------------------------------------------------------------------


def test_when_the_worker_ends_nothing_begins_and_what_runs_has_a_moment(timers):
    calls, ended = Calls(), Event()

    def work():
        gevent.sleep(0.02)
        ended.set()

    start(timers, "spawn", work)
    gevent.sleep(0)
    start(timers, "after", calls, ms=5)
    start(timers, "every", calls, ms=5)
    timers.stop()
    assert timers.busy
    assert ended.wait(5)
    until(lambda: not timers.busy)
    gevent.sleep(0.02)
    assert calls == []


@pytest.mark.timed
def test_what_does_not_end_is_ended_and_may_tidy_up(timers, caplog):
    tidied = []

    def for_ever():
        try:
            while True:
                gevent.sleep(0.01)
        finally:
            tidied.append(1)

    start(timers, "spawn", for_ever)
    start(timers, "every", for_ever, ms=5)
    until(lambda: len(timers._running) == 2)
    timers.stop()
    began = time.monotonic()
    timers.end()
    assert time.monotonic() - began < 0.5
    assert tidied == [1, 1]
    assert not timers.busy
    assert "2 tasks" in caplog.text


def test_while_it_ends_what_is_to_run_at_once_still_runs_and_nothing_is_an_error(timers):
    calls = Calls()
    timers.stop()
    start(timers, "spawn", calls, "now")
    start(timers, "after", calls, "never", ms=1)
    start(timers, "every", calls, "never", ms=1)
    until(lambda: calls)
    gevent.sleep(0.01)
    assert (calls, len(timers)) == ([("now",)], 0)
