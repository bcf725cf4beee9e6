import pytest

from legacy_chat.core.poll import Kept
from legacy_chat.storage import notices


@pytest.fixture
def keep(database):
    def keep(*kept: Kept) -> None:
        database.run(lambda c: notices.keep(c, kept))

    return keep


@pytest.fixture
def frames(database):
    def since(last: int, *keys: str) -> list[str]:
        return [kept.frame for kept in database.read(lambda c: notices.since(c, last, keys))]

    return since


def test_what_is_kept_is_found_under_its_key_in_its_order(keep, frames):
    keep(Kept("g:lobby", "one", 10), Kept("u:9", "two", 11), Kept("g:lobby", "three", 12))
    assert frames(0, "g:lobby") == ["one", "three"]
    assert frames(0, "g:lobby", "u:9") == ["one", "two", "three"]
    assert frames(0, "g:other") == []


def test_only_what_is_newer_than_what_one_has(keep, frames, database):
    keep(Kept("*", "one", 10))
    last = database.read(notices.newest)
    keep(Kept("*", "two", 11))
    assert frames(last, "*") == ["two"]


def test_whom_it_is_about_and_who_need_not_hear_it_come_back(keep, database):
    keep(Kept("g:lobby", "x", 10, "7", 1 << 51))
    (kept,) = database.read(lambda c: notices.since(c, 0, ["g:lobby"]))
    assert (kept.about, kept.skip, kept.ts) == ("7", 1 << 51, 10)


def test_what_is_old_is_forgotten_but_the_ends_of_sessions_later(keep, frames, database):
    keep(Kept("*", "old", 10), Kept("x:7", "ended", 10), Kept("*", "new", 20))
    database.run(lambda c: notices.forget(c, 15, 5))
    assert frames(0, "*", "x:7") == ["ended", "new"]
    database.run(lambda c: notices.forget(c, 15, 15))
    assert frames(0, "*", "x:7") == ["new"]


def test_numbers_only_grow_though_everything_was_forgotten(keep, database):
    keep(Kept("*", "old", 10))
    before = database.read(notices.newest)
    database.run(lambda c: notices.forget(c, 100, 100))
    assert database.read(notices.newest) == 0
    keep(Kept("*", "new", 200))
    assert database.read(notices.newest) > before
