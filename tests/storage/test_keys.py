import pytest
from sqlalchemy.exc import IntegrityError

from legacy_chat.storage import keys


def add(database, digest="d1", name="shop"):
    return database.run(lambda c: keys.add(c, name, digest, "lc_abcd", ["push", "rooms"], 100))


def test_a_key_is_found_by_its_digest(database):
    kept = add(database)
    assert (kept.name, kept.scopes, kept.created, kept.used) == ("shop", ["push", "rooms"], 100, None)
    assert database.read(lambda c: keys.find(c, "d1")) == kept
    assert database.read(lambda c: keys.find(c, "d2")) is None


def test_two_keys_never_share_a_digest(database):
    add(database)
    with pytest.raises(IntegrityError):
        add(database)


def test_a_revoked_key_stays_in_the_list_with_its_first_time(database):
    kept = add(database)
    database.run(lambda c: keys.revoke(c, kept.id, 200))
    assert database.run(lambda c: keys.revoke(c, kept.id, 300)).revoked == 200
    assert [key.revoked for key in database.read(keys.listed)] == [200]


def test_a_key_that_is_none_cannot_be_revoked(database):
    assert database.run(lambda c: keys.revoke(c, 404, 200)) is None


def test_the_last_use_is_noted(database):
    kept = add(database)
    database.run(lambda c: keys.mark_used(c, kept.id, 400))
    assert database.read(lambda c: keys.find(c, "d1")).used == 400
