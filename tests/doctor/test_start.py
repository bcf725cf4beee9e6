import json
import sqlite3
from contextlib import closing

import pytest

from legacy_chat.doctor import start
from legacy_chat.errors import SettingsError
from legacy_chat.storage import database as storage


@pytest.fixture
def called(monkeypatch):
    """As if this was what stood in the shell."""
    return lambda words: monkeypatch.setattr(start.sys, "argv", words.split())


def fail(config=()):
    with start.attend(dict(config)):
        raise SettingsError("CHAT_RATE='x': must be like 50/200\nCHAT_PREFIX='y': must start with a slash")


def test_whoever_did_not_call_the_doctor_gets_the_error(called):
    called("gunicorn wsgi:app")
    with pytest.raises(SettingsError):
        fail()


def test_the_doctor_names_every_mistake_and_ends(called, capsys):
    called("flask --app wsgi chat doctor")
    with pytest.raises(SystemExit) as ended:
        fail()
    assert ended.value.code == 1
    shown = capsys.readouterr().out
    assert "✗ start: the site does not start" in shown
    assert "CHAT_RATE='x'" in shown
    assert "CHAT_PREFIX='y'" in shown


def test_for_programs_too(called, capsys):
    called("flask chat doctor --json")
    with pytest.raises(SystemExit):
        fail()
    assert json.loads(capsys.readouterr().out)["findings"][-1]["check"] == "start"


@pytest.mark.parametrize(
    ("url", "check", "mend"),
    [
        ("mysql://a/b", "database driver", "mysql+pymysql://"),
        ("postgresql+psycopg2://a/b", "database driver", "postgresql+psycopg://"),
        ("postgresql+psycopg://a/b", "start", "pip install it"),
        ("nonsense", "start", "docs/reference/settings.md"),
    ],
)
def test_a_database_that_cannot_be_opened_is_named_by_its_driver(url, check, mend):
    missing = "the driver it is missing: pip install it" if "://" in url else "it cannot be read"
    error = SettingsError(f"CHAT_DATABASE_URL: {missing}")
    found = start.explain(error, {"CHAT_DATABASE_URL": url})
    assert (found.check, found.state) == (check, "bad")
    assert mend in found.mend


@pytest.fixture
def start_with(called, make_host, capsys, tmp_path, monkeypatch):
    """What the doctor prints of a site whose history is `own.sqlite`, and does not start."""
    called("flask chat doctor")
    monkeypatch.setattr(storage, "_BUSY_TIMEOUT", 10)

    def start_with() -> str:
        with pytest.raises(SystemExit) as ended:
            make_host(CHAT_DATABASE_URL=f"sqlite:///{tmp_path}/own.sqlite")
        assert ended.value.code == 1
        return capsys.readouterr().out

    return start_with


def test_a_history_that_another_process_has_locked_is_named(start_with, tmp_path):
    with closing(sqlite3.connect(tmp_path / "own.sqlite", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN EXCLUSIVE")
        shown = start_with()
    assert f"✗ database: sqlite, {tmp_path}/own.sqlite" in shown
    assert "database is locked: another process is in a transaction" in shown


def test_a_history_that_was_written_over_is_named(start_with, tmp_path):
    (tmp_path / "own.sqlite").write_bytes(b"no database at all " * 100)
    assert "file is not a database" in start_with()


def test_a_folder_that_this_user_cannot_write_to_is_named():
    found = start.explain(PermissionError(13, "Permission denied", "/srv/instance/chat.sqlite.lock"), {}, "…")
    assert "/srv/instance/chat.sqlite.lock: Permission denied" in found.cause
    assert found.mend.endswith("sudo chown -R SITE-USER /srv/instance")


def test_a_site_that_starts_is_left_alone(called):
    called("flask chat doctor")
    with start.attend({}):
        pass
