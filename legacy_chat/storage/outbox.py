"""What waits in the site's own database for the site's commit.

`chat_outbox` is the only table that stands there and not beside the messages: a row shares the transaction in which
the site wrote it, so it is there if and only if that was committed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, MetaData, String, Table, Text, bindparam, event, inspect, select
from sqlalchemy import create_engine as make_engine
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool, SingletonThreadPool, StaticPool
from sqlalchemy.schema import CreateTable

from ..errors import SettingsError
from .connector import Connector

outbox = Table(
    "chat_outbox",
    MetaData(),
    Column("id", String(32), primary_key=True),
    Column("push", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)

_o = outbox.c
_COLUMNS = select(_o.id, _o.push)
_in_order = _COLUMNS.order_by(_o.created, _o.id)
_oldest = _in_order.limit(bindparam("count"))
_some = _in_order.where(_o.id.in_(bindparam("ids", expanding=True)))

# Where a table may be made inside a transaction; elsewhere that would commit what the site has not committed yet.
_TRANSACTIONAL = ("sqlite", "postgresql")

_PENDING = "legacy_chat_outbox"


class Row(NamedTuple):
    """`push` is JSON; ids sort in the order of writing."""

    id: str
    push: str


Ended = Callable[[list[str]], None]


class SiteDatabase:
    """The site's database, seen from outside of the site's own transactions."""

    def __init__(self, engine: Engine, lock: AbstractContextManager[Any] | None = None):
        """`lock` is one that native threads may wait for."""
        self.url = engine.url
        self._engine = _own_connections(engine)
        self._connector = Connector(lock)
        self._ready = False  # the table was there once; nobody drops it

    def prepare(self) -> None:
        """Make the table, where it cannot be made when it is needed."""
        if self._engine.dialect.name not in _TRANSACTIONAL:
            outbox.metadata.create_all(self._engine)

    def oldest(self, count: int = 100) -> list[Row]:
        """What was committed, and may not be delivered yet."""
        with self._connect() as connection:
            if not self._look(connection):
                return []
            return [Row(*row) for row in connection.execute(_oldest, {"count": count})]

    def find(self, ids: list[str]) -> list[Row]:
        """Those of them that were committed."""
        with self._connect() as connection:
            if not self._look(connection):
                return []
            return [Row(*row) for row in connection.execute(_some, {"ids": ids})]

    def remove(self, ids: list[str]) -> None:
        with self._connect() as connection, connection.begin():
            connection.execute(outbox.delete().where(_o.id.in_(ids)))

    def _connect(self) -> Connection:
        return self._connector.connect(self._engine)

    def _look(self, connection: Connection) -> bool:
        self._ready = self._ready or inspect(connection).has_table(outbox.name)
        return self._ready


def _own_connections(engine: Engine) -> Engine:
    """Connections as the site makes them, but none of its pool: ours are used in other threads and for moments only.

    A database in memory lives in the site's own connection.
    """
    if isinstance(engine.pool, StaticPool | SingletonThreadPool):
        return engine
    return make_engine(engine.url, creator=engine.pool._creator, poolclass=NullPool, future=True)


def add(session: Any, row: Row, now: int, known: SiteDatabase | None, ended: Ended) -> None:
    """Write it in the session's transaction; `ended(ids)` follows when that is over, whichever way it ended.

    Raises `SettingsError` where it could not be found after a crash, or the table cannot be made here and now.
    """
    connection = session.connection(bind_arguments={"clause": outbox})
    if known is None or known.url != connection.engine.url:
        raise SettingsError("Name the database of this session: chat.init_app(app, engine=...), or Flask-SQLAlchemy's.")
    _prepare(connection)
    connection.execute(outbox.insert(), {**row._asdict(), "created": now})
    _follow(session, row.id, ended)


def _prepare(connection: Connection) -> None:
    if inspect(connection).has_table(outbox.name):
        return
    if connection.dialect.name not in _TRANSACTIONAL:
        raise SettingsError("The table chat_outbox is missing: run `flask chat init-db`.")
    connection.execute(CreateTable(outbox, if_not_exists=True))  # somebody else may be making it right now


def _follow(session: Any, id_: str, ended: Ended) -> None:
    """One listener for each session, however many rows it writes; it may live as long as its thread."""
    session = getattr(session, "registry", lambda: session)()  # a scoped_session stands for the one of this thread
    if _PENDING not in session.info:
        session.info[_PENDING] = []
        event.listen(session, "after_transaction_end", _over)
    session.info[_PENDING].append((id_, ended))


def _over(session: Any, transaction: Any) -> None:
    if transaction.parent is not None:  # a savepoint
        return
    pending, session.info[_PENDING] = session.info[_PENDING], []
    if pending:
        pending[0][1]([id_ for id_, _ in pending])
