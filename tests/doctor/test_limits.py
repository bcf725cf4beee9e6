import logging

import pytest

from legacy_chat.doctor import limits
from legacy_chat.doctor.gunicorn import WORKER, Gunicorn
from legacy_chat.settings import load


def server(workers=1, worker_class=WORKER):
    return Gunicorn(worker_class, workers, False, 1000)


@pytest.mark.parametrize(
    ("workers", "worker_class", "backplane", "state"),
    [
        (1, WORKER, "memory", "ok"),
        (2, WORKER, "memory", "bad"),
        (2, WORKER, "redis", "ok"),
        (8, "sync", "memory", "ok"),  # they look into the store
    ],
)
def test_workers_with_sockets_have_to_share_a_backplane(workers, worker_class, backplane, state):
    assert limits.check_workers(server(workers, worker_class), backplane).state == state


@pytest.mark.parametrize(
    ("descriptors", "here", "state"),
    [
        (None, False, "ok"),
        (65536, False, "ok"),
        (1024, False, "note"),  # room for 768 sockets
        (512, False, "bad"),  # the pages alone may take 1000
        (512, True, "note"),  # the server may have another limit than this shell
    ],
)
def test_descriptors_have_to_last_for_pages_and_sockets(descriptors, here, state):
    assert limits.check_descriptors(descriptors, 1000, 10_000, here).state == state


@pytest.mark.parametrize(("slots", "state"), [(1000, "ok"), (50, "note"), (4, "bad")])
def test_requests_at_a_time_have_to_last_for_more_than_one_browser(slots, state):
    found = limits.check_slots(slots)
    assert (found.check, found.state) == ("worker_connections", state)


def test_how_many_sockets_there_is_room_for_is_said():
    assert "room for 768 sockets" in limits.check_descriptors(1024, 1000, 10_000).cause


@pytest.mark.parametrize(("running", "lines"), [(server(2), 1), (server(1), 0), (None, 0)])
def test_lonely_workers_are_an_error_in_the_log(monkeypatch, caplog, running, lines):
    monkeypatch.setattr(limits, "running", lambda: running)
    limits.warn_of_lonely_workers(load({}, {}))
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * lines
