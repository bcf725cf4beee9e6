"""The fixtures, found by pytest through the entry point `pytest11`.

The site's app comes from a fixture named `app`, as pytest-flask has it; override `chat_app` where yours is elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from .clock import Clock
from .people import People
from .server import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("legacy_chat_wsgi", "what gunicorn serves for `chat_server`", default="wsgi:app")


@pytest.fixture
def chat_app(request: pytest.FixtureRequest) -> Any:
    """The Flask app with chat: the fixture `app` of the site's tests."""
    return request.getfixturevalue("app")


@pytest.fixture
def chat_people(chat_app: Any) -> Iterator[People]:
    """`chat_people("ada")`: somebody in this process, without a socket. All of them leave at the end."""
    people = People(chat_app)
    yield people
    people.close()


@pytest.fixture
def chat_clock(chat_app: Any) -> Clock:
    """The chat's time stands still in this test; `chat_clock.advance(seconds)` lets it pass."""
    clock = Clock(time.time_ns() // 1_000_000)
    chat_app.extensions["legacy_chat"].parts.clock = clock
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

    What is served says `legacy_chat_wsgi` in pytest's configuration; the chat's history is a file of its own.
    """
    folder = tmp_path_factory.mktemp("chat")
    env = {"CHAT_DATABASE_URL": f"sqlite:///{folder / 'chat.sqlite'}", **chat_server_env}
    server = Server(pytestconfig.getini("legacy_chat_wsgi"), pytestconfig.rootpath, env, folder / "log")
    yield server.start()
    server.stop()
