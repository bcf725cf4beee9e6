import pytest

from legacy_chat.site import throttle as throttle_module
from legacy_chat.site.throttle import Throttle


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return Throttle(clock)


def fail(throttle, times, *keys):
    for _ in range(times):
        throttle.failed(*keys)


def test_the_first_mistakes_cost_nothing(throttle):
    fail(throttle, 4, "ada")
    assert throttle.wait("ada") == 0


def test_each_further_one_doubles_the_wait(throttle):
    waits = []
    fail(throttle, 4, "ada")
    for _ in range(4):
        fail(throttle, 1, "ada")
        waits.append(throttle.wait("ada"))
    assert waits == [2, 4, 8, 16]


def test_the_wait_passes(throttle, clock):
    fail(throttle, 6, "ada")
    clock.now = 3.9
    assert throttle.wait("ada") == pytest.approx(0.1)
    clock.now = 4.0
    assert throttle.wait("ada") == 0


def test_nobody_waits_longer_than_the_window(throttle):
    fail(throttle, 500, "ada")
    assert throttle.wait("ada") == 15 * 60


def test_after_the_window_everything_is_forgotten(throttle, clock):
    fail(throttle, 500, "ada")
    clock.now = 15 * 60
    fail(throttle, 1, "ada")
    assert throttle.wait("ada") == 0


def test_a_guesser_who_changes_names_waits_for_the_address(throttle):
    for n in range(8):
        throttle.failed(f"name:{n}", "address:1.2.3.4")
    assert throttle.wait("name:9", "address:1.2.3.4") > 0
    assert throttle.wait("name:1", "address:5.6.7.8") == 0


def test_success_forgives_the_name_and_not_the_address(throttle):
    fail(throttle, 8, "name:ada", "address:1.2.3.4")
    throttle.succeeded("name:ada")
    throttle.succeeded("name:ben")
    assert throttle.wait("name:ada") == 0
    assert throttle.wait("address:1.2.3.4") > 0


def test_the_memory_is_bounded_and_the_oldest_is_forgotten_first(throttle, monkeypatch):
    monkeypatch.setattr(throttle_module, "_MOST", 10)
    for n in range(30):
        fail(throttle, 8, f"name:{n}")
    assert throttle.wait("name:0") == 0
    assert throttle.wait("name:29") > 0
    assert len(throttle._failures) == 10
