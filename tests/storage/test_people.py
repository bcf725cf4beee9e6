import pytest
from sqlalchemy import text

from legacy_chat.core.model import Member
from legacy_chat.storage import people


def since(connection, uid):
    return connection.execute(text("SELECT since FROM chat_people WHERE uid = :uid"), {"uid": uid}).scalar()


def test_ada_is_new_once(database):
    assert database.run(lambda c: people.remember(c, "7", "ada", 100))
    assert not database.run(lambda c: people.remember(c, "7", "ada", 200))
    assert database.read(lambda c: since(c, "7")) == 100


def test_a_new_name_of_ada_is_kept_and_she_is_not_new(database):
    database.run(lambda c: people.remember(c, "7", "ada", 100))
    assert not database.run(lambda c: people.remember(c, "7", "ada lovelace", 200))
    assert database.read(lambda c: people.find_name(c, "7")) == "ada lovelace"


def test_nobody_knows_the_name_of_somebody_who_was_never_here(database):
    assert database.read(lambda c: people.find_name(c, "404")) is None


def test_another_worker_that_was_quicker_is_no_error(database, monkeypatch):
    database.run(lambda c: people.remember(c, "7", "ada", 100))
    monkeypatch.setattr(people, "find_name", lambda *_: None)
    assert not database.run(lambda c: people.remember(c, "7", "ada", 200))
    assert database.read(lambda c: since(c, "7")) == 100


@pytest.mark.parametrize("name", ["小明", "O'Brien; DROP TABLE chat_people", "🎉"])
def test_every_name_comes_back_as_it_was(database, name):
    database.run(lambda c: people.remember(c, "7", name, 0))
    assert database.read(lambda c: people.find_name(c, "7")) == name


def test_somebody_who_was_introduced_is_still_a_newcomer(database):
    database.run(lambda c: people.introduce(c, "21", "Shop"))
    database.run(lambda c: people.introduce(c, "21", "The shop"))
    assert database.run(lambda c: people.find_name(c, "21")) == "The shop"
    assert database.run(lambda c: people.remember(c, "21", "eve", 5))
    assert not database.run(lambda c: people.remember(c, "21", "eve", 6))
    assert database.run(lambda c: since(c, "21")) == 5


def test_an_introduction_takes_nobodys_own_name(database):
    database.run(lambda c: people.remember(c, "7", "ada", 5))
    database.run(lambda c: people.introduce(c, "7", "Shop"))
    assert database.run(lambda c: people.find_name(c, "7")) == "ada"


def test_many_are_introduced_at_once_and_nobody_who_came_loses_a_name(database):
    database.run(lambda c: people.remember(c, "7", "ada", 5))
    many = [Member(str(uid), f"user {uid}", avatar="/face.png") for uid in range(1200)]
    assert not database.read(lambda c: people.all_introduced(c, many))
    database.run(lambda c: people.introduce_all(c, many))
    assert database.read(lambda c: people.all_introduced(c, many))
    database.run(lambda c: people.introduce_all(c, [Member("8", "eve"), Member("9", "9")]))
    found = database.read(lambda c: people.find_members(c, ["7", "8", "9"]))
    assert found == [Member("7", "ada"), *(Member(*who, avatar="/face.png") for who in (("8", "eve"), ("9", "user 9")))]
    assert database.read(lambda c: [since(c, uid) for uid in ("7", "8")]) == [5, people._NEVER]


def test_somebody_who_came_while_they_were_introduced_has_come(database, monkeypatch):
    database.run(lambda c: people.remember(c, "7", "ada", 5))
    monkeypatch.setattr(people, "_news", lambda c, members: (list(members), []))
    database.run(lambda c: people.introduce_all(c, [Member("7", "customer 7"), Member("8", "eve")]))
    assert database.read(lambda c: [m.name for m in people.find_members(c, ["7", "8"])]) == ["ada", "eve"]
    assert database.read(lambda c: since(c, "7")) == 5


def test_the_picture_last_given_is_kept_until_the_site_says_that_there_is_none(database):
    def picture():
        return database.read(lambda c: people.find_member(c, "7")).avatar

    database.run(lambda c: people.remember(c, "7", "ada", 0, "/ada.png"))
    database.run(lambda c: people.remember(c, "7", "ada", 0))
    assert picture() == "/ada.png"
    database.run(lambda c: people.remember(c, "7", "ada", 0, None))
    assert picture() is None


def test_people_are_found_in_the_order_asked_for_strangers_by_their_uid(database):
    database.run(lambda c: people.remember(c, "7", "ada", 0, "/ada.png"))
    found = database.read(lambda c: people.find_members(c, ["404", "7"]))
    assert found == [Member("404", "404"), Member("7", "ada", avatar="/ada.png")]
    many = [str(uid) for uid in range(1200)]
    assert [m.uid for m in database.read(lambda c: people.find_members(c, many))] == many


def test_whoever_was_introduced_never_came(database):
    database.run(lambda c: people.introduce(c, "21", "Shop"))
    assert not database.read(lambda c: people.came(c, "21"))
    assert not database.read(lambda c: people.came(c, "404"))
    database.run(lambda c: people.remember(c, "21", "eve", 5))
    assert database.read(lambda c: people.came(c, "21"))
