"""`flask chat …`: what an operator does from the shell."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from .actions.rooms import Rooms
from .errors import ChatError, Exists
from .storage import people


def group() -> AppGroup:
    """The commands of one app; a host may add its own to them."""
    commands = AppGroup("chat", help="Rooms, tokens and tables of the chat.")
    for command in (init_db, token, room):
        commands.add_command(command)
    return commands


def _state():
    return current_app.extensions["legacy_chat"]


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Create or upgrade the tables."""
    _state().prepare()
    click.echo("The tables are up to date.")


@click.command("token")
@click.argument("uids", nargs=-1, required=True)
@click.option("--name", help="The name to show; default: the one last seen, or the uid.")
@with_appcontext
def token(uids: tuple[str, ...], name: str | None) -> None:
    """Print one signed connect token a line."""
    state = _state()
    names = state.database.read(lambda c: {uid: people.find_name(c, uid) for uid in uids})
    for uid in uids:
        click.echo(_told(state.tokens.mint, uid, name or names[uid]))


@click.command("room")
@click.argument("gids", nargs=-1, required=True)
@click.option("--name", help="The name to show; default: the key.")
@click.option("--private", is_flag=True, help="Only for those who are invited.")
@click.option("--member", "members", multiple=True, help="Somebody who belongs from the start; may be repeated.")
@with_appcontext
def room(gids: tuple[str, ...], name: str | None, private: bool, members: tuple[str, ...]) -> None:
    """Create rooms; one that exists stays as it is."""
    rooms = Rooms(_state().parts)
    for gid in gids:
        try:
            rooms.create(gid, name or gid, private, members)
            click.echo(f"{gid} created")
        except Exists:
            click.echo(f"{gid} exists already")
        except ChatError as error:
            raise click.ClickException(error.message) from None


def _told(call, *arguments):
    """The result of a call; its ChatError in words and exit code 1."""
    try:
        return call(*arguments)
    except ChatError as error:
        raise click.ClickException(error.message) from None
