import pytest

from legacy_chat.storage.writer import Inline


@pytest.fixture
def state(host):
    return host.extensions["legacy_chat"]


def test_the_store_is_a_file_in_the_instance_folder(host, state):
    assert state.database.engine.url.database == f"{host.instance_path}/chat.sqlite"


def test_in_a_process_without_a_loop_blocking_calls_simply_block(state):
    assert isinstance(state.parts.offload, Inline)


def test_a_forked_worker_makes_parts_of_its_own(state, monkeypatch):
    mine = state.parts
    assert state.parts is mine
    monkeypatch.setattr("legacy_chat.state.os.getpid", lambda: -1)
    assert state.parts is not mine
