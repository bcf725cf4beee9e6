"""Both ways of sending many rows do the same."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from legacy_chat.storage import rooms
from legacy_chat.storage.bulk import COLUMNS, Portable, SQLite, bulk
from legacy_chat.storage.tables import conversations, members, messages

STRANGE = ["plain", "大家好", 'quote " and \\ and \u2028', "null", "0", "3.5", "[1]", "{}", "true", "🙂" * 3, "é" * 10]


@pytest.fixture(params=[Portable(), SQLite()], ids=["portable", "sqlite"])
def way(request):
    return request.param


@pytest.fixture
def room(database):
    found = database.run(lambda c: rooms.create_room(c, "lobby", "Lobby", False))
    for uid in ("7", "9"):
        database.run(lambda c, uid=uid: rooms.add_member(c, found.id, uid))
    return found.id


def rows_of(room):
    return [(room, seq, "7", "ada", text, 1000 + seq, f"id-{seq}") for seq, text in enumerate(STRANGE, 1)]


def test_messages_are_stored_as_they_were_said(database, room, way):
    database.run(lambda c: way.insert(c, [*rows_of(room), (room, 99, "9", "ben", "no id", 5, None)]))
    kept = database.read(lambda c: [tuple(row) for row in c.execute(select(*COLUMNS).order_by(messages.c.seq))])
    assert kept == [*rows_of(room), (room, 99, "9", "ben", "no id", 5, None)]


def test_known_requests_are_found_by_person_and_id(database, room, way):
    database.run(lambda c: way.insert(c, rows_of(room)))
    pairs = [("7", "id-2"), ("9", "id-2"), ("7", "id-77")]
    assert [tuple(row) for row in database.read(lambda c: list(way.known(c, pairs)))] == [rows_of(room)[1]]


def test_heads_and_markers_move_to_where_they_are_told(database, room, way):
    other = database.run(lambda c: rooms.create_room(c, "tea", "Tea", False)).id
    database.run(lambda c: way.advance(c, [(room, 5, 1005), (other, 2, 1002)]))
    heads = database.read(lambda c: {tuple(row) for row in way.heads(c, [room, other, 404])})
    assert heads == {(room, 5), (other, 2)}
    database.run(lambda c: way.catch_up(c, [(room, "7", 4), (other, "7", 1)]))
    read = database.read(lambda c: [tuple(row) for row in c.execute(select(members.c.uid, members.c.read))])
    assert sorted(read) == [("7", 4), ("9", 0)]
    times = database.read(lambda c: c.execute(select(conversations.c.ts).order_by(conversations.c.id)).scalars().all())
    assert times == [1005, 1002]


def test_a_database_gets_its_own_way(database):
    assert isinstance(database.read(bulk), SQLite)
