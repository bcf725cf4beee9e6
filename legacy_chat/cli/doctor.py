"""`flask chat doctor`: why does nobody get through?"""

from __future__ import annotations

import inspect
import sys

import click
from flask import current_app
from flask.cli import ScriptInfo, with_appcontext

from ..doctor.finding import as_json, for_site, healthy, lines

# What a module may call its app, where `--app` names the module alone. With middlewares around it, it is `application`,
# as gunicorn has it.
_NAMES = ("application", "app")
_FACTORIES = ("create_app", "make_app")


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

    found, named = [], click.get_current_context().ensure_object(ScriptInfo).app_import_path
    try:
        for finding in examine(current_app.extensions["legacy_chat"], url, idle):
            finding = for_site(finding, named, served_as(named)) if named else finding
            found.append(finding)
            if not for_programs:
                click.echo("\n".join(lines(finding)))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if for_programs:
        click.echo(as_json(found))
    raise SystemExit(0 if healthy(found) else 1)


def served_as(named: str) -> str:
    """What `--app` or FLASK_APP names, in the words of gunicorn; those of the documentation where it is a path."""
    module, _, name = named.partition(":")
    module = module.removesuffix(".py")
    if "/" in module:  # it is no module, unless gunicorn starts in its folder
        return "wsgi:app"
    known = vars(sys.modules[module]) if module in sys.modules else {}
    if not name:
        name = next((each for each in (*_NAMES, *_FACTORIES) if each in known), "app")
        is_factory = name in _FACTORIES
    else:
        is_factory = inspect.isfunction(known.get(name))
    return f"{module}:{name}()" if is_factory else f"{module}:{name}"
