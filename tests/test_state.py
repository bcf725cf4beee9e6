import subprocess
import sys

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


# Under gevent a native thread that waits for a lock of `threading` may never hear that it is free.
_FIRST_CONNECTIONS = """
from gevent import monkey; monkey.patch_all()
import gevent
from flask import Flask
from legacy_chat import Chat

app = Flask("host", instance_path={folder!r})
app.secret_key = "x" * 32
Chat(app)
state = app.extensions["legacy_chat"]
parts = state.parts
for _ in range(30):
    together = [gevent.spawn(parts.read, lambda connection: None) for _ in range(4)]
    together.append(gevent.spawn(parts.writer.call, lambda connection: None))
    assert len(gevent.joinall(together, timeout=10)) == 5
    state.database.close()
"""


def test_the_first_queries_of_a_worker_come_at_one_moment_and_all_are_answered(tmp_path):
    script = _FIRST_CONNECTIONS.format(folder=str(tmp_path))
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
