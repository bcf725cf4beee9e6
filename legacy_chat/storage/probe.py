"""One look at every table: whether the store can serve anybody."""

from __future__ import annotations

from sqlalchemy import literal, select
from sqlalchemy.engine import Connection

from .tables import metadata

_look = select(*(select(literal(1)).select_from(table).limit(1).scalar_subquery() for table in metadata.sorted_tables))


def look(connection: Connection) -> None:
    """Raises what the database says where a table is missing."""
    connection.execute(_look)
