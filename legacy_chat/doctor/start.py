"""A site that does not start has no `flask chat doctor` either, unless it is asked while it fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from .databases import BLOCKING, check_driver, driver_named
from .finding import Finding, as_json, bad, lines
from .packages import check_packages, check_python


@contextmanager
def attend(config: Mapping[str, Any]) -> Iterator[None]:
    """Where `flask chat doctor` was called, it says what is wrong and ends; all others get the error."""
    try:
        yield
    except Exception as error:
        if not _is_called(sys.argv):
            raise
        found = [check_python(), check_packages(), explain(error, config)]
        print(as_json(found) if "--json" in sys.argv else "\n".join(line for one in found for line in lines(one)))
        raise SystemExit(1) from None


def _is_called(words: list[str]) -> bool:
    return ("chat", "doctor") in pairwise(words)


def explain(error: Exception, config: Mapping[str, Any]) -> Finding:
    driver = driver_named(str(config.get("CHAT_DATABASE_URL") or os.environ.get("CHAT_DATABASE_URL", "")))
    if "CHAT_DATABASE_URL" in str(error) and driver in BLOCKING:
        return check_driver("chat", driver)
    cause = "; ".join(str(error).splitlines()) or type(error).__name__
    _, command, package = cause.rpartition("pip install ")
    mend = command + package if command else "docs/reference/settings.md lists every setting and its form"
    return bad("start", "the site does not start", cause, mend)
