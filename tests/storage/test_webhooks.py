"""Webhooks as stored, events recorded with what they tell of, the log; SQLite's way and the portable one."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from sqlalchemy import event as listen
from sqlalchemy import text

from legacy_chat.core.model import Draft
from legacy_chat.core.webhooks import Webhook
from legacy_chat.storage import messages, rooms, webhooks

URL = "https://shop.example/hook"
SECRET = "whsec_" + "a" * 32


@pytest.fixture
def run(database):
    return database.run


@pytest.fixture
def add(run):
    def add(*events: str) -> Webhook:
        return run(lambda c: webhooks.add(c, URL, events, SECRET, 100))

    return add


@pytest.fixture(params=["sqlite", "portable"])
def record(request, run, monkeypatch):
    """Record events in a transaction, by both ways of many rows."""

    def record(*events: tuple) -> None:
        def work(connection) -> None:
            with monkeypatch.context() as patch:
                if request.param == "portable":
                    patch.setattr(connection.dialect, "name", "another")
                for type, data, ts in events:
                    webhooks.record(connection, type, data, ts)

        run(work)

    return record


def log_of(run, webhook: Webhook, before=None, limit=50):
    return run(lambda c: webhooks.log_of(c, webhook.id, before, limit))


@contextmanager
def statements(database):
    """Every statement that SQLAlchemy sends meanwhile."""
    sent: list[str] = []

    def note(connection, cursor, statement, *_) -> None:
        sent.append(statement)

    listen.listen(database.engine, "before_cursor_execute", note)
    yield sent
    listen.remove(database.engine, "before_cursor_execute", note)


# -- webhooks -------------------------------------------------------------------------------------------------------


def test_what_is_added_is_found_changed_and_removed(run, add):
    one, two = add("user.online"), add("user.online", "message.created")
    assert run(webhooks.listed) == [one, two]
    changed = run(lambda c: webhooks.change(c, two.id, events=["user.offline"], disabled="Stopped."))
    assert (changed.events, changed.disabled, changed.url) == (["user.offline"], "Stopped.", URL)
    assert run(lambda c: webhooks.remove(c, one.id))
    assert run(webhooks.listed) == [changed]
    assert run(lambda c: webhooks.find(c, one.id)) is None


def test_what_was_removed_cannot_be_changed_nor_removed_again_and_its_secret_is_gone(run, add):
    one = add("user.online")
    assert run(lambda c: webhooks.remove(c, one.id))
    assert not run(lambda c: webhooks.remove(c, one.id))
    assert run(lambda c: webhooks.change(c, one.id, disabled=None)) is None
    assert run(lambda c: c.execute(text("SELECT secret, disabled FROM chat_webhooks")).all()) == [("", "removed")]
    assert run(lambda c: webhooks.change(c, 99)) is None


# -- events ---------------------------------------------------------------------------------------------------------


def test_every_webhook_that_wants_it_gets_the_event_under_one_id(run, add, record):
    one, two, three = add("user.online"), add("user.online", "user.offline"), add("message.created")
    record(("user.online", {"uid": "7"}, 1_700_000_000_000), ("user.offline", {"uid": "9"}, 1_700_000_000_001))
    [online], [offline, also] = log_of(run, one), log_of(run, two)
    assert log_of(run, three) == []
    assert (online.type, offline.type) == ("user.online", "user.offline")
    assert online.event == also.event != offline.event
    assert json.loads(online.body)["data"] == {"uid": "7"}
    assert (online.attempts, online.due, online.status) == (0, 1_700_000_000_000, "waiting")


def test_what_is_rolled_back_is_not_told(run, add):
    one = add("user.online")

    def work(connection) -> None:
        webhooks.record(connection, "user.online", {"uid": "7"}, 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(work)
    assert log_of(run, one) == []


def test_a_disabled_webhook_is_told_nothing(run, add, record):
    one = add("user.online")
    run(lambda c: webhooks.change(c, one.id, disabled="Stopped."))
    record(("user.online", {}, 1))
    run(lambda c: webhooks.change(c, one.id, disabled=None))
    record(("user.online", {}, 2))
    assert [delivery.created for delivery in log_of(run, one)] == [2]


def test_a_webhook_of_another_process_is_known_within_a_moment(run, record, monkeypatch):
    now = 0.0
    monkeypatch.setattr(webhooks, "monotonic", lambda: now)
    record(("user.online", {}, 1))
    insert = "INSERT INTO chat_webhooks (url, secret, events, created, held) VALUES ('u', 's', 'user.online', 0, 0)"
    run(lambda c: c.execute(text(insert)))
    record(("user.online", {}, 2))
    [other] = run(webhooks.listed)
    assert log_of(run, other) == []
    now = webhooks.REMEMBERED + 0.1
    monkeypatch.setattr(webhooks, "monotonic", lambda: now)
    record(("user.online", {}, 3))
    assert [delivery.created for delivery in log_of(run, other)] == [3]


@pytest.fixture
def say(run):
    """Store messages of ada (7): `say(conversation, "hi", "there")`; the same `id` is a repeat."""

    def say(conversation: int, *contents: str, id: str | None = None) -> None:
        drafts = [Draft(conversation, "7", "ada", content, 500, id) for content in contents]
        run(lambda c: messages.append(c, drafts))

    return say


def test_a_message_in_a_room_is_told_with_the_fields_of_its_frame(run, add, say):
    one = add("message.created")
    room = run(lambda c: rooms.create_room(c, "tea", "Tea", False))
    say(room.id, "hi", id="a-1")
    [delivery] = log_of(run, one)
    data = {"gid": "tea", "uid": "7", "name": "ada", "content": "hi", "seq": 1, "ts": 500, "mid": f"{room.id}.1"}
    assert json.loads(delivery.body) == {
        "type": "message.created",
        "timestamp": "1970-01-01T00:00:00.500Z",
        "data": {**data, "id": "a-1"},
    }


def test_a_private_message_names_both_people(run, add, say):
    one = add("message.created")
    say(run(lambda c: rooms.open_private(c, "7", "a|9:")), "psst")
    [delivery] = log_of(run, one)
    data = json.loads(delivery.body)["data"]
    assert (data["uid"], data["to"], data["content"]) == ("7", "a|9:", "psst")


def test_a_message_that_is_sent_twice_is_told_once(run, add, say):
    one = add("message.created")
    room = run(lambda c: rooms.create_room(c, "tea", "Tea", False))
    say(room.id, "hi", id="a-1")
    say(room.id, "hi", id="a-1")
    say(room.id, "ho", "hu")
    contents = [json.loads(delivery.body)["data"]["content"] for delivery in log_of(run, one)]
    assert contents == ["hu", "ho", "hi"]


def test_where_nobody_listens_a_message_costs_no_statement_more(run, add, say, database):
    add("user.online")
    room = run(lambda c: rooms.create_room(c, "tea", "Tea", False))
    say(room.id, "the first one looks")
    with statements(database) as sent:
        say(room.id, "hi")
    assert [statement for statement in sent if "webhooks" in statement or "deliveries" in statement] == []


# -- deliveries -----------------------------------------------------------------------------------------------------


def test_the_log_is_read_in_pages_from_the_newest(run, add, record):
    one = add("user.online")
    record(*[("user.online", {}, ts) for ts in range(5)])
    first = log_of(run, one, limit=2)
    second = log_of(run, one, before=first[-1].id, limit=2)
    assert [delivery.created for delivery in first + second] == [4, 3, 2, 1]


def test_what_is_due_comes_in_its_order(run, add, record):
    one = add("user.online")
    record(*[("user.online", {}, ts) for ts in (30, 10, 20, 20)])
    late, first, *_ = reversed(log_of(run, one))
    run(lambda c: webhooks.note(c, first.id, due=25, attempts=1))
    found = run(lambda c: webhooks.due(c, one.id, 29, 10))
    assert [delivery.due for delivery in found] == [20, 20, 25]
    assert found[0].id < found[1].id
    assert late.id not in [delivery.id for delivery in found]


def test_a_webhook_is_held_by_one_worker_at_a_time(run, add, record):
    one = add("user.online")
    assert run(lambda c: webhooks.free(c, 1000)) == []
    record(("user.online", {}, 1000))
    assert run(lambda c: webhooks.free(c, 999)) == []
    assert run(lambda c: webhooks.free(c, 1000)) == [(one.id, 0)]
    assert run(lambda c: webhooks.hold(c, one.id, 0, 5000))
    assert not run(lambda c: webhooks.hold(c, one.id, 0, 6000))
    assert run(lambda c: webhooks.free(c, 4999)) == []
    assert run(lambda c: webhooks.free(c, 5000)) == [(one.id, 5000)]
    assert run(lambda c: webhooks.hold(c, one.id, 5000, 0))


def test_a_disabled_webhook_is_neither_free_nor_held(run, add, record):
    one = add("user.online")
    record(("user.online", {}, 1000))
    run(lambda c: webhooks.change(c, one.id, disabled="Stopped."))
    assert run(lambda c: webhooks.free(c, 2000)) == []
    assert not run(lambda c: webhooks.hold(c, one.id, 0, 5000))


def test_the_old_log_is_cleared_in_portions_and_that_of_removed_webhooks_too(run, add, record, monkeypatch):
    monkeypatch.setattr(webhooks, "PORTION", 2)
    one, two = add("user.online"), add("user.online")
    record(*[("user.online", {}, ts) for ts in (1, 2, 10, 11)])
    portions = [run(lambda c: webhooks.forget(c, 10)) for _ in range(3)]
    assert portions == [True, True, False]
    assert [delivery.created for delivery in log_of(run, one)] == [11, 10]
    run(lambda c: webhooks.remove(c, two.id))
    assert run(lambda c: webhooks.forget(c, 10))
    assert not run(lambda c: webhooks.forget(c, 10))
    assert run(lambda c: c.execute(text("SELECT DISTINCT webhook FROM chat_deliveries")).scalars().all()) == [one.id]
    assert run(lambda c: c.execute(text("SELECT id FROM chat_webhooks")).scalars().all()) == [one.id]


def test_what_is_due_is_found_by_an_index(database):
    query = "EXPLAIN QUERY PLAN SELECT id FROM chat_deliveries WHERE webhook = 1 AND due <= 5 ORDER BY due, id LIMIT 20"
    with database.engine.connect() as connection:
        plan = str(connection.execute(text(query)).all())
    assert "chat_deliveries_due" in plan
    assert "TEMP B-TREE" not in plan
