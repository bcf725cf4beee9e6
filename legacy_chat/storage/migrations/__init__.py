"""Schema changes, applied by alembic. `versions/` holds one file a change."""

from __future__ import annotations

import os

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Engine


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version; nothing happens where they are there already."""
    config = Config()
    config.set_main_option("script_location", os.path.dirname(__file__).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
