"""`flask chat …`: what an operator does from the shell."""

from __future__ import annotations

from datetime import datetime

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from ..actions.keys import Keys
from ..actions.push import make_push
from ..actions.rooms import Rooms
from ..core.api import SCOPES, ApiKey
from ..core.push import Push, Pushed
from ..errors import ChatError, Exists, UnknownRoom
from ..storage import people
from .doctor import doctor
from .proxy import proxy


def group() -> AppGroup:
    """The commands of one app; a host may add its own to them."""
    commands = AppGroup("chat", help="Rooms, tokens and tables of the chat.")
    for command in (init_db, token, room, key, push, proxy, doctor):
        commands.add_command(command)
    return commands


def _state():
    return current_app.extensions["legacy_chat"]


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Create or upgrade the tables."""
    _state().prepare()
    if site := _state().site_database():
        site.prepare()
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
        click.echo(_told(state.tokens.mint, uid, name or names[uid]).token)


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


@click.command("key")
@click.argument("name", required=False)
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="What it may do; default: all.")
@click.option("--list", "listing", is_flag=True, help="Show the keys, without their text.")
@click.option("--revoke", type=int, metavar="ID", help="Make a key useless, at once.")
@with_appcontext
def key(name: str | None, scopes: tuple[str, ...], listing: bool, revoke: int | None) -> None:
    """Print a new key of the HTTP API and the push door; it is not shown again."""
    keys = Keys(_state().parts)
    if listing:
        for kept in keys.listed():
            click.echo(_line(kept))
    elif revoke is not None:
        click.echo(f"{_told(keys.revoke, revoke).name} is revoked")
    elif name is None:
        raise click.UsageError("Missing argument 'NAME': what the key is for.")
    else:
        click.echo(_told(keys.create, name, list(scopes) or ["all"])[1])


def _line(kept: ApiKey) -> str:
    used = "never used" if kept.used is None else f"used {_day(kept.used)}"
    state = used if kept.revoked is None else f"revoked {_day(kept.revoked)}"
    return f"{kept.id}  {kept.hint}…  {','.join(kept.scopes)}  {state}  {kept.name}"


def _day(ts: int) -> str:
    return datetime.fromtimestamp(ts / 1000).strftime("%Y-%m-%d %H:%M")


@click.command("push")
@click.argument("words", nargs=-1, required=True, metavar="[UID] TEXT")
@click.option("--all", "everybody", is_flag=True, help="To everybody.")
@click.option("--room", "gid", metavar="GID", help="To a room.")
@click.option("--durable", is_flag=True, help="A message as well, which those who are away find later.")
@click.option("--at", type=click.DateTime(), help="Not now but then, in local time.")
@click.option("--every", type=float, metavar="SECONDS", help="Again and again.")
@with_appcontext
def push(words, everybody: bool, gid: str | None, durable: bool, at, every: float | None) -> None:
    """Push TEXT to a person, with --all to everybody, with --room to a room; prints whom it reached."""
    *to, text = words
    if len(to) + bool(everybody) + bool(gid) != 1:
        raise click.UsageError("Name one: a UID, --all or --room GID; and put the text in quotes.")
    if every is not None and not 1 <= every <= 366 * 86_400:
        raise click.BadParameter("from 1 second to 366 days, in seconds.", param_hint="--every")
    given = {"content": text, "all": everybody, "gid": gid, "durable": durable, "at": at}
    given["every"] = None if every is None else round(every * 1000)
    pushed = _told(lambda: _push(make_push(to[0] if to else None, **given)))
    click.echo(f"users {pushed.users}, connections {pushed.connections}, stored {pushed.stored}")
    if isinstance(pushed.id, str):
        click.echo(f"planned as {pushed.id}")


def _push(push: Push) -> Pushed:
    try:
        return _state().pushes.push(push)
    except UnknownRoom:  # whose own words are for people
        raise UnknownRoom(f"There is no room {push.gid!r}: flask chat room {push.gid} makes it.") from None


def _told(call, *arguments):
    """The result of a call; its ChatError in words and exit code 1."""
    try:
        return call(*arguments)
    except ChatError as error:
        raise click.ClickException(error.message) from None
