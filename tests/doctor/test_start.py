import json

import pytest

from legacy_chat.doctor import start
from legacy_chat.errors import SettingsError


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


def test_a_site_that_starts_is_left_alone(called):
    called("flask chat doctor")
    with start.attend({}):
        pass
