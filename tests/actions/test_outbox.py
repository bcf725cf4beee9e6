"""`post(session=...)`: out after the site's commit, once, and never after its rollback."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from legacy_chat.actions.outbox import Outbox
from legacy_chat.actions.push import Pushes
from legacy_chat.errors import Empty, Unavailable, UnknownRoom
from legacy_chat.storage import messages, rooms
from legacy_chat.storage.outbox import SiteDatabase


@pytest.fixture
def site(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    yield SiteDatabase(engine)
    engine.dispose()


@pytest.fixture
def session(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def pushes(parts) -> Pushes:
    return Pushes(parts)


@pytest.fixture
def outbox(parts, pushes, site, lobby) -> Outbox:
    return Outbox(parts, pushes, lambda: site)


@pytest.fixture
def lobby(parts):
    return parts.database.run(lambda c: rooms.create_room(c, "lobby", "Lobby", False))


@pytest.fixture
def said(parts, lobby):
    def texts() -> list[str]:
        page, _ = parts.database.read(lambda c: messages.page(c, lobby.id, None, None, 100))
        return [message.content for message in page]

    return texts


def test_it_goes_out_with_the_commit_and_leaves_nothing_behind(outbox, session, site, said, published):
    outbox.post(session, "lobby", "order 42 is paid", "shop", "Shop")
    assert (said(), published) == ([], [])
    session.commit()
    assert said() == ["order 42 is paid"]
    assert [json.loads(notice.frame)["content"] for notice in published] == ["order 42 is paid"]
    assert site.oldest() == []


def test_after_a_rollback_nobody_ever_hears_of_it(outbox, session, said):
    outbox.post(session, "lobby", "order 42 is paid", "shop")
    session.rollback()
    outbox.sweep()
    assert said() == []


def test_several_of_one_transaction_keep_their_order(outbox, session, said):
    for number in range(5):
        outbox.post(session, "lobby", f"word {number}", "shop")
    session.commit()
    assert said() == [f"word {number}" for number in range(5)]


def test_what_a_dead_process_left_is_found_and_goes_out_once(outbox, session, said, monkeypatch):
    monkeypatch.setattr(Outbox, "_ended", lambda self, ids: None)  # killed between commit and send
    outbox.post(session, "lobby", "order 42 is paid", "shop")
    session.commit()
    assert said() == []
    assert outbox.sweep() > 0
    outbox.sweep()
    assert said() == ["order 42 is paid"]


def test_what_was_sent_by_a_process_that_died_before_it_tidied_is_not_sent_again(
    outbox, session, site, said, published
):
    outbox.post(session, "lobby", "order 42 is paid", "shop")
    remove, site.remove = site.remove, lambda ids: None
    session.commit()
    assert len(site.oldest()) == 1
    site.remove = remove
    outbox.sweep()
    assert said() == ["order 42 is paid"]
    assert len(published) == 1
    assert site.oldest() == []


def test_a_commit_of_the_site_succeeds_while_the_chat_is_ill(outbox, session, said, pushes, monkeypatch, caplog):
    def ill(errand):
        raise Unavailable("the store does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(pushes, "run", ill)
        outbox.post(session, "lobby", "order 42 is paid", "shop")
        session.commit()
    assert "does not answer" in caplog.text
    outbox.sweep()
    assert said() == ["order 42 is paid"]


def test_a_message_that_cannot_be_is_refused_where_it_was_written(outbox, session, site):
    with pytest.raises(UnknownRoom):
        outbox.post(session, "nowhere", "hi", "shop")
    with pytest.raises(Empty):
        outbox.post(session, "lobby", " ", "shop")
    session.commit()
    assert site.oldest() == []


def test_a_room_that_is_gone_by_then_is_told_in_the_log(outbox, session, site, parts, caplog):
    outbox.post(session, "lobby", "hi", "shop")
    parts.database.run(lambda c: c.execute(text("DELETE FROM chat_conversations")))
    session.commit()
    assert "was not delivered" in caplog.text
    assert site.oldest() == []


def test_a_site_that_told_of_no_database_has_nothing_to_sweep(parts, pushes):
    assert Outbox(parts, pushes, lambda: None).sweep() > 0


def test_one_that_cannot_be_read_holds_up_no_other_and_stays(outbox, session, site, said, caplog):
    outbox.post(session, "lobby", "of tomorrow", "shop")
    outbox.post(session, "lobby", "of today", "shop")
    session.flush()
    first = session.execute(text("SELECT min(id) FROM chat_outbox")).scalar()
    session.execute(text("UPDATE chat_outbox SET push = '{}' WHERE id = :first"), {"first": first})
    session.commit()
    outbox.sweep()
    assert said() == ["of today"]
    assert [row.id for row in site.oldest()] == [first]
    assert "waits" in caplog.text
