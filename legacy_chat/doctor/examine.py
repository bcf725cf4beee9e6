"""The checks in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import asking, databases, judge, local, pages, passage, sockets, way
from .door import Questions
from .finding import Finding, healthy
from .target import Clock, Line, Target

if TYPE_CHECKING:
    from ..state import State

# Whom the walk's own socket belongs to; it never logs in.
_UID = "doctor"


def examine(state: State, url: str | None = None, idle: float = 0) -> Iterator[Finding]:
    """Every check, in order. Raises ValueError where `url` is none."""
    target = Target.parse(url, state.settings.prefix) if url else None
    yield from local.check(state)
    if target is not None:
        yield from _walk(state, target, idle)


def _walk(state: State, target: Target, idle: float) -> Iterator[Finding]:
    found, addresses = way.resolve(target)
    yield found
    if not addresses:
        return
    found, line = way.connect(target, addresses, Clock())
    yield found
    if line is None:
        return
    agreed = way.agree(line)
    if agreed is not None:
        yield agreed
    if agreed is None or healthy([agreed]):
        yield from _talk(state, line, idle)


def _talk(state: State, line: Line, idle: float) -> Iterator[Finding]:
    signed = Questions(state.app.secret_key or "").sign()
    found, facts, reply = asking.ask(line, signed)
    yield found
    if facts is None or reply is None:
        return
    yield from judge.judge(facts, databases.name_of(state.database.engine))
    if judge.is_one(facts):
        yield asking.who_answers(line, signed)
    found, prefix = passage.check_prefix(line.target, facts, reply.server)
    yield found
    line.target = line.target.at(prefix)
    passed = list(passage.check_passage(line.target, facts, reply.server))
    yield from passed
    yield passage.check_cookie(line.target, reply)
    yield from pages.check_pages(line, next((found.mend for found in passed if found.state == "bad"), ""))
    upgrade = sockets.ask_upgrade(line, signed)
    yield upgrade
    if healthy([upgrade]) and judge.has_sockets(facts):
        # A token would stand in the proxy's log: only to be silent for longer than a login may take.
        yield from sockets.try_socket(line, state.tokens.mint(_UID).token if idle else None, idle)
