"""Schema changes, applied by alembic. `versions/` holds one file a change, named by its number.

Whether there is anything to change is found out without alembic: to import it takes as long as all the rest of a start.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import column, inspect, select, table
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from ...errors import Unavailable
from ..tables import metadata

VERSION_TABLE = "chat_version"  # ours, so that a host keeps its own

_version = table(VERSION_TABLE, column("version_num"))


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version."""
    with engine.begin() as connection:
        _upgrade(connection)


def is_current(engine: Engine) -> bool:
    """Whether the tables are those of this version. Raises `Unavailable` with what the database says."""
    with _in_its_words(), engine.connect() as connection:
        return version_of(connection) == newest()


def missing_tables(engine: Engine) -> list[str]:
    """Names of tables that are not there. Raises `Unavailable` with what the database says."""
    with _in_its_words():
        return sorted(set(metadata.tables) - set(inspect(engine).get_table_names()))


def version_of(connection: Connection) -> str | None:
    """The number of the last change that was made; None in an empty database."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(select(_version.c.version_num)).scalar()
    return found


def newest() -> str:
    """The number of the last change that there is."""
    versions = Path(__file__).with_name("versions")
    return max(change.name.partition("_")[0] for change in versions.glob("[0-9]*_*.py"))


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", os.path.dirname(__file__).replace("%", "%%"))
    command.upgrade(config, "head")


@contextmanager
def _in_its_words() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(str(getattr(error, "orig", None) or error).strip().partition("\n")[0]) from None
