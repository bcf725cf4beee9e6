"""What can be seen without asking a server: packages, settings, `gunicorn.conf.py`, the database."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .. import settings as settings_table
from . import databases, gunicorn, limits, packages
from .facts import descriptors
from .finding import Finding, bad, note, ok
from .gunicorn import Gunicorn

if TYPE_CHECKING:
    from ..state import State

# Names that the documentation uses for scripts of one's own.
_NO_SETTINGS = ("CHAT_URL", "CHAT_KEY", "CHAT_WEBHOOK_SECRET")
_SHORT_KEY = 16

_PATCH = "from gevent import monkey; monkey.patch_all()"


def check(state: State) -> Iterator[Finding]:
    yield packages.check_python()
    yield packages.check_packages()
    yield from check_settings(state)
    try:
        yield from check_gunicorn(gunicorn.configured(), state.settings)
    except subprocess.TimeoutExpired as late:
        cause = f"it was not read within {late.timeout:.0f} s: it does something slow, or this machine is busy"
        yield note("gunicorn.conf.py", "not looked at", cause, "try again, or `gunicorn --check-config wsgi:app`")
    yield databases.check_database(state)
    for whose, driver in databases.drivers(state).items():
        yield databases.check_driver(whose, driver)


def check_settings(state: State) -> Iterator[Finding]:
    """Mistakes are reported when the app starts; what only looks like a setting is not."""
    names = settings_table.NAMES
    given = sorted(name for name in names if name in os.environ or state.app.config.get(name) is not None)
    yield ok("settings", ", ".join(given) or "the defaults")
    for name in sorted(os.environ):
        if name.startswith("CHAT_") and name not in names and name not in _NO_SETTINGS:
            cause = "there is no such setting, so it does nothing"
            yield note("settings", f"{name} in the environment", cause, settings_table.rather(name))
    if len(state.app.secret_key or "") < _SHORT_KEY:
        cause = "sessions and connect tokens are signed with it, and a short one can be guessed"
        mend = "SECRET_KEY=$(python -c 'import secrets; print(secrets.token_hex(32))'), kept for good"
        yield note("SECRET_KEY", "it is short", cause, mend)


def check_gunicorn(found: Gunicorn | str, settings: settings_table.Settings) -> Iterator[Finding]:
    """`gunicorn.conf.py` in this folder; the command line may say otherwise, and only a running server tells."""
    check = "gunicorn.conf.py"
    if isinstance(found, str):
        yield bad(
            check, "gunicorn cannot read it", found, "mend that line, then try `gunicorn --check-config wsgi:app`"
        )
        return
    if found.file is None:
        cause = "without one, everything depends on the command line"
        yield note(check, "none in this folder", cause, f"start the site with: {gunicorn.COMMAND}")
    yield from _worker_class(found, check)
    yield from _preload(found, check)
    backplane = settings.backplane.partition(":")[0]
    yield limits.check_workers(found, backplane, f"{check}, workers")
    yield limits.check_descriptors(descriptors(), found.worker_connections, settings.max_connections, here=True)


def _worker_class(found: Gunicorn, check: str) -> Iterator[Finding]:
    mend = f'worker_class = "{gunicorn.WORKER}"'
    if found.has_sockets:
        yield ok(check, found.worker_class)
    elif found.worker_class == "sync":  # gunicorn's default: nobody named another
        if found.file is not None:
            yield note(check, "it names no worker_class", "WebSockets need gunicorn's geventwebsocket worker", mend)
    else:
        yield bad(check, found.worker_class, "this worker cannot serve WebSockets", mend)


def _preload(found: Gunicorn, check: str) -> Iterator[Finding]:
    if found.preload and not found.patched:
        cause = "with preload_app the app is loaded before the worker patches Python, and what it imported blocks"
        yield bad(check, "preload_app without a patch", cause, f"first line of gunicorn.conf.py: {_PATCH}")
