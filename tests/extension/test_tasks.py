"""`every`, `after` and `spawn` where no worker runs, and as a worker finds them; how they run stands in test_timers."""

from __future__ import annotations

import os
import sys
from types import ModuleType

import pytest

from legacy_chat import Chat
from legacy_chat.actions.tasks import Task
from legacy_chat.errors import Unavailable


def sweep() -> None: ...


@pytest.fixture
def chat(host) -> Chat:
    return Chat()


def declared(chat: Chat) -> list[str]:
    return [repr(task) for task in chat._hooks.tasks.begin([].append)]


def test_every_is_a_decorator_and_a_call(chat):
    assert chat.every(ms=1000)(sweep) is sweep
    handle = chat.every(500, sweep, each_worker=True)
    assert isinstance(handle, Task)
    assert handle.each_worker
    assert declared(chat) == [f"<every {ms} ms: {__name__}.sweep>" for ms in (1000, 500)]


def test_every_without_parentheses_registers_nothing_and_that_is_said(chat):
    with pytest.raises(TypeError, match=r"sweep is no number of milliseconds: write @chat\.every\(ms=1000\)"):
        chat.every(sweep)
    assert declared(chat) == []


def test_at_import_they_are_declared_for_the_workers(chat):
    chat.after(1000, sweep)
    chat.spawn(sweep)
    assert declared(chat) == [f"<after 1000 ms: {__name__}.sweep>", f"<{__name__}.sweep>"]


def test_what_was_cancelled_before_a_worker_runs_is_forgotten(chat):
    chat.after(1000, sweep).cancel()
    assert declared(chat) == []


def test_in_a_process_that_is_no_chat_worker_it_is_an_error(chat, host):
    with host.app_context():
        for call in (lambda: chat.after(1000, sweep), lambda: chat.spawn(sweep)):
            with pytest.raises(Unavailable, match="no chat worker"):
                call()
    assert declared(chat) == []


def test_before_the_worker_of_this_process_runs_they_wait_for_it(chat, host, monkeypatch):
    monkeypatch.setitem(sys.modules, "geventwebsocket.gunicorn.workers", ModuleType("workers"))
    with host.app_context():
        chat.spawn(sweep)
    assert [repr(task) for task in host.extensions["legacy_chat"]._waiting] == [f"<{__name__}.sweep>"]


def test_in_the_worker_they_start_at_once(chat, host):
    class Worker:
        class timers:
            started: list[Task] = []
            start = started.append

    host.extensions["legacy_chat"]._worker = os.getpid(), Worker
    with host.app_context():
        handle = chat.after(1000, sweep, 1, fast=True)
    assert Worker.timers.started == [handle]
    assert (handle.arguments, handle.named) == ((1,), {"fast": True})


@pytest.mark.parametrize("ms", [0, -5, None, "1000"])
def test_what_is_no_time_is_refused_where_it_is_written(chat, ms):
    with pytest.raises((ValueError, TypeError)):
        chat.every(ms)(sweep)
