from __future__ import annotations

import gevent
import pytest
from gevent.event import Event

from legacy_chat.realtime import boot


@pytest.fixture
def boots(monkeypatch) -> list:
    """As in a process that has just started."""
    monkeypatch.setattr(boot, "_boots", [])
    monkeypatch.setattr(boot, "_booted", 0)
    return []


def test_every_app_is_started_once_however_many_addresses_the_server_has(boots):
    boot.at_boot(lambda: boots.append("one"))
    boot.at_boot(lambda: boots.append("two"))
    boot.run()
    boot.run()
    assert boots == ["one", "two"]


def test_a_process_that_was_forked_off_starts_its_own(boots, monkeypatch):
    boot.at_boot(lambda: boots.append("one"))
    boot.run()
    monkeypatch.setattr("os.getpid", lambda: -1)
    boot.run()
    assert boots == ["one", "one"]


def test_one_that_fails_takes_no_other_along(boots, caplog):
    boot.at_boot(lambda: 1 / 0)
    boot.at_boot(lambda: boots.append("two"))
    boot.run()
    assert boots == ["two"]
    assert "ZeroDivisionError" in caplog.text


def test_a_duty_is_done_again_after_the_seconds_that_it_answered_until_it_is_over():
    done, enough = [], Event()

    def duty() -> float:
        done.append(len(done))
        if len(done) == 3:
            enough.set()
        return 0.001

    boot.keep(duty, enough.is_set, "counting")
    assert enough.wait(5)
    gevent.sleep(0.01)
    assert done == [0, 1, 2]


def test_a_duty_that_fails_is_tried_again_and_again_less_and_less_often(monkeypatch, caplog):
    waited: list[float] = []
    monkeypatch.setattr(gevent, "sleep", waited.append)
    answers = iter([OSError("no disk"), OSError("no disk"), 0.5, OSError("no disk")])

    def duty() -> float:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    boot._keep(duty, lambda: len(waited) == 4, "the planned pushes")
    assert waited == [1.0, 2.0, 0.5, 1.0]
    assert caplog.text.count("the planned pushes failed") == 3
    assert "no disk" in caplog.text
