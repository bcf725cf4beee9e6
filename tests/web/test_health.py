"""May this worker be sent people? Whatever asks gets a quick answer, and the store is not asked more for it."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from legacy_chat.errors import Unavailable
from legacy_chat.storage import probe
from legacy_chat.web import health
from legacy_chat.web.health import StoreCheck


@pytest.fixture
def state(host):
    state = host.extensions["legacy_chat"]
    state.serves_sockets = False
    return state


@pytest.fixture
def ask(host):
    def ask(path="", method="GET", **how):
        return host.test_client().open(f"/chat/health{path}", method=method, **how)

    return ask


def test_a_worker_that_may_be_sent_people_says_so(state, ask):
    for path in ("", "/ready"):
        answer = ask(path)
        assert answer.status_code == 200
        assert answer.json == {"live": True, "ready": True, "checks": {"worker": "ok", "room": "ok", "store": "ok"}}
        assert answer.headers["Cache-Control"] == "no-store"
    assert ask(method="HEAD").data == b""


@pytest.mark.parametrize(("draining", "full"), [(True, False), (False, True)])
def test_who_drains_or_is_full_lives_and_is_not_ready(state, ask, monkeypatch, draining, full):
    worker = SimpleNamespace(draining=draining, full=full)
    monkeypatch.setattr(type(state), "running", worker)
    answer = ask()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.json["live"] is True
    assert answer.json["ready"] is False
    assert answer.json["checks"]["worker"] == ("draining" if draining else "ok")
    assert answer.json["checks"]["room"] == ("full" if full else "ok")
    assert ask("/live").status_code == 200


def test_a_chat_worker_that_did_not_start_is_seen(state, ask):
    state.serves_sockets = True
    assert ask().json["checks"]["worker"] == "failed"


def test_a_store_that_lost_its_tables_is_away(state, ask):
    with state.database.engine.begin() as connection:
        connection.execute(text("DROP TABLE chat_info"))
    answer = ask()
    assert answer.status_code == 503
    assert answer.json["checks"]["store"] == "away"
    assert ask("/live").json == {"live": True}


@pytest.fixture
def full_disk(state, monkeypatch):
    """Reading goes on, and so do transactions that write nothing. `full_disk(False)` ends it; `tries` were made."""
    tries = []

    def write(connection):
        tries.append(time.monotonic())
        if is_full:
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    def become(full):
        nonlocal is_full
        is_full = full

    is_full, become.tries = True, tries
    monkeypatch.setattr(probe, "write", write)
    monkeypatch.setattr(health, "_GOOD", 0.0)
    return become


def test_a_store_whose_last_commit_failed_is_away_until_one_succeeds(state, ask, full_disk, monkeypatch):
    monkeypatch.setattr(health, "_TRY", 0.0)
    assert ask().json["checks"]["store"] == "ok"
    assert full_disk.tries == []  # nobody writes while all is well
    with pytest.raises(Unavailable):
        state.parts.writer.call(probe.write)
    state.parts.writer.call(lambda _: None)
    assert ask().json["checks"]["store"] == "away"
    full_disk(False)
    assert ask().json["checks"]["store"] == "ok"
    tries = len(full_disk.tries)
    assert ask().json["checks"]["store"] == "ok"
    assert len(full_disk.tries) == tries


def test_while_commits_fail_few_more_are_tried(state, ask, full_disk):
    with pytest.raises(Unavailable):
        state.parts.writer.call(probe.write)
    assert {ask().json["checks"]["store"] for _ in range(20)} == {"away"}
    assert len(full_disk.tries) == 2


def test_the_sites_own_login_wall_does_not_stand_in_the_way(make_host):
    host = make_host()
    host.before_request(lambda: ("who are you?", 401))
    assert host.test_client().get("/chat/health/live").status_code == 200
    assert host.test_client().get("/chat/").status_code == 401


# -- the look at the store ---------------------------------------------------------------------------------------


class Store:
    """Answers when it is let."""

    def __init__(self):
        self.asked, self.error = 0, None
        self.free = threading.Event()
        self.free.set()

    def __call__(self):
        self.asked += 1
        assert self.free.wait(10)
        if self.error:
            raise self.error


@pytest.fixture
def store():
    store = Store()
    yield store
    store.free.set()


def test_a_thousand_probes_are_one_question(store):
    check = StoreCheck(store)
    assert {check.state() for _ in range(1000)} == {"ok"}
    assert store.asked == 1


def test_many_who_ask_at_one_moment_share_the_answer(store):
    check, found = StoreCheck(store), []
    store.free.clear()
    threads = [threading.Thread(target=lambda: found.append(check.state())) for _ in range(20)]
    for thread in threads:
        thread.start()
    store.free.set()
    for thread in threads:
        thread.join()
    assert found == ["ok"] * 20
    assert store.asked == 1


@pytest.mark.timed
def test_a_store_that_hangs_is_slow_and_asked_no_second_time(store, monkeypatch):
    monkeypatch.setattr(health, "_PATIENCE", 0.1)
    monkeypatch.setattr(health, "_GOOD", 0.0)
    check = StoreCheck(store)
    store.free.clear()
    assert check.state() == "slow"
    began = time.monotonic()
    assert {check.state() for _ in range(100)} == {"slow"}
    assert time.monotonic() - began < 0.1  # nobody waits again for a question that is late already
    assert store.asked == 1
    store.free.set()
    ends = time.monotonic() + 5
    while check.state() != "ok":
        assert time.monotonic() < ends


def test_a_store_that_refuses_is_away_until_it_answers_again(store, monkeypatch):
    monkeypatch.setattr(health, "_GOOD", 0.0)
    check = StoreCheck(store)
    store.error = Unavailable("no")
    assert check.state() == "away"
    store.error = None
    assert check.state() == "ok"
