"""A row in the site's database is there if and only if the site's transaction was committed."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import QueuePool, StaticPool

from legacy_chat.errors import SettingsError
from legacy_chat.storage import outbox
from legacy_chat.storage.outbox import Row, SiteDatabase


@pytest.fixture
def engine(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}", poolclass=QueuePool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    yield engine
    engine.dispose()


@pytest.fixture
def site(engine) -> SiteDatabase:
    return SiteDatabase(engine)


@pytest.fixture
def session(engine):
    with Session(engine) as session:
        yield session


@pytest.fixture
def add(site):
    """Write a row; the list of ids for each transaction that ended."""
    ended: list[list[str]] = []

    def write(session, id_: str) -> list[list[str]]:
        session.execute(text("INSERT INTO orders VALUES (1)"))
        outbox.add(session, Row(id_, "{}"), 0, site, ended.append)
        return ended

    return write


def test_after_the_commit_the_row_is_found_from_outside(site, session, add):
    ended = add(session, "a")
    assert (site.find(["a"]), ended) == ([], [])
    session.commit()
    assert ended == [["a"]]
    assert site.find(["a", "b"]) == site.oldest() == [Row("a", "{}")]
    site.remove(["a"])
    assert site.oldest() == []


def test_after_a_rollback_there_is_nothing(site, session, add):
    ended = add(session, "a")
    session.rollback()
    assert ended == [["a"]]
    assert site.find(["a"]) == []


def test_a_savepoint_is_not_the_end(site, session, add):
    with session.begin_nested():
        ended = add(session, "kept")
    savepoint = session.begin_nested()
    add(session, "taken back")
    savepoint.rollback()
    assert ended == []
    session.commit()
    assert ended == [["kept", "taken back"]]
    assert site.find(["kept", "taken back"]) == [Row("kept", "{}")]


def test_a_session_that_goes_on_tells_of_each_transaction_by_itself(site, session, add):
    for id_ in ("a", "b"):
        ended = add(session, id_)
        session.commit()
    session.execute(text("SELECT 1"))
    session.commit()
    assert ended == [["a"], ["b"]]


def test_a_scoped_session_stands_for_the_one_of_its_thread(site, engine, add):
    scoped = scoped_session(sessionmaker(engine))
    ended = add(scoped, "a")
    scoped.commit()
    scoped.remove()
    assert ended == [["a"]]
    assert site.find(["a"]) == [Row("a", "{}")]


def test_looking_makes_no_table(site, engine):
    assert site.oldest() == site.find(["a"]) == []
    site.prepare()
    assert not inspect(engine).has_table("chat_outbox")


def test_the_sites_pool_is_left_alone(site, session, add, engine):
    add(session, "a")
    session.commit()
    session.close()
    taken = engine.pool.checkedout()
    site.oldest()
    assert engine.pool.checkedout() == taken == 0


def test_a_database_in_memory_is_the_sites_own_connection():
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    site = SiteDatabase(engine)
    with Session(engine) as session:
        outbox.add(session, Row("a", "{}"), 0, site, lambda ids: None)
        session.commit()
    assert site.oldest() == [Row("a", "{}")]
    engine.dispose()


def test_a_database_that_nobody_told_of_is_refused(session, tmp_path):
    other = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    for known in (None, SiteDatabase(other)):
        with pytest.raises(SettingsError, match="init_app"):
            outbox.add(session, Row("a", "{}"), 0, known, lambda ids: None)
    other.dispose()


def test_where_making_a_table_would_commit_the_command_is_named(session, site, monkeypatch):
    monkeypatch.setattr(outbox, "_TRANSACTIONAL", ("postgresql",))
    with pytest.raises(SettingsError, match="init-db"):
        outbox.add(session, Row("a", "{}"), 0, site, lambda ids: None)
    session.rollback()
    site.prepare()
    outbox.add(session, Row("a", "{}"), 0, site, lambda ids: None)
    session.commit()
    assert site.oldest() == [Row("a", "{}")]
