import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from legacy_chat.storage import migrations, rooms
from legacy_chat.storage.tables import metadata

VERSION = {"version_table": "chat_version", "compare_type": True}


def facts(engine):
    """What a database knows of the chat's tables."""
    look = inspect(engine)
    return {
        table: (
            [(c["name"], str(c["type"]), c["nullable"], c["primary_key"]) for c in look.get_columns(table)],
            sorted(str(constraint["column_names"]) for constraint in look.get_unique_constraints(table)),
            sorted((index["name"], str(index["column_names"])) for index in look.get_indexes(table)),
        )
        for table in metadata.tables
    }


def test_the_migrated_tables_are_those_of_the_code(database, tmp_path):
    fresh = create_engine(f"sqlite:///{tmp_path}/fresh.sqlite")
    metadata.create_all(fresh)
    assert facts(database.engine) == facts(fresh)
    fresh.dispose()


def test_alembic_finds_nothing_left_to_migrate(database):
    options = {**VERSION, "include_name": lambda name, *_: name != "sqlite_sequence"}  # SQLite's own
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_a_second_run_keeps_the_history_and_its_epoch(database):
    before = database.read(rooms.epoch)
    database.run(lambda c: rooms.create_room(c, "lobby", "Lobby", False))
    database.migrate()
    assert database.read(rooms.epoch) == before
    assert database.read(lambda c: rooms.find_room(c, "lobby")).name == "Lobby"


def test_two_histories_have_two_epochs(migrated_file, database, tmp_path):
    other = type(database)(f"sqlite:///{tmp_path}/other.sqlite")
    other.migrate()
    assert other.read(rooms.epoch) != database.read(rooms.epoch)
    other.close()


def test_a_host_that_uses_alembic_keeps_its_own_version(database):
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('of the host')"))
    database.migrate()
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "of the host"
        assert connection.execute(text("SELECT version_num FROM chat_version")).scalar()


def test_the_changes_stand_in_one_line_and_the_last_one_has_the_highest_number():
    script = ScriptDirectory(migrations.__path__[0])
    assert script.get_heads() == [migrations.newest()]
    assert len(script.get_bases()) == 1


def test_the_version_is_that_of_the_last_change(database, tmp_path):
    empty = create_engine(f"sqlite:///{tmp_path}/empty.sqlite")
    assert not migrations.is_current(empty)
    empty.dispose()
    assert migrations.is_current(database.engine)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE chat_version SET version_num = '0001'"))
    assert not migrations.is_current(database.engine)


def test_a_start_with_tables_that_are_there_imports_no_alembic(migrated_file):
    """It takes as long as everything else that a start imports."""
    code = f"""
import sys
from legacy_chat.storage.database import Database
database = Database("sqlite:///{migrated_file}")
database.migrate()
assert "alembic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_start_does_not_wait_for_somebody_who_writes(database, migrated_file):
    """A backup or an import may hold the lock for longer than a worker has to boot."""
    with database.engine.begin(), closing(sqlite3.connect(database.engine.url.database, timeout=0)) as other:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        database.migrate()
