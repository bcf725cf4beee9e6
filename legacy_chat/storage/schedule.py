"""Pushes that wait for their time."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, bindparam, delete, func, select, update
from sqlalchemy.engine import Connection

from . import bulk
from .tables import schedule

_s = schedule.c

_due = (
    select(_s.id, _s.due, _s.every, _s.push)
    .where(_s.due <= bindparam("now"))
    .order_by(_s.due)
    .limit(bindparam("count"))
)
_next = select(func.min(_s.due)).where(_s.due > bindparam("now"))
_known = select(_s.id).where(_s.id == bindparam("which"))


class Planned(NamedTuple):
    """`push` (JSON) is due at `due`, then after every `every` milliseconds."""

    id: str
    due: int
    every: int | None
    push: str


def add(connection: Connection, planned: Planned, now: int) -> None:
    """Doing so twice changes nothing."""
    if connection.execute(_known, {"which": planned.id}).first() is None:
        bulk.insert_new(connection, schedule, {**planned._asdict(), "created": now})


def remove(connection: Connection, id_: str) -> bool:
    return connection.execute(delete(schedule).where(_s.id == id_)).rowcount > 0


def due(connection: Connection, now: int, limit: int = 100) -> list[Planned]:
    """What is due, the oldest first."""
    return [Planned(*row) for row in connection.execute(_due, {"now": now, "count": limit})]


def next_after(connection: Connection, now: int) -> int | None:
    """When something is due after `now`, first."""
    return connection.execute(_next, {"now": now}).scalar()


def claim(connection: Connection, planned: Planned, now: int) -> bool:
    """Take this round: the row is gone, or waits for the next one. False where somebody else took it.

    Rounds that were missed are left out: the next one is in the future.
    """
    mine = and_(_s.id == planned.id, _s.due == planned.due)
    if planned.every is None:
        return connection.execute(delete(schedule).where(mine)).rowcount > 0
    rounds = max(1, -(-(now + 1 - planned.due) // planned.every))
    later = update(schedule).where(mine).values(due=planned.due + rounds * planned.every)
    return connection.execute(later).rowcount > 0
