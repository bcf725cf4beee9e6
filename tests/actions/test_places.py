from pathlib import Path

from legacy_chat.actions.places import TEST_DATABASE, TEST_FOLDER, database_of, folder_of


def test_a_site_keeps_its_chat_in_its_instance_folder(monkeypatch):
    monkeypatch.delenv(TEST_FOLDER, raising=False)
    assert folder_of("/srv/shop") == Path("/srv/shop")
    assert database_of("/srv/shop", "") == "sqlite:////srv/shop/chat.sqlite"
    assert database_of("/srv/shop", "postgresql://db/shop") == "postgresql://db/shop"


def test_in_tests_each_site_has_another_folder_that_is_always_the_same(monkeypatch):
    monkeypatch.setenv(TEST_FOLDER, "/tmp/tests")
    shop = folder_of("/srv/shop")
    assert shop.parent == Path("/tmp/tests")
    assert folder_of("/srv/shop") == shop != folder_of("/srv/desk")
    assert database_of("/srv/shop", "") == f"sqlite:///{shop}/chat.sqlite"
    assert database_of("/srv/shop", "postgresql://db/tests") == "postgresql://db/tests"


def test_a_server_of_the_tests_opens_nothing_but_their_database(monkeypatch):
    monkeypatch.setenv(TEST_DATABASE, "sqlite:////tmp/tests/chat.sqlite")
    assert database_of("/srv/shop", "postgresql://db/shop") == "sqlite:////tmp/tests/chat.sqlite"
