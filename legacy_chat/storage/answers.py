"""What a key's request was answered, so that a repeat gets the same answer."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, bindparam, delete, select, update
from sqlalchemy.engine import Connection

from . import bulk
from .tables import answers

# The status of a request that is being carried out.
BEGUN = 0

_a = answers.c
_this = and_(_a.key == bindparam("the_key"), _a.request == bindparam("the_request"))
_find = select(_a.digest, _a.status, _a.body, _a.ts).where(_this)
_keep = update(answers).where(_this).values(status=bindparam("new_status"), body=bindparam("new_body"))
_restart = update(answers).where(and_(_this, _a.ts == bindparam("begun"))).values(ts=bindparam("new_ts"))
_drop = delete(answers).where(_this)
_forget = delete(answers).where(_a.ts < bindparam("before"))


class Kept(NamedTuple):
    digest: str
    status: int
    body: str
    ts: int


def find(connection: Connection, key: int, request: str) -> Kept | None:
    row = connection.execute(_find, {"the_key": key, "the_request": request}).first()
    return Kept(*row) if row else None


def begin(connection: Connection, key: int, request: str, digest: str, now: int) -> bool:
    """Whether the request is this caller's to carry out; False where another was quicker."""
    row = {"key": key, "request": request, "digest": digest, "status": BEGUN, "body": "", "ts": now}
    return bulk.insert_new(connection, answers, row)


def restart(connection: Connection, key: int, request: str, begun: int, now: int) -> bool:
    """Whether the request that was cut off, `begun` then, is this caller's to carry out again."""
    given = {"the_key": key, "the_request": request, "begun": begun, "new_ts": now}
    return connection.execute(_restart, given).rowcount > 0


def keep(connection: Connection, key: int, request: str, status: int, body: str) -> None:
    values = {"the_key": key, "the_request": request, "new_status": status, "new_body": body}
    connection.execute(_keep, values)


def drop(connection: Connection, key: int, request: str) -> None:
    connection.execute(_drop, {"the_key": key, "the_request": request})


def forget(connection: Connection, before: int) -> None:
    connection.execute(_forget, {"before": before})
