import threading
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from legacy_chat.doctor import databases
from legacy_chat.errors import Unavailable


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("mysql://a/b", "mysqldb"),
        ("mariadb://a/b", "mysqldb"),
        ("mysql+pymysql://a/b", "pymysql"),
        ("PostgreSQL+psycopg2://a/b", "psycopg2"),
        ("postgresql+psycopg://a/b", "psycopg"),
        ("sqlite:///a", "sqlite"),
        ("", ""),
    ],
)
def test_the_driver_of_an_address_is_known_without_it(url, driver):
    assert databases.driver_named(url) == driver


@pytest.mark.parametrize(("sqlalchemy_2_0", "driver"), [(True, "psycopg2"), (False, "psycopg")])
def test_postgresqls_default_driver_depends_on_sqlalchemy(monkeypatch, sqlalchemy_2_0, driver):
    monkeypatch.setattr(databases, "is_older", lambda name, than: sqlalchemy_2_0)
    assert databases.driver_named("postgresql://a/b") == driver


@pytest.mark.parametrize("driver", ["pysqlite", "psycopg", "pymysql"])
def test_drivers_that_let_others_go_on(driver):
    assert databases.check_driver("chat", driver).state == "ok"


def test_the_sites_own_driver_is_looked_at_too():
    found = databases.check_driver("site", "psycopg2")
    assert (found.check, found.state) == ("the site's database driver", "bad")
    assert found.mend.startswith("SQLALCHEMY_DATABASE_URI=postgresql+psycopg://")


def test_a_site_that_told_of_its_database_has_two_drivers(host, monkeypatch):
    state = host.extensions["legacy_chat"]
    assert databases.drivers(state) == {"chat": "pysqlite"}
    shop = create_engine("sqlite://")
    monkeypatch.setattr(state, "site_database", lambda: SimpleNamespace(url=shop.url))
    assert databases.drivers(state) == {"chat": "pysqlite", "site": "pysqlite"}
    shop.dispose()


def test_a_database_with_its_tables_is_well(host):
    assert databases.check_database(host.extensions["legacy_chat"]).state == "ok"


def test_tables_that_are_missing_are_made_by_init_db(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/empty.sqlite")
    found = databases.check_database(SimpleNamespace(database=SimpleNamespace(engine=engine)))
    assert (found.state, found.mend) == ("bad", "flask --app wsgi chat init-db")
    engine.dispose()


def test_a_database_that_refuses_says_why(tmp_path):
    (tmp_path / "file").write_text("no folder")
    engine = create_engine(f"sqlite:///{tmp_path}/file/chat.sqlite")
    found = databases.check_database(SimpleNamespace(database=SimpleNamespace(engine=engine)))
    assert found.state == "bad"
    assert "unable to open database file" in found.cause
    assert "may this user write" in found.mend


def test_tables_that_somebody_dropped_are_named(host):
    state = host.extensions["legacy_chat"]
    with state.database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE chat_messages RENAME TO elsewhere"))
    found = databases.check_database(state)
    assert found.state == "bad"
    assert found.cause.endswith(": chat_messages")


@pytest.mark.parametrize(
    ("name", "words", "mend"),
    [
        ("sqlite, /srv/chat.sqlite", "database is locked", "fuser /srv/chat.sqlite"),
        ("sqlite, /srv/chat.sqlite", "file is not a database", "backup"),
        ("sqlite, /srv/chat.sqlite", "attempt to write a readonly database", "chown SITE-USER /srv/chat.sqlite*"),
        ("postgresql, chat at db.example", "connection refused", "the firewall"),
    ],
)
def test_what_a_database_says_is_mended_by_a_line(name, words, mend):
    found = databases.refused(name, words)
    assert words in found.cause
    assert mend in found.mend


def test_a_name_has_no_password():
    engine = create_engine("sqlite:////srv/chat.sqlite")
    assert databases.name_of(engine) == "sqlite, /srv/chat.sqlite"
    engine = SimpleNamespace(
        dialect=SimpleNamespace(name="postgresql"), url=make_url("postgresql://ada:secret@db/chat")
    )
    assert databases.name_of(engine) == "postgresql, chat at db"


HISTORY = "sqlite, /srv/chat.sqlite"


@pytest.mark.parametrize(("writes", "states"), [("ok", ["ok"]), ("slow", ["note"]), ("away", ["bad"])])
def test_whether_the_server_can_write(writes, states):
    found = list(databases.check_store({"name": HISTORY, "writes": writes}, HISTORY))
    assert [finding.state for finding in found] == states


def test_a_shell_that_looks_at_another_history_is_told():
    found = next(databases.check_store({"name": HISTORY, "writes": "ok"}, "sqlite, /root/chat.sqlite"))
    assert found.state == "note"
    assert "SITE_INSTANCE" in found.mend


def test_a_database_that_says_nothing_is_not_waited_for(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(databases, "_PATIENCE", 0.05)
    with pytest.raises(Unavailable, match="does not answer"):
        databases._in_time(over.wait)
    over.set()
