"""Planned pushes come at their time, once, over restarts and beside another worker."""

from __future__ import annotations

import pytest

from legacy_chat.actions.push import Pushes, make_push
from legacy_chat.actions.schedule import Schedule
from legacy_chat.errors import Unavailable
from legacy_chat.storage import messages, rooms, schedule

SECOND = 1000


@pytest.fixture
def pushes(parts, published) -> Pushes:
    return Pushes(parts)


@pytest.fixture
def worker(parts, pushes, clock) -> Schedule:
    """One whose pages have had the time to come back."""
    worker = Schedule(parts, pushes)
    clock.now += 10 * SECOND
    return worker


def plan(pushes, clock, seconds=1.0, **fields) -> str:
    return pushes.push(make_push("7", content="time", at=clock.now + round(seconds * SECOND), **fields)).id


def stored(parts) -> int:
    where = parts.database.read(lambda c: rooms.find_private(c, "site", "7"))
    return len(parts.database.read(lambda c: messages.page(c, where or 0, None, None, 100))[0])


def waiting(parts) -> list[int]:
    return [row.due for row in parts.database.read(lambda c: schedule.due(c, 2**52))]


def test_nothing_comes_before_its_time_and_then_it_comes_once(worker, pushes, published, clock, parts):
    plan(pushes, clock)
    clock.now += SECOND - 1
    worker.run()
    assert published == []
    clock.now += 1
    worker.run()
    worker.run()
    assert len(published) == 1
    assert waiting(parts) == []


def test_the_next_look_is_when_something_is_due_but_never_far_away(worker, pushes, clock):
    assert worker.run() == 1.0
    plan(pushes, clock, 60)
    assert worker.run() == 1.0
    plan(pushes, clock, 0.25)
    assert worker.run() == 0.25


def test_what_was_due_while_the_server_was_down_is_stored_once_after_it_is_back(pushes, parts, clock):
    plan(pushes, clock, durable=True)
    clock.now += 3600 * SECOND
    for worker in (Schedule(parts, pushes), Schedule(parts, pushes)):
        worker.run()
    assert stored(parts) == 1


def test_what_is_for_open_pages_waits_until_they_are_back_after_a_restart(pushes, parts, published, clock):
    plan(pushes, clock)
    clock.now += 3600 * SECOND
    worker = Schedule(parts, pushes)
    worker.run()
    assert published == []
    clock.now += 5 * SECOND
    worker.run()
    assert len(published) == 1


def test_a_round_that_another_worker_took_does_not_come_again(worker, pushes, parts, published, clock, monkeypatch):
    """Both read the row; then the other one is quicker."""
    plan(pushes, clock, durable=True)
    clock.now += SECOND
    seen = parts.database.read(lambda c: schedule.due(c, clock.now))
    worker.run()
    before = len(published)
    monkeypatch.setattr(schedule, "due", lambda connection, now: seen)
    Schedule(parts, pushes).run()
    assert (stored(parts), len(published)) == (1, before)


def test_a_push_to_many_that_was_cut_off_in_the_middle_is_completed_without_repeats(worker, parts, clock):
    pushes = Pushes(parts)
    people = [str(number) for number in range(100)]
    pushes.push(make_push(people, content="time", durable=True, at=clock.now))
    calls = []

    def dies_at_the_second(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise Unavailable("killed")
        return type(parts.writer).call(parts.writer, *arguments, **options)

    parts.writer.call = dies_at_the_second
    with pytest.raises(Unavailable):
        worker.run()
    assert waiting(parts) == [clock.now]
    worker.run()
    counts = parts.database.read(lambda c: [m.seq for uid in people for m in rooms.memberships(c, uid)])
    assert counts == [1] * 100
    assert waiting(parts) == []


def test_every_round_comes_and_those_that_were_missed_are_left_out(worker, pushes, parts, clock):
    start = clock.now
    plan(pushes, clock, every=60 * SECOND, durable=True)
    clock.now = start + SECOND
    worker.run()
    assert (stored(parts), waiting(parts)) == (1, [start + 61 * SECOND])
    clock.now = start + 3600 * SECOND
    worker.run()
    worker.run()
    assert (stored(parts), waiting(parts)) == (2, [start + 3601 * SECOND])


def test_a_round_that_cannot_be_carried_out_is_told_in_the_log_and_does_not_come_back(worker, parts, clock, caplog):
    row = schedule.Planned("a1", clock.now, None, '{"gid":"gone","content":"hi","durable":true}')
    parts.database.run(lambda c: schedule.add(c, row, clock.now))
    worker.run()
    assert "a1" in caplog.text
    assert waiting(parts) == []


def test_a_push_that_was_called_off_does_not_come(worker, pushes, published, clock):
    pushes.unschedule(plan(pushes, clock))
    clock.now += SECOND
    worker.run()
    assert published == []


@pytest.mark.parametrize("push", ['{"uids":["7"],"of_tomorrow":1}', '{"all":true,"name":"state"}'])
def test_one_that_another_version_planned_holds_up_no_other_and_stays(
    worker, pushes, published, clock, parts, caplog, push
):
    odd = schedule.Planned("odd", clock.now, None, push)
    parts.database.run(lambda c: schedule.add(c, odd, clock.now))
    plan(pushes, clock)
    clock.now += SECOND
    for _ in range(3):
        worker.run()
    assert len(published) == 1
    assert waiting(parts) == [odd.due]
    assert caplog.text.count("odd cannot be read") == 1
