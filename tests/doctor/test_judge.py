import copy

import pytest

from legacy_chat.doctor import judge, packages
from legacy_chat.doctor.gunicorn import WORKER

WELL = {
    "server": {
        "software": "gevent/26.9.0",
        "pid": 7,
        "packages": packages.versions(),
        "gunicorn": {"worker_class": WORKER, "workers": 1, "preload": False, "worker_connections": 1000},
        "descriptors": 65536,
    },
    "gevent": {"patched": True, "early": True, "strays": []},
    "chat": {"backplane": "memory", "max_connections": 10_000},
    "databases": {"chat": "pysqlite"},
}


def found(**changes):
    """The findings about a healthy server with changes: `server__descriptors=256`."""
    told = copy.deepcopy(WELL)
    for path, value in changes.items():
        *above, last = path.split("__")
        place = told
        for name in above:
            place = place[name]
        place[last] = value
    return {finding.check: finding for finding in judge.judge(told)}


def test_a_healthy_server_has_nothing_to_mend():
    assert {finding.state for finding in found().values()} == {"ok"}


@pytest.mark.parametrize("worker", ["sync", "gthread", "gevent"])
def test_a_worker_without_sockets(worker):
    assert found(server__gunicorn__worker_class=worker)["worker"].state == "bad"


def test_another_server_than_gunicorn_is_named():
    judged = found(server__gunicorn=None, server__software="Werkzeug/3.1.3")
    assert judged["worker"].text == "Werkzeug/3.1.3"
    assert "workers" not in judged


def test_an_app_that_was_loaded_too_early_names_who_blocks():
    judged = found(gevent__early=False, gevent__strays=["redis.retry (time.sleep)"])
    assert judged["patches"].state == "bad"
    assert "redis.retry (time.sleep)" in judged["patches"].cause


def test_strays_alone_are_a_note():
    assert found(gevent__strays=["shop (time.sleep)"])["patches"].state == "note"


def test_numbers_that_do_not_fit():
    assert found(server__gunicorn__workers=2)["workers"].state == "bad"
    assert found(server__descriptors=256)["ulimit"].state == "bad"


def test_a_driver_that_blocks():
    assert found(databases={"chat": "mysqldb"})["database driver"].state == "bad"


def test_other_packages_than_in_this_shell_are_a_note():
    judged = found(server__packages__gevent="22.10")
    assert judged["versions"].text == "the server has gevent 22.10"
