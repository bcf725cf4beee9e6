"""`flask chat doctor`: why does nobody get through?"""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from ..doctor.finding import as_json, healthy, lines


@click.command("doctor")
@click.argument("url", required=False)
@click.option("--json", "for_programs", is_flag=True, help="For programs.")
@click.option("--idle", type=float, default=0, metavar="SECONDS", help="Also keep a socket silent for so long.")
@with_appcontext
def doctor(url: str | None, for_programs: bool, idle: float) -> None:
    """Walk the whole path, at URL from a browser's side too; name what is wrong, and the line that mends it.

    The exit code is 1 where anything is marked with ✗.
    """
    from ..doctor.examine import examine  # a client, which no server needs to import

    found = []
    try:
        for finding in examine(current_app.extensions["legacy_chat"], url, idle):
            found.append(finding)
            if not for_programs:
                click.echo("\n".join(lines(finding)))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if for_programs:
        click.echo(as_json(found))
    raise SystemExit(0 if healthy(found) else 1)
