"""What a check found, and how a report of findings looks."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

OK, NOTE, BAD = "ok", "note", "bad"
_SIGNS = {OK: "✓", NOTE: "!", BAD: "✗"}


@dataclass(frozen=True)
class Finding:
    """`check` is one word, `text` what was seen. What is not `OK` has a `cause` and the line that mends it."""

    check: str
    state: str
    text: str
    cause: str = ""
    mend: str = ""


def ok(check: str, text: str) -> Finding:
    return Finding(check, OK, text)


def note(check: str, text: str, cause: str, mend: str) -> Finding:
    """It works, and could be better or safer."""
    return Finding(check, NOTE, text, cause, mend)


def bad(check: str, text: str, cause: str, mend: str) -> Finding:
    """It does not work, or will not."""
    return Finding(check, BAD, text, cause, mend)


def for_site(finding: Finding, named: str, served: str) -> Finding:
    """The mend with this site's app as `--app` names it and gunicorn serves it, in place of the documentation's."""
    mend = finding.mend.replace("wsgi:app", shlex.quote(served))
    return replace(finding, mend=mend.replace("--app wsgi ", f"--app {shlex.quote(named)} "))


def healthy(findings: Iterable[Finding]) -> bool:
    return all(finding.state != BAD for finding in findings)


def lines(finding: Finding) -> list[str]:
    """One line, and two more where something is to be done."""
    first = f"{_SIGNS[finding.state]} {finding.check}: {finding.text}"
    if finding.state == OK:
        return [first]
    return [first, f"    cause: {finding.cause}", f"    mend: {finding.mend}"]


def as_json(findings: list[Finding]) -> str:
    """`{"ok": bool, "findings": [{"check", "state": ok|note|bad, "text", "cause", "mend"}]}`"""
    return json.dumps({"ok": healthy(findings), "findings": [asdict(finding) for finding in findings]}, indent=2)
