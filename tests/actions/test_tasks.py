from functools import partial

import pytest

from legacy_chat.actions.tasks import Declared, Task


def sweep(*arguments, **named):
    return arguments, named


def test_a_task_calls_its_function_with_its_arguments():
    called = []
    Task("after", lambda *a, **n: called.append((a, n)), (1, 2), {"fast": True}, ms=5).call()
    assert called == [((1, 2), {"fast": True})]


def test_its_name_is_that_of_the_function():
    assert repr(Task("every", sweep, ms=1000)) == f"<every 1000 ms: {__name__}.sweep>"
    assert repr(Task("spawn", sweep)) == f"<{__name__}.sweep>"


def test_whatever_can_be_called_has_a_name_that_is_the_same_in_every_worker():
    class Broom:
        def sweep(self): ...

        def __call__(self): ...

    here = f"{__name__}.test_whatever_can_be_called_has_a_name_that_is_the_same_in_every_worker.<locals>"
    assert Task("spawn", partial(partial(sweep, 1), 2)).name == f"{__name__}.sweep"
    assert Task("spawn", Broom().sweep).name == f"{here}.Broom.sweep"
    assert Task("spawn", Broom()).name == f"{here}.Broom"
    assert Task("spawn", print).name == "builtins.print"


@pytest.mark.parametrize(("kind", "ms"), [("every", 0), ("every", -1), ("after", -1), ("after", True), ("after", "5")])
def test_what_is_no_time_is_refused(kind, ms):
    with pytest.raises(ValueError, match="milliseconds"):
        Task(kind, sweep, ms=ms)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match=r"chat\.after takes a function"):
        Task("after", sweep(), ms=5)


def test_what_was_declared_at_import_starts_with_each_worker():
    declared, one, other = Declared(), [], []
    task = Task("after", sweep, ms=5)
    declared.add(task)
    assert declared.begin(one.append) == [task]
    assert declared.begin(other.append) == [task]


def test_what_comes_later_starts_at_once():
    declared, started = Declared(), []
    declared.begin(started.append)
    task = Task("spawn", sweep)
    declared.add(task)
    assert started == [task]
    assert declared.begin([].append) == []


def test_an_every_is_declared_for_workers_to_come_as_well():
    declared, started = Declared(), []
    declared.begin(started.append)
    task = Task("every", sweep, ms=5)
    declared.add(task)
    assert (started, declared.begin([].append)) == ([task], [task])


def test_what_was_cancelled_before_starts_nowhere():
    declared, forgotten = Declared(), []
    task = Task("after", sweep, ms=5)
    task.on_cancel.append(lambda: forgotten.append(task))
    declared.add(task)
    task.cancel()
    assert declared.begin([].append) == []
    assert (task.cancelled, forgotten) == (True, [task])


def test_a_worker_that_was_forked_off_is_none_of_the_process_before(monkeypatch):
    declared, started = Declared(), []
    declared.begin(started.append)
    monkeypatch.setattr("os.getpid", lambda: -1)
    declared.add(Task("spawn", sweep))
    assert started == []
    assert len(declared.begin(started.append)) == 1
