"""The fixtures as a host site uses them: a test suite in five lines, under a pytest of its own."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from legacy_chat.testing import Server

pytest_plugins = ["pytester"]

SITE = """
from pathlib import Path

from flask import Flask
from flask_login import LoginManager, UserMixin, current_user
from legacy_chat import Chat

chat = Chat()
chat.on("order")(lambda data: data["n"] + 1)
rounds = []
chat.every(60_000)(lambda: rounds.append(1))

def user(asked):
    user = UserMixin()
    user.id = asked.headers.get("X-User")
    return user if user.id else None

def create_app(instance=Path(__file__).parent / "instance"):
    app = Flask("shop", instance_path=str(instance))
    app.config["SECRET_KEY"] = "only for tests"
    manager = LoginManager(app)
    manager.request_loader(user)
    chat.init_app(app)

    @app.get("/me")
    def me():
        return current_user.get_id()

    @app.post("/orders")
    def order():
        chat.spawn(lambda: chat.emit("thanks", "ada"))
        chat.after(60_000, chat.emit, "reminder", "ada", 42)
        return "ordered"

    return app
"""

BY_FACTORY = """
import pytest
from shop import create_app

@pytest.fixture
def app():
    app = create_app()
    yield app
    app.extensions["legacy_chat"].database.close()
"""

AT_IMPORT = """
import pytest
from shop import create_app

the_app = create_app()

@pytest.fixture(scope="session")
def app():
    yield the_app
    the_app.extensions["legacy_chat"].database.close()
"""

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "howto" / "testing.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.S | re.M)
TESTS = [example for example in EXAMPLES if "def test_" in example]


@pytest.fixture
def made():
    return BY_FACTORY


@pytest.fixture
def suite(made, pytester, monkeypatch):
    """The tests of a shop, run as often as one likes."""
    monkeypatch.setenv("PYTHONPATH", f"{pytester.path}{os.pathsep}{ROOT}")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # others take a second each time
    pytester.makepyfile(shop=SITE, conftest=made)

    def run(tests, *arguments):
        pytester.makepyfile(test_shop=tests)
        return pytester.runpytest_subprocess("-p", "legacy_chat.testing.plugin", "-q", *arguments)

    return run


def test_every_example_of_the_page_passes_again_and_again(suite):
    for _ in range(2):
        suite("\n".join(TESTS)).assert_outcomes(passed=len(TESTS))


def test_the_page_begins_with_a_suite_in_five_lines():
    assert len([line for line in TESTS[0].splitlines() if line]) == 5


DATABASES = """
import os

def test_names(chat_database_url, chat_server_env, request):
    assert chat_database_url == chat_server_env["CHAT_DATABASE_URL"]
"""


def test_the_fixtures_that_name_a_database_are_found(suite):
    (named,) = [example for example in EXAMPLES if example not in TESTS]
    suite(named + DATABASES).assert_outcomes(passed=1)


@pytest.fixture
def instance(pytester, migrated_file):
    """The instance folder of the developer, who has a history and a server that runs."""
    folder = pytester.mkdir("instance")
    shutil.copy(migrated_file, folder / "chat.sqlite")
    with socket.socket(socket.AF_UNIX) as running:
        running.bind(os.path.relpath(folder / "chat.sock"))
        yield folder


ALL_SORTS = """
from legacy_chat.testing import assert_delivered
from shop import chat

def test_talk(chat_people):
    chat_people("ada").say("lobby", "hello")

def test_a_client(app):
    with app.app_context():
        ada, ben = chat.test_client("ada"), chat.test_client("ben")
        ada.request("group", gid="lobby", content="hello")
        assert ben.take("groupPm", content="hello")
        chat.post("lobby", "from the site")

def test_nobody_is_there(app):
    with app.app_context():
        chat.post("lobby", "from the site")
"""


both_ways = pytest.mark.parametrize("made", [BY_FACTORY, AT_IMPORT], ids=["by a factory", "at import"])


@both_ways
def test_the_history_of_the_developer_stays_as_it_is(suite, instance):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in instance.glob("chat.sqlite*")}
    listed = sorted(instance.iterdir())
    for _ in range(2):
        suite(ALL_SORTS).assert_outcomes(passed=3)
    assert sorted(instance.iterdir()) == listed
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in instance.glob("chat.sqlite*")} == before


@both_ways
def test_without_any_history_none_is_made(suite, pytester):
    suite(ALL_SORTS).assert_outcomes(passed=3)
    assert not (pytester.path / "instance").exists()


SERVED = """
from legacy_chat.testing import assert_delivered

def test_talk(chat_server):
    ada, ben = chat_server.person("ada"), chat_server.person("ben")
    ada.say("lobby", "hello")
    assert_delivered(ben, "hello")
"""


def test_a_server_of_the_tests_leaves_the_running_one_alone(suite, pytester, tmp_path):
    pytester.makepyfile(wsgi="from shop import create_app\n\napp = create_app()\n")
    running = Server("wsgi:app", pytester.path, {}, tmp_path / "log").start()
    try:
        suite(SERVED).assert_outcomes(passed=1)
        assert running.person("cleo").say("lobby", "still here")["seq"] == 1
        push = [sys.executable, "-m", "flask", "--app", "wsgi", "chat", "push", "--all", "hi"]
        told = subprocess.run(push, cwd=pytester.path, capture_output=True, text=True, timeout=60)
        assert told.stdout == "users 1, connections 1, stored 0\n", told.stderr
    finally:
        running.stop()


def test_each_test_has_an_empty_history_and_nothing_is_left_behind(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    suite(
        """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_talk(chat_people, number):
    assert chat_people("ada").say("lobby", "hello")["seq"] == 1
""",
        "--basetemp",
        str(tmp_path / "base"),
    ).assert_outcomes(passed=2)
    assert list(tmp_path.glob("legacy_chat-tests-*")) == []


def test_what_is_done_later_runs_in_its_time_and_its_mistakes_fail_the_test(suite):
    suite("""
import pytest
from flask import current_app
from shop import chat, rounds

def test_order(app, chat_clock):
    ran = []
    with app.app_context():
        chat.after(2000, ran.append, "second")
        chat.after(1000, lambda: (ran.append(current_app.name), chat.spawn(ran.append, "beside")))
        chat.after(1500, ran.append, "never").cancel()
    chat_clock.run()
    assert ran == []
    chat_clock.advance(1.5)
    assert ran == ["shop", "beside"]
    chat_clock.advance(0.5)
    assert ran == ["shop", "beside", "second"]

def test_rounds(chat_clock):
    rounds.clear()
    chat_clock.advance(180)
    assert len(rounds) == 3

def test_a_mistake(app, chat_clock):
    def fail():
        raise LookupError("which order?")
    with app.app_context():
        chat.spawn(fail)
    with pytest.raises(LookupError):
        chat_clock.run()

def test_without_the_clock_it_waits(app, chat_people):
    assert app.test_client().post("/orders").status_code == 200

def test_without_end(app, chat_clock):
    def again():
        chat.spawn(again)
    with app.app_context():
        chat.spawn(again)
    with pytest.raises(RuntimeError, match="again and again"):
        chat_clock.run()
""").assert_outcomes(passed=5)


def test_who_is_logged_in_is_asked_for_each_request(suite):
    """An app context that stays open over a test would keep Flask-Login's first answer."""
    suite("""
def test_two_browsers(app, chat_people, chat_clock):
    for uid in ("ada", "ben"):
        assert app.test_client().get("/me", headers={"X-User": uid}).text == uid
""").assert_outcomes(passed=1)


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
