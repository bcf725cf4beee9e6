"""The fixtures as a host site uses them: a test suite in five lines, under a pytest of its own."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SITE = """
from flask import Flask
from flask_login import LoginManager
from legacy_chat import Chat

def create_app(instance):
    app = Flask("shop", instance_path=str(instance))
    app.config["SECRET_KEY"] = "only for tests"
    LoginManager(app).user_loader(lambda uid: None)
    chat = Chat(app)
    chat.on("order")(lambda data: data["n"] + 1)
    return app
"""

FIXTURE = """
import pytest
from shop import create_app

@pytest.fixture
def app(tmp_path):
    app = create_app(tmp_path)
    yield app
    app.extensions["legacy_chat"].database.close()
"""

FIVE_LINES = """
from legacy_chat.testing import assert_delivered

def test_talk(chat_people):
    ada, ben = chat_people("ada"), chat_people("ben")
    ada.say("lobby", "hello")
    assert_delivered(ben, "hello", gid="lobby")
"""


ROOT = Path(__file__).parents[2]


@pytest.fixture
def suite(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(shop=SITE, conftest=FIXTURE)

    def run(tests):
        pytester.makepyfile(test_shop=tests)
        return pytester.runpytest_subprocess("-p", "legacy_chat.testing.plugin", "-q")

    return run


def test_a_suite_in_five_lines(suite):
    suite(FIVE_LINES).assert_outcomes(passed=1)


def test_a_handler_of_the_site_is_asked(suite):
    suite("""
def test_order(chat_people):
    assert chat_people("ada").emit("order", {"n": 41}) == 42
""").assert_outcomes(passed=1)


def test_time_passes_on_demand(suite):
    suite("""
def test_time(chat_people, chat_clock):
    ada = chat_people("ada")
    before = ada.say("lobby", "now")["ts"]
    chat_clock.advance(3600)
    assert ada.say("lobby", "later")["ts"] == before + 3_600_000
""").assert_outcomes(passed=1)


def test_what_is_not_delivered_fails(suite):
    failed = suite("""
from legacy_chat.testing import assert_delivered

def test_talk(chat_people):
    assert_delivered(chat_people("ben"), "never said", timeout=0.05)
""")
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(["*was not delivered within 0.05 s*"])
