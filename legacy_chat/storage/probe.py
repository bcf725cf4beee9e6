"""Whether the store can serve anybody: one look at every table, and one tiny write."""

from __future__ import annotations

from sqlalchemy import delete, literal, select
from sqlalchemy.engine import Connection

from .tables import info, metadata

_look = select(*(select(literal(1)).select_from(table).limit(1).scalar_subquery() for table in metadata.sorted_tables))


# A row that nobody sees: it is gone before the commit.
_NAME = "probe"


def look(connection: Connection) -> None:
    """Raises what the database says where a table is missing."""
    connection.execute(_look)


def write(connection: Connection) -> None:
    """Has a page committed that is as before: on a full disk an empty transaction succeeds."""
    connection.execute(info.insert().values(name=_NAME, value=""))
    connection.execute(delete(info).where(info.c.name == _NAME))
