"""Schema changes, applied by alembic. `versions/` holds one file a change."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from ...errors import Unavailable
from ..tables import metadata


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version; nothing happens where they are there already."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the tables are those of this version. Raises `Unavailable` with what the database says."""
    with _in_its_words(), engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "chat_version"})
        found = context.get_current_revision()
    return found == ScriptDirectory.from_config(_config()).get_current_head()


def missing_tables(engine: Engine) -> list[str]:
    """Names of tables that are not there. Raises `Unavailable` with what the database says."""
    with _in_its_words():
        return sorted(set(metadata.tables) - set(inspect(engine).get_table_names()))


@contextmanager
def _in_its_words() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(str(getattr(error, "orig", None) or error).strip().partition("\n")[0]) from None


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", os.path.dirname(__file__).replace("%", "%%"))
    return config
