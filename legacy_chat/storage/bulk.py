"""Many rows in one statement.

SQLite gets them as one JSON array (`json_each`, SQLite ≥ 3.33): the driver lets go of the interpreter lock once a
statement, not once for each row, so that the event loop and the writer do not take turns a thousand times a commit.
Other databases get the driver's own way of sending many rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Table, and_, bindparam, select, tuple_, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, OperationalError

from .tables import conversations, members, messages

Row = Sequence[Any]
T = TypeVar("T")

# Values asked for in one statement: databases bound its parameters.
CHUNK = 500


def insert_new(connection: Connection, table: Table, rows: Any) -> bool:
    """Insert one row or several; False where another process was quicker with one of them, and none is in."""
    try:
        with connection.begin_nested():
            connection.execute(table.insert(), rows)
    except IntegrityError:
        return False
    return True


def chunks(values: Sequence[T]) -> Iterator[list[T]]:
    """All of them, so many at a time as one statement takes."""
    for start in range(0, len(values), CHUNK):
        yield list(values[start : start + CHUNK])


COLUMNS = (
    messages.c.conversation,
    messages.c.seq,
    messages.c.uid,
    messages.c.name,
    messages.c.content,
    messages.c.ts,
    messages.c.request_id,
)


class Portable:
    """For every database that SQLAlchemy speaks to."""

    _heads = (
        select(conversations.c.id, conversations.c.seq)
        .where(conversations.c.id.in_(bindparam("ids", expanding=True)))
        .order_by(conversations.c.id)
        .with_for_update()
    )
    _known = select(*COLUMNS).where(
        tuple_(messages.c.uid, messages.c.request_id).in_(bindparam("pairs", expanding=True))
    )
    _advance = (
        update(conversations)
        .where(conversations.c.id == bindparam("which"))
        .values(seq=bindparam("new_seq"), ts=bindparam("new_ts"))
    )
    _catch_up = (
        update(members)
        .where(and_(members.c.conversation == bindparam("which"), members.c.uid == bindparam("who")))
        .values(read=bindparam("upto"))
    )

    def heads(self, connection: Connection, ids: list[int]) -> Iterable[Row]:
        """`(conversation, newest seq)` of each, locked until the commit."""
        return connection.execute(self._heads, {"ids": ids})

    def known(self, connection: Connection, pairs: list[tuple[str, str]]) -> Iterable[Row]:
        """The messages stored under these `(uid, request_id)`."""
        return connection.execute(self._known, {"pairs": pairs})

    def insert(self, connection: Connection, rows: list[Row]) -> None:
        """Messages, as rows of `COLUMNS`."""
        names = [column.name for column in COLUMNS]
        connection.execute(messages.insert(), [dict(zip(names, row, strict=True)) for row in rows])

    def advance(self, connection: Connection, rows: list[Row]) -> None:
        """`(conversation, seq, ts)` of the newest message of each."""
        names = ("which", "new_seq", "new_ts")
        connection.execute(self._advance, [dict(zip(names, row, strict=True)) for row in rows])

    def catch_up(self, connection: Connection, rows: list[Row]) -> None:
        """`(conversation, uid, seq)`: how far each speaker has read."""
        names = ("which", "who", "upto")
        connection.execute(self._catch_up, [dict(zip(names, row, strict=True)) for row in rows])


def _values(count: int) -> str:
    return ", ".join(f"json_extract(j.value, '$[{number}]')" for number in range(count))


_NAMES = ", ".join(column.name for column in COLUMNS)


class SQLite:
    """The same through JSON arrays."""

    _HEADS = "SELECT id, seq FROM chat_conversations WHERE id IN (SELECT value FROM json_each(?))"
    _KNOWN = (
        f"SELECT {', '.join('m.' + column.name for column in COLUMNS)} FROM json_each(?) AS j JOIN chat_messages AS m "  # noqa: S608 - no input
        "ON m.uid = json_extract(j.value, '$[0]') AND m.request_id = json_extract(j.value, '$[1]')"
    )
    _INSERT = f"INSERT INTO chat_messages ({_NAMES}) SELECT {_values(len(COLUMNS))} FROM json_each(?) AS j"  # noqa: S608
    _ADVANCE = (
        "UPDATE chat_conversations SET seq = json_extract(j.value, '$[1]'), ts = json_extract(j.value, '$[2]') "
        "FROM json_each(?) AS j WHERE chat_conversations.id = json_extract(j.value, '$[0]')"
    )
    _CATCH_UP = (
        "UPDATE chat_members SET read = json_extract(j.value, '$[2]') FROM json_each(?) AS j "
        "WHERE conversation = json_extract(j.value, '$[0]') AND uid = json_extract(j.value, '$[1]')"
    )

    def heads(self, connection: Connection, ids: list[int]) -> Iterable[Row]:
        return self._run(connection, self._HEADS, ids)

    def known(self, connection: Connection, pairs: list[tuple[str, str]]) -> Iterable[Row]:
        return self._run(connection, self._KNOWN, pairs)

    def insert(self, connection: Connection, rows: list[Row]) -> None:
        self._run(connection, self._INSERT, rows)

    def advance(self, connection: Connection, rows: list[Row]) -> None:
        self._run(connection, self._ADVANCE, rows)

    def catch_up(self, connection: Connection, rows: list[Row]) -> None:
        self._run(connection, self._CATCH_UP, rows)

    def _run(self, connection: Connection, statement: str, rows: Sequence[Any]) -> Any:
        """Straight to the driver, inside SQLAlchemy's transaction: its layer costs more than these statements do."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - `bulk` chose by the dialect
        try:
            return driver.execute(statement, (msgspec.json.encode(rows).decode(),))
        except sqlite3.Error as error:
            raise OperationalError(statement, None, error) from error


def bulk(connection: Connection) -> Portable | SQLite:
    """The way of this connection's database."""
    return _SQLITE if connection.dialect.name == "sqlite" else _PORTABLE


_PORTABLE, _SQLITE = Portable(), SQLite()
