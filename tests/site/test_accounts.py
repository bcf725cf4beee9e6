from inspect import getsource

import pytest
from sqlalchemy import select, text
from werkzeug.security import generate_password_hash

from legacy_chat.site import accounts as module
from legacy_chat.site.accounts import Accounts, NameTaken
from legacy_chat.storage.database import open_engine

# The best that werkzeug has: scrypt since 2.3.
METHOD = "scrypt:" if "scrypt" in getsource(generate_password_hash) else "pbkdf2:sha256:260000$"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch):
    """One round instead of a tenth of a second; the real method is checked once, below."""
    monkeypatch.setattr(module, "generate_password_hash", lambda p: generate_password_hash(p, "pbkdf2:sha256:1"))


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/accounts.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def accounts(engine):
    return Accounts(engine)


def test_ada_registers_and_comes_in_with_her_password(accounts):
    ada = accounts.register("ada", "correct horse")
    assert ada.name == "ada"
    found = accounts.check("ada", "correct horse")
    assert (found.get_id(), found.name) == (ada.get_id(), "ada")
    assert accounts.check("ada", "correct horsf") is None
    assert accounts.check("ben", "correct horse") is None


@pytest.mark.parametrize("again", ["ada", "ADA", "Ada", "a\u200dda", "A\u200cDA"])
def test_a_name_is_given_once_in_whatever_case(accounts, again):
    accounts.register("ada", "correct horse")
    with pytest.raises(NameTaken):
        accounts.register(again, "battery staple")
    assert accounts.check("ADA", "correct horse").name == "ada"


def test_the_password_is_not_stored(accounts, engine, monkeypatch):
    monkeypatch.undo()
    accounts.register("ada", "correct horse")
    with engine.connect() as connection:
        (row,) = connection.execute(select(module.accounts)).all()
    assert "correct horse" not in str(row)
    assert row.password.startswith(METHOD)


def test_a_wrong_name_takes_as_long_as_a_wrong_password(accounts, monkeypatch):
    monkeypatch.undo()
    module._nobody.cache_clear()
    hashes = []
    monkeypatch.setattr(module, "check_password_hash", lambda hashed, given: hashes.append(hashed))
    accounts.check("nobody", "correct horse")
    assert len(hashes) == 1
    assert hashes[0].startswith(METHOD)


def test_an_account_is_loaded_by_its_uid(accounts):
    ada = accounts.register("ada", "correct horse")
    assert accounts.load(ada.get_id()).name == "ada"


@pytest.mark.parametrize("uid", ["404", "", "ada", "-1", "1.5", "1; DROP TABLE site_accounts", "²", "9" * 30])
def test_a_uid_of_nobody_is_nobody(accounts, uid):
    accounts.register("ada", "correct horse")
    assert accounts.load(uid) is None


def test_accounts_stand_beside_the_messages_and_outlive_a_restart(accounts, engine):
    accounts.register("小明", "correct horse")
    again = Accounts(engine)
    assert again.check("小明", "correct horse").name == "小明"
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM site_accounts")).scalar() == 1
