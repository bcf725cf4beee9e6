"""The fixtures, found by pytest through the entry point `pytest11`.

The site's app comes from a fixture named `app`, as pytest-flask has it; override `chat_app` where yours is elsewhere.
From its start to its end the test run has a folder of its own in place of the instance folder.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from .clock import Clock
from .folder import Folder, environment
from .people import People
from .server import Server
from .tasks import Tasks

_FOLDER = pytest.StashKey[Folder]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("legacy_chat_wsgi", "what gunicorn serves for `chat_server`", default="wsgi:app")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before a conftest makes the app as it is imported."""
    _begin(early_config)


def pytest_configure(config: pytest.Config) -> None:
    _begin(config)  # where a conftest named this plugin


def _begin(config: pytest.Config) -> None:
    if _FOLDER not in config.stash:
        config.stash[_FOLDER] = Folder()
        config.stash[_FOLDER].begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _FOLDER in config.stash:
        config.stash[_FOLDER].end()
        del config.stash[_FOLDER]


@pytest.fixture
def chat_app(request: pytest.FixtureRequest) -> Any:
    """The Flask app with chat: the fixture `app` of the site's tests."""
    return request.getfixturevalue("app")


@pytest.fixture
def chat_database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the history is kept for this test: an empty SQLite file. Override it to name a database for tests."""
    return f"sqlite:///{tmp_path_factory.mktemp('chat') / 'chat.sqlite'}"


@pytest.fixture
def _chat_state(chat_app: Any, chat_database_url: str) -> Iterator[Any]:
    """The app's chat with the history of this test."""
    state = chat_app.extensions["legacy_chat"]
    with state.moved(chat_database_url):
        yield state


@pytest.fixture
def _chat_tasks(_chat_state: Any, chat_app: Any) -> Iterator[Tasks]:
    """The site's tasks wait here, as for a worker that has just started."""
    tasks = Tasks(lambda: int(_chat_state.parts.clock()), chat_app.app_context)
    with tasks.instead_of_worker(_chat_state):
        yield tasks


@pytest.fixture
def chat_people(chat_app: Any, _chat_tasks: Tasks) -> Iterator[People]:
    """`chat_people("ada")`: somebody in this process, without a socket. All of them leave at the end."""
    people = People(chat_app)
    yield people
    people.close()


@pytest.fixture
def chat_clock(_chat_state: Any, _chat_tasks: Tasks) -> Clock:
    """The chat's time stands still in this test; `chat_clock.advance(seconds)` lets it pass.

    The site's tasks run as it passes, and with `chat_clock.run()` those that are due.
    """
    clock = Clock(time.time_ns() // 1_000_000, _chat_tasks)
    _chat_state.parts.clock = clock
    return clock


@pytest.fixture(scope="session")
def chat_server_env() -> dict[str, str]:
    """Environment variables for `chat_server`; override it to name a database for tests."""
    return {}


@pytest.fixture(scope="session")
def chat_server(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, chat_server_env: dict[str, str]
) -> Iterator[Server]:
    """The site under gunicorn, once for all tests; `chat_server.person("ada")` has a real socket.

    What is served says `legacy_chat_wsgi` in pytest's configuration; the chat's files are in a folder of its own.
    """
    folder = tmp_path_factory.mktemp("chat")
    env = environment(folder, chat_server_env)
    server = Server(pytestconfig.getini("legacy_chat_wsgi"), pytestconfig.rootpath, env, folder / "log")
    yield server.start()
    server.stop()
