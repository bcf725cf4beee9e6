"""A site that does not start has no `flask chat doctor` either, unless it is asked while it fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from .databases import BLOCKING, check_driver, driver_named, refused
from .finding import Finding, as_json, bad, lines
from .packages import check_packages, check_python


@contextmanager
def attend(config: Mapping[str, Any], history: str | None = None) -> Iterator[None]:
    """Where `flask chat doctor` was called, it says what is wrong and ends; all others get the error.

    `history` is the SQLite file, once it is known.
    """
    try:
        yield
    except Exception as error:
        if not _is_called(sys.argv):
            raise
        found = [check_python(), check_packages(), explain(error, config, history)]
        print(as_json(found) if "--json" in sys.argv else "\n".join(line for one in found for line in lines(one)))
        raise SystemExit(1) from None


def _is_called(words: list[str]) -> bool:
    return ("chat", "doctor") in pairwise(words)


def explain(error: Exception, config: Mapping[str, Any], history: str | None = None) -> Finding:
    if isinstance(error, OSError):
        return _not_allowed(error)
    if (orig := getattr(error, "orig", None)) is not None:  # SQLAlchemy's, before there is a server
        return refused(f"sqlite, {history}", str(orig).partition("\n")[0])
    driver = driver_named(str(config.get("CHAT_DATABASE_URL") or os.environ.get("CHAT_DATABASE_URL", "")))
    if "CHAT_DATABASE_URL" in str(error) and driver in BLOCKING:
        return check_driver("chat", driver)
    cause = "; ".join(str(error).splitlines()) or type(error).__name__
    _, command, package = cause.rpartition("pip install ")
    mend = command + package if command else "docs/reference/settings.md lists every setting and its form"
    return bad("start", "the site does not start", cause, mend)


def _not_allowed(error: OSError) -> Finding:
    """A file or folder that this user cannot use."""
    path = error.filename or "the instance folder"
    folder = os.path.dirname(str(path)) or "."
    cause = f"{path}: {error.strerror or error}, for user {os.geteuid()}"
    mend = f"sudo -u SITE-USER flask …, or sudo chown -R SITE-USER {folder}"
    return bad("start", "the site does not start", cause, mend)
