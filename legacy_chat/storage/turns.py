"""Which worker has the turn of a timer, until when, and the last round that was begun.

One row of `chat_info` for each timer; whoever changes it names what it was before, so of two workers one succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from .tables import info

_of = select(info.c.name, info.c.value).where(info.c.name.in_(bindparam("names", expanding=True)))
_before = and_(info.c.name == bindparam("which"), info.c.value == bindparam("before"))
_change = update(info).where(_before).values(value=bindparam("after"))


class Turn(NamedTuple):
    """`until` in ms; nobody has it where that is over."""

    worker: str
    until: int
    last: int


def find(connection: Connection, names: Iterable[str]) -> dict[str, Turn]:
    return {name: _read(value) for name, value in connection.execute(_of, {"names": list(names)})}


def change(connection: Connection, name: str, before: Turn | None, after: Turn) -> bool:
    """False where somebody else was quicker."""
    if before is not None:
        values = {"which": name, "before": _write(before), "after": _write(after)}
        return bool(connection.execute(_change, values).rowcount)
    try:
        with connection.begin_nested():
            connection.execute(info.insert(), {"name": name, "value": _write(after)})
    except IntegrityError:
        return False
    return True


def _read(value: str) -> Turn:
    worker, until, last = value.split(" ")
    return Turn(worker, int(until), int(last))


def _write(turn: Turn) -> str:
    return f"{turn.worker} {turn.until} {turn.last}"
