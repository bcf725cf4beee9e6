import os

from legacy_chat.actions.places import TEST_DATABASE, TEST_FOLDER
from legacy_chat.testing.folder import Folder, environment


def test_it_is_there_from_the_beginning_to_the_end_also_one_within_another(monkeypatch):
    monkeypatch.delenv(TEST_FOLDER, raising=False)
    outer = Folder()
    outer.begin()
    inner = Folder()
    inner.begin()
    assert os.environ[TEST_FOLDER] == str(inner.path)
    inner.end()
    assert os.environ[TEST_FOLDER] == str(outer.path)
    outer.end()
    assert TEST_FOLDER not in os.environ
    assert not inner.path.exists()
    assert not outer.path.exists()


def test_a_server_has_everything_in_a_folder_of_its_own(tmp_path):
    url = f"sqlite:///{tmp_path}/chat.sqlite"
    env = environment(tmp_path, {"CHAT_RATE": "0"})
    assert env == {TEST_FOLDER: str(tmp_path), TEST_DATABASE: url, "CHAT_DATABASE_URL": url, "CHAT_RATE": "0"}


def test_a_database_that_is_named_for_tests_is_taken(tmp_path):
    env = environment(tmp_path, {"CHAT_DATABASE_URL": "postgresql://db/tests"})
    assert env[TEST_DATABASE] == env["CHAT_DATABASE_URL"] == "postgresql://db/tests"
