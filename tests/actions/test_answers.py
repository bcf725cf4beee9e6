import threading

import pytest

from legacy_chat.actions import answers
from legacy_chat.actions.answers import KEPT, Answers, request_id
from legacy_chat.errors import InProgress, KeyReused, UnknownRoom


@pytest.fixture
def once(parts):
    """Carries out request `r` of key 1; `done` counts how often."""

    def once(digest="d", work=lambda: (201, "made")):
        def carry_out():
            once.done += 1
            return work()

        return Answers(parts).once(1, "r", digest, carry_out)

    once.done = 0
    return once


def test_the_second_time_the_answer_comes_without_the_work(once):
    assert (once(), once()) == ((201, "made", False), (201, "made", True))
    assert once.done == 1


def test_a_key_stands_for_one_request(once):
    once()
    with pytest.raises(KeyReused):
        once("other")
    assert once.done == 1


def test_after_a_day_it_is_a_new_request(once, clock):
    once()
    clock.now += KEPT + 1
    assert once("other") == (201, "made", False)


def fail():
    raise UnknownRoom("no such room")


def test_a_failure_is_not_kept(once):
    with pytest.raises(UnknownRoom):
        once(work=fail)
    assert once() == (201, "made", False)


def test_the_second_of_two_at_once_waits_for_the_first(once):
    going, go_on, got = threading.Event(), threading.Event(), []

    def slow():
        going.set()
        assert go_on.wait(10)
        return 201, "made"

    first = threading.Thread(target=lambda: got.append(once(work=slow)))
    first.start()
    assert going.wait(10)
    second = threading.Thread(target=lambda: got.append(once()))
    second.start()
    go_on.set()
    first.join(10)
    second.join(10)
    assert sorted(got) == [(201, "made", False), (201, "made", True)]
    assert once.done == 1


def test_who_waits_too_long_is_told_to_ask_again(once, parts, monkeypatch):
    monkeypatch.setattr(answers, "_WAIT", 0.0)
    parts.writer.call(lambda c: answers.answers.begin(c, 1, "r", "d", parts.clock()))
    with pytest.raises(InProgress):
        once()


def test_a_request_that_was_cut_off_is_begun_again_after_a_minute(once, parts, clock):
    parts.writer.call(lambda c: answers.answers.begin(c, 1, "r", "d", parts.clock()))
    clock.now += 60_001
    assert once() == (201, "made", False)


def test_the_id_of_a_message_fits_and_tells_keys_and_requests_apart():
    ids = {request_id(key, request) for key in (1, 2**31) for request in ("a", "b", "x" * 255)}
    assert len(ids) == 6
    assert max(map(len, ids)) <= 64 - len(":2147483647")
