import shutil
import sqlite3
import stat
from contextlib import closing

import pytest

import legacy_chat.site as site
from legacy_chat import create_app
from legacy_chat.errors import SettingsError


@pytest.fixture
def instance(tmp_path, monkeypatch, migrated_file):
    folder = tmp_path / "instance"
    folder.mkdir()
    shutil.copy(migrated_file, folder / "chat.sqlite")
    monkeypatch.setenv("SITE_INSTANCE", str(folder))
    return folder


def test_a_new_installation_makes_a_secret_that_only_its_user_can_read(instance):
    app = create_app()
    path = instance / "secret_key"
    assert len(app.secret_key) >= 32
    assert app.secret_key == path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_secret_outlives_a_restart_so_that_nobody_is_logged_out(instance):
    assert create_app().secret_key == create_app().secret_key


def test_two_installations_have_two_secrets(instance, tmp_path, monkeypatch):
    one = create_app().secret_key
    monkeypatch.setenv("SITE_INSTANCE", str(tmp_path / "other"))
    assert create_app().secret_key != one


def test_workers_that_start_together_agree_on_one_secret(tmp_path, monkeypatch):
    """The other worker starts while this one is still about to write."""
    kept, make = [], site.secrets.token_hex

    def slow(size):
        if not kept:
            kept.append(None)
            kept[0] = site._kept_secret(tmp_path)
        return make(size)

    monkeypatch.setattr(site.secrets, "token_hex", slow)
    kept.append(site._kept_secret(tmp_path))
    kept.append(site._kept_secret(tmp_path))
    assert len(set(kept)) == 1
    assert len(kept[0]) >= 32


def test_a_secret_that_is_given_is_used_and_none_is_written(instance, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "from the environment")
    assert create_app().secret_key == "from the environment"
    assert create_app({"SECRET_KEY": "from the config"}).secret_key == "from the config"
    assert not (instance / "secret_key").exists()


def test_everything_stands_in_the_instance_folder_unless_told_otherwise(instance, tmp_path):
    app = create_app()
    assert app.extensions["legacy_chat"].database.engine.url.database == str(instance / "chat.sqlite")
    other = create_app({"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/other.sqlite"})
    other.extensions["site_accounts"].register("ada", "correct horse")
    assert other.extensions["legacy_chat"].database.engine.url.database == f"{tmp_path}/other.sqlite"
    assert app.extensions["site_accounts"].check("ada", "correct horse") is None


def test_a_mistake_in_the_settings_stops_the_start(instance):
    with pytest.raises(SettingsError, match="CHAT_RATE"):
        create_app({"CHAT_RATE": "fast"})


def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(instance):
    app = create_app()
    assert app.config["SESSION_COOKIE_HTTPONLY"] is True
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"


def test_the_command_line_makes_an_account_and_prints_its_uid(instance):
    app = create_app()
    result = app.test_cli_runner().invoke(args=["chat", "user", "ada", "--password", "correct horse"])
    assert result.exit_code == 0
    uid = result.output.strip()
    assert app.extensions["site_accounts"].load(uid).name == "ada"
    again = app.test_cli_runner().invoke(args=["chat", "user", "Ada", "--password", "correct horse"])
    assert again.exit_code == 1
    assert "already" in again.output


@pytest.mark.parametrize(("name", "password"), [("", "correct horse"), ("a\nb", "correct horse"), ("ada", "short")])
def test_the_command_line_keeps_the_rules_of_the_form(instance, name, password):
    app = create_app()
    result = app.test_cli_runner().invoke(args=["chat", "user", name, "--password", password])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "Error: " in result.output


def test_the_site_starts_and_knows_its_people_while_somebody_else_writes(instance):
    """A worker that cannot boot takes gunicorn down; a backup or an import may take longer than it waits."""
    ada = create_app().extensions["site_accounts"].register("ada", "correct horse")
    with closing(sqlite3.connect(instance / "chat.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        accounts = create_app().extensions["site_accounts"]
        assert accounts.load(ada.get_id()).name == "ada"


def test_the_config_goes_over_the_defaults_of_the_session_cookie(instance):
    app = create_app({"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_SECURE": True})
    assert app.config["SESSION_COOKIE_SAMESITE"] == "None"
    assert app.config["SESSION_COOKIE_HTTPONLY"] is True
