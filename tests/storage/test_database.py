import os
import sqlite3
import stat
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy
from sqlalchemy import text
from sqlalchemy.exc import NoSuchModuleError

from legacy_chat.errors import SettingsError, Unavailable
from legacy_chat.storage import people, rooms
from legacy_chat.storage.database import Database, open_engine


def names(connection):
    return [people.find_name(connection, uid) for uid in ("7", "9")]


def test_work_that_returns_is_committed(database):
    assert database.run(lambda c: people.remember(c, "7", "ada", 0))
    assert database.read(names) == ["ada", None]


def test_work_that_raises_leaves_nothing_behind_and_the_next_one_is_fine(database):
    def fail(connection):
        people.remember(connection, "7", "ada", 0)
        raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        database.run(fail)
    database.run(lambda c: people.remember(c, "9", "ben", 0))
    assert database.read(names) == [None, "ben"]


def test_a_reader_waits_for_no_writer_and_sees_what_was_committed(database):
    def write(connection):
        people.remember(connection, "7", "ada", 0)
        return database.read(names)

    assert database.run(write) == [None, None]
    assert database.read(names) == ["ada", None]


def test_a_reader_sees_one_moment_however_long_it_reads(database):
    def read(connection):
        before = names(connection)
        database.run(lambda c: people.remember(c, "7", "ada", 0))
        return before, names(connection)

    assert database.read(read) == ([None, None], [None, None])


def test_no_writer_works_on_an_old_view(database):
    def add_one(connection):
        count = connection.execute(text("SELECT count(*) FROM chat_people")).scalar_one()
        people.remember(connection, f"p{count}", "somebody", 0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: database.run(add_one), range(20)))
    assert database.read(lambda c: c.execute(text("SELECT count(*) FROM chat_people")).scalar_one()) == 20


def test_a_connection_that_another_thread_took_first_is_replaced_by_a_new_one(database):
    class Emptied(list):
        """Holds something at the first look, and nothing any more when `pop` is called."""

        looks = 0

        def __bool__(self):
            self.looks += 1
            return self.looks == 1 or len(self) > 0

    database._readers._idle = Emptied()
    assert database.read(names) == [None, None]


def test_connections_are_kept_and_closed_at_the_end(database):
    for _ in range(3):
        database.read(names)
    assert len(database._readers._idle) == 1
    database.close()
    assert database._readers._idle == []
    assert database.read(names) == [None, None]


@pytest.mark.parametrize("address", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_is_refused_as_every_thread_would_see_another_one(address):
    with pytest.raises(SettingsError, match="CHAT_DATABASE_URL"):
        Database(address)


@pytest.mark.parametrize(
    ("address", "driver", "package"),
    [
        ("postgresql+psycopg2://x/y", "psycopg2", "psycopg2-binary"),
        ("mysql+pymysql://x/y", "pymysql", r'"legacy_chat\[mariadb\]"'),
        ("mysql+mysqldb://x/y", "MySQLdb", "mysqlclient"),
        ("postgresql+pg8000://x/y", "pg8000", "pg8000"),
        # psycopg 3 is known to SQLAlchemy 2 only.
        *[("postgresql+psycopg://x/y", "psycopg", r'"legacy_chat\[postgresql\]"')] * (sqlalchemy.__version__ >= "2"),
    ],
)
def test_a_driver_that_is_missing_is_named_with_what_to_install(address, driver, package, monkeypatch):
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(SettingsError, match=f"the driver {driver} is missing: pip install {package}$"):
        open_engine(address)


def fail_to_make(monkeypatch, error: Exception) -> None:
    def make(*_, **__):
        raise error

    monkeypatch.setattr("legacy_chat.storage.database.create_engine", make)


def test_a_driver_without_its_c_library_is_missing_too(monkeypatch):
    fail_to_make(monkeypatch, ImportError("no pq wrapper available"))  # psycopg's, which names no module
    with pytest.raises(SettingsError, match=r'the driver psycopg is missing: pip install "legacy_chat\[postgresql\]"$'):
        open_engine("postgresql+psycopg://x/y")


def test_psycopg_3_wants_sqlalchemy_2(monkeypatch):
    if sqlalchemy.__version__ >= "2":
        fail_to_make(monkeypatch, NoSuchModuleError("Can't load plugin: sqlalchemy.dialects:postgresql.psycopg"))
    with pytest.raises(SettingsError, match=r'postgresql\.psycopg; .* pip install "sqlalchemy>=2"$'):
        open_engine("postgresql+psycopg://x/y")


@pytest.mark.parametrize("address", ["nonsense", "", "oracle9://x", "mysql+nodriver://x/y"])
def test_an_address_that_leads_nowhere_is_a_mistake_of_the_settings(address):
    with pytest.raises(SettingsError, match="CHAT_DATABASE_URL"):
        Database(address)


def test_the_folder_of_the_file_is_made(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/deep/down/chat.sqlite")
    database.migrate()
    database.close()
    assert (tmp_path / "deep" / "down" / "chat.sqlite").exists()


def test_the_file_keeps_a_write_ahead_log(database):
    database.run(names)
    with sqlite3.connect(database.engine.url.database) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_workers_that_start_side_by_side_share_one_history(tmp_path):
    workers = [Database(f"sqlite:///{tmp_path}/chat.sqlite") for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(Database.migrate, workers))
    assert len({worker.read(rooms.epoch) for worker in workers}) == 1
    for worker in workers:
        worker.close()


def test_a_store_that_cannot_be_read_is_unavailable_and_the_log_says_why(database, caplog):
    def broken(connection):
        connection.execute(text("SELECT * FROM nowhere"))

    with pytest.raises(Unavailable) as refused:
        database.read(broken)
    assert refused.value.retry_after
    assert "nowhere" in caplog.text
    assert database.read(lambda c: c.execute(text("SELECT 1")).scalar()) == 1


# -- whose file it is --------------------------------------------------------------------------------------------------


@pytest.fixture
def open_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder) -> dict[str, int]:
    return {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("chat.sqlite*") if path.suffix != ".lock"
    }


def test_a_new_file_is_its_users_alone_with_all_that_sqlite_puts_beside_it(tmp_path, open_umask):
    database = Database(f"sqlite:///{tmp_path}/chat.sqlite")
    database.migrate()
    database.run(lambda c: people.remember(c, "7", "ada", 0))
    assert modes(tmp_path) == dict.fromkeys(["chat.sqlite", "chat.sqlite-wal", "chat.sqlite-shm"], 0o600)
    database.close()


def test_a_file_that_is_there_keeps_its_mode(tmp_path, migrated_file, open_umask):
    path = tmp_path / "chat.sqlite"
    path.write_bytes(migrated_file.read_bytes())
    path.chmod(0o640)
    database = Database(f"sqlite:///{path}")
    database.run(lambda c: people.remember(c, "7", "ada", 0))
    assert set(modes(tmp_path).values()) == {0o640}
    database.close()


def test_a_folder_that_takes_no_file_is_told_as_the_databases_own_words(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/folder/chat.sqlite")
    (tmp_path / "folder").rmdir()
    with pytest.raises(Unavailable):
        database.read(names)
