"""The stand-alone site: accounts, login and pages of its own, with chat added as any host site adds it."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_login import LoginManager

from ..extension import Chat
from ..storage.database import open_engine
from ..web.pages import shipped
from .accounts import Account, Accounts, NameTaken, Unfit
from .pages import add_pages, csrf_token


def create_app(config: dict[str, Any] | None = None) -> Flask:
    """A Flask site whose only content is chat. `config` goes over the defaults.

    Without a SECRET_KEY (config or environment) one is made and kept in the instance folder.
    """
    app = Flask(
        "legacy_chat",
        template_folder=str(shipped("templates")),
        static_folder=None,
        instance_path=os.environ.get("SITE_INSTANCE") or str(Path.cwd() / "instance"),
    )
    app.config.update({"SESSION_COOKIE_HTTPONLY": True, "SESSION_COOKIE_SAMESITE": "Lax", **(config or {})})
    Path(app.instance_path).mkdir(parents=True, exist_ok=True)
    app.secret_key = app.secret_key or os.environ.get("SECRET_KEY") or _kept_secret(Path(app.instance_path))
    chat = Chat(app)
    accounts = Accounts(open_engine(_database_url(app)))
    app.extensions["site_accounts"] = accounts
    _add_login(app, accounts, chat)
    add_pages(app, accounts, chat)
    app.cli.commands["chat"].add_command(add_user)  # type: ignore[attr-defined]
    return app


def _kept_secret(folder: Path) -> str:
    """The key of this installation, readable by its user alone. Workers that start together agree on one."""
    path = folder / "secret_key"
    if not path.exists():
        # Written whole under another name first: nobody ever reads an empty file.
        with tempfile.NamedTemporaryFile("w", dir=folder) as draft:  # mode 0600
            draft.write(secrets.token_hex(32))
            draft.flush()
            with suppress(FileExistsError):
                os.link(draft.name, path)
    return path.read_text()


def _database_url(app: Flask) -> str:
    """Accounts stand beside the messages."""
    given = app.config.get("CHAT_DATABASE_URL") or os.environ.get("CHAT_DATABASE_URL")
    return given or f"sqlite:///{Path(app.instance_path) / 'chat.sqlite'}"


def _add_login(app: Flask, accounts: Accounts, chat: Chat) -> None:
    manager = LoginManager(app)
    manager.login_view = "login"
    manager.login_message = None

    @manager.user_loader
    def load(uid: str) -> Account | None:
        return chat.offload(lambda: accounts.load(uid))

    app.jinja_env.globals["csrf_token"] = csrf_token


@click.command("user")
@click.argument("name")
@click.option("--password", required=True, help="At least 8 characters.")
@with_appcontext
def add_user(name: str, password: str) -> None:
    """Create an account of the stand-alone site; prints its uid."""
    try:
        account = current_app.extensions["site_accounts"].register(name, password)
    except NameTaken:
        raise click.ClickException(f"There is a user {name!r} already.") from None
    except Unfit as error:
        raise click.ClickException(str(error)) from None
    click.echo(account.id)
