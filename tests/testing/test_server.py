"""People with real sockets, on the stand-alone site as a host would serve its own."""

import os
from pathlib import Path

import pytest

from legacy_chat.testing import Server, assert_delivered, assert_nothing_leaked, assert_online, assert_ordered

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(tmp_path):
    env = {"SITE_INSTANCE": str(tmp_path), "CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/test.sqlite"}
    server = Server("wsgi:app", ROOT, env, tmp_path / "log").start()
    yield server
    server.stop()


def test_ada_and_ben_talk_over_sockets_and_leave_nothing_behind(server):
    ada, ben = server.person("ada"), server.person("ben", "Ben")
    ada.say("lobby", "hi")
    ada.whisper("ben", "psst")
    assert_delivered(ben, "hi", gid="lobby")
    assert_delivered(ben, "psst", uid="ada")
    assert_ordered(ben)
    assert_online(ada, "ben")
    ada.leave()
    ben.leave()
    assert_nothing_leaked(server)


def test_without_the_extra_that_counts_it_says_what_to_install(server, tmp_path):
    (tmp_path / "prometheus_client.py").write_text("raise ImportError")
    server.stop()
    server._env["PYTHONPATH"] = str(tmp_path)
    with pytest.raises(RuntimeError, match=r'pip install "legacy_chat\[metrics\]"'):
        assert_nothing_leaked(server.start())


def test_people_with_sockets_are_known_by_uid_alone(tmp_path):
    with pytest.raises(TypeError, match="by uid alone, not by an object of type dict"):
        Server("wsgi:app", tmp_path).person({"uid": "7"})


def test_a_site_that_does_not_start_says_why(tmp_path):
    server = Server("nothing:app", tmp_path, dict(os.environ))
    with pytest.raises(RuntimeError, match="No module named 'nothing'"):
        server.start()
