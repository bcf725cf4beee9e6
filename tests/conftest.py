"""Shared by all tests: a migrated SQLite file, the parts of one app with a clock that stands still, two people."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import history
import pytest
from flask import Flask
from flask_login import LoginManager, UserMixin, login_user, logout_user
from hypothesis import settings as hypothesis_settings

from legacy_chat import Chat
from legacy_chat import settings as settings_table
from legacy_chat.actions.parts import Parts
from legacy_chat.backplane.memory import MemoryBackplane
from legacy_chat.core.model import Member
from legacy_chat.storage.database import Database

hypothesis_settings.register_profile("legacy_chat", deadline=None, print_blob=True)
hypothesis_settings.load_profile("legacy_chat")


class Clock:
    """Milliseconds that pass only when a test says so."""

    def __init__(self, now: int = 1_700_000_000_000):
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("CHAT_", "SITE_", "LEGACY_CHAT_")) or name == "SECRET_KEY":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory) -> Path:
    """An empty, migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "chat.sqlite"
    path.write_bytes(history.empty())
    return path


@pytest.fixture
def database(migrated_file, tmp_path):
    path = tmp_path / "store.sqlite"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_parts(database, clock):
    """Parts with other settings than the defaults: `make_parts(CHAT_REPLAY="3")`."""

    def make(**config: object) -> Parts:
        return Parts(settings_table.load(config, {}), database, MemoryBackplane(), clock=clock)

    return make


@pytest.fixture
def parts(make_parts) -> Parts:
    return make_parts()


@pytest.fixture
def published(parts) -> list:
    """Every notice that `parts` publish, in order."""
    notices: list = []
    parts.backplane.subscribe(notices.append)
    return notices


@pytest.fixture
def ada() -> Member:
    return Member("7", "ada")


@pytest.fixture
def ben() -> Member:
    return Member("9", "ben")


class User(UserMixin):
    def __init__(self, uid: str, name: str):
        self.id = uid
        self.name = name


@pytest.fixture
def make_host(migrated_file, tmp_path):
    """Builds host sites: a Flask app with Flask-Login and the users 7 (ada) and 9 (ben), to which chat was added.

    `GET /enter/<uid>` logs in and `GET /exit` logs out.
    """
    made: list[Flask] = []

    def make(**config: object) -> Flask:
        instance = tmp_path / f"host-{len(made)}"
        instance.mkdir()
        shutil.copy(migrated_file, instance / "chat.sqlite")
        app = Flask("host", instance_path=str(instance))
        app.config.update({"SECRET_KEY": "only for tests", "TESTING": True, **config})
        _add_users(app)
        Chat(app)
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["legacy_chat"].database.close()


def _add_users(app: Flask) -> None:
    users = {"7": User("7", "ada"), "9": User("9", "ben")}
    manager = LoginManager(app)
    manager.user_loader(users.get)
    manager.login_view = "sign_in"
    app.add_url_rule("/sign-in", "sign_in", lambda: "Who are you?")
    app.add_url_rule("/enter/<uid>", "enter", lambda uid: str(login_user(users[uid])))
    app.add_url_rule("/exit", "exit", lambda: str(logout_user()))


@pytest.fixture
def host(make_host) -> Flask:
    return make_host()
