import copy

import pytest

from legacy_chat.doctor import judge, packages
from legacy_chat.doctor.gunicorn import WORKER

WELL = {
    "server": {
        "software": "gevent/26.9.0",
        "host": "shop",
        "pid": 7,
        "packages": packages.versions(),
        "gunicorn": {"worker_class": WORKER, "workers": 1, "preload": False, "worker_connections": 1000},
        "descriptors": 65536,
    },
    "gevent": {"patched": True, "early": True, "strays": []},
    "chat": {"backplane": "memory", "max_connections": 10_000},
    "databases": {"chat": "pysqlite"},
    "store": {"name": "sqlite, /srv/chat.sqlite", "writes": "ok"},
    "age": 0.01,
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
    return {finding.check: finding for finding in judge.judge(told, "sqlite, /srv/chat.sqlite")}


def test_a_healthy_server_has_nothing_to_mend():
    assert {finding.state for finding in found().values()} == {"ok"}


@pytest.mark.parametrize("worker", ["sync", "gthread", "gevent"])
def test_a_worker_without_sockets(worker):
    assert found(server__gunicorn__worker_class=worker)["worker"].state == "bad"


@pytest.mark.parametrize(("workers", "worker", "one"), [(1, WORKER, True), (2, WORKER, False), (1, "sync", False)])
def test_whether_one_worker_has_all_the_sockets(workers, worker, one):
    told = copy.deepcopy(WELL)
    told["server"]["gunicorn"] |= {"workers": workers, "worker_class": worker}
    assert judge.is_one(told) == one


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


def test_a_pool_that_one_browser_would_fill():
    assert found(server__gunicorn__worker_connections=4)["worker_connections"].state == "bad"


def test_what_the_server_says_of_its_history():
    assert found(store__writes="away")["history"].state == "bad"


@pytest.mark.parametrize(("age", "words"), [(4.0, None), (30.2, "30 s ahead of"), (-30.2, "30 s behind")])
def test_clocks_that_differ(age, words):
    judged = found(age=age)
    assert ("clock" in judged) == bool(words)
    assert words is None or words in judged["clock"].text


def test_a_driver_that_blocks():
    assert found(databases={"chat": "mysqldb"})["database driver"].state == "bad"


def test_other_packages_than_in_this_shell_are_a_note():
    judged = found(server__packages__gevent="22.10")
    assert judged["versions"].text == "the server has gevent 22.10"
