import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import gevent
import gevent.event
import pytest
from gevent.lock import BoundedSemaphore
from live.raw import eventually

from legacy_chat.actions import together as together_module
from legacy_chat.actions.together import Together
from legacy_chat.errors import Unavailable


class Store:
    """Doubles numbers, while `open` is set; notes who came together."""

    def __init__(self):
        self.open = threading.Event()
        self.looks = []
        self.fails = False

    def look(self, asked):
        self.looks.append(list(asked))
        assert self.open.wait(10)
        if self.fails:
            raise Unavailable("The store does not answer.")
        return [2 * number for number in asked]


@pytest.fixture
def store():
    return Store()


def test_who_asks_alone_does_not_wait_for_company(store):
    store.open.set()
    together = Together(store.look)
    assert [together.ask(number) for number in (1, 2)] == [2, 4]
    assert store.looks == [[1], [2]]


def test_who_comes_during_a_look_is_in_the_next_one(store):
    together = Together(store.look)
    with ThreadPoolExecutor(121) as pool:
        first = pool.submit(together.ask, 0)
        eventually(lambda: store.looks)
        others = [pool.submit(together.ask, number) for number in range(1, 121)]
        eventually(lambda: len(together._waiting) == 120)
        store.open.set()
        assert [asked.result(10) for asked in (first, *others)] == [2 * number for number in range(121)]
    assert [len(look) for look in store.looks] == [1, 50, 50, 20]


def test_a_look_that_fails_is_told_to_all_of_them_and_the_next_begins_anew(store):
    together = Together(store.look)
    store.fails = True
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(together.ask, 0)]
        eventually(lambda: store.looks)
        asked += [pool.submit(together.ask, number) for number in range(1, 4)]
        eventually(lambda: len(together._waiting) == 3)
        store.open.set()
        for one in asked:
            with pytest.raises(Unavailable):
                one.result(10)
    store.fails = False
    assert together.ask(21) == 42


def test_the_end_of_who_asks_for_others_is_not_theirs(store):
    class Ended(BaseException):
        pass

    def look(asked):
        if asked == [0]:
            store.look(asked)
            raise Ended
        return store.look(asked)

    together = Together(look)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(together.ask, 0)
        eventually(lambda: store.looks)
        other = pool.submit(together.ask, 1)
        eventually(lambda: together._waiting)
        store.open.set()
        with pytest.raises(Ended):
            first.result(10)
        assert other.result(10) == 2


def test_many_who_ask_all_the_time_get_their_own_answers():
    together = Together(lambda asked: [2 * number for number in asked])
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(together.ask, range(5000))) == [2 * number for number in range(5000)]


@pytest.fixture
def greenlets(monkeypatch):
    """As in a process that gevent has patched."""
    monkeypatch.setattr(together_module, "threading", SimpleNamespace(Event=gevent.event.Event, Lock=BoundedSemaphore))


@pytest.mark.parametrize("told_already", [False, True])
def test_the_end_of_somebody_who_waits_holds_up_nobody(greenlets, told_already):
    go = gevent.event.Event()

    def look(asked):
        go.wait()
        return [2 * number for number in asked]

    def ask_and_end_the_next():
        answer = together.ask(0)
        waits.kill(block=False)
        return answer

    together = Together(look)
    first = gevent.spawn(ask_and_end_the_next if told_already else together.ask, *(() if told_already else (0,)))
    gevent.sleep(0)
    waits = gevent.spawn(together.ask, 1)
    gevent.sleep(0)
    others = [gevent.spawn(together.ask, number) for number in (2, 3)]
    gevent.sleep(0)
    if not told_already:
        waits.kill(block=False)
    go.set()
    assert first.get(timeout=5) == 0
    assert [asked.get(timeout=5) for asked in others] == [4, 6]
    assert together.ask(21) == 42
