"""Who is here, by person and by the worker that sees them, and until when a worker's word counts.

A row with the worker "" is left by somebody who is not here: when they were last seen. Rows of a worker whose lease
has run out are adopted by another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import and_, bindparam, delete, func, select, text, update
from sqlalchemy.engine import Connection

from ..core.presence import PersonState
from . import bulk
from .tables import conversations, members, presence, workers

NOBODY = ""

# Ended workers, each client that polls among them, that are looked after in one transaction.
AT_ONCE = 500


class Row(NamedTuple):
    """`seen` is when it was written, for those who are here, or when they were last here."""

    uid: str
    worker: str
    online: bool
    away: bool
    seen: int


class Audience(NamedTuple):
    """Whom the news of somebody concerns: the rooms and the partners of private talks."""

    gids: list[str]
    peers: list[str]


_p, _w = presence.c, workers.c
_who: Any = bindparam("uids", expanding=True)
_columns = [_p[name] for name in Row._fields]
_rows = select(*_columns).where(_p.uid.in_(_who))
_with_lease = (
    select(*_columns, _w.lease, _w.renewed)
    .select_from(presence.outerjoin(workers, _w.id == _p.worker))
    .where(_p.uid.in_(_who))
)
_of_workers = select(*_columns).where(_p.worker.in_(bindparam("which", expanding=True)))
_seen_by = _rows.where(_p.worker == bindparam("which"))
_ended = (
    select(_w.id, _w.renewed)
    .where(and_(_w.lease <= bindparam("now"), _w.id != bindparam("which")))
    .order_by(_w.lease)
    .limit(AT_ONCE)
)
_audience = (
    select(members.c.uid, conversations.c.gid, members.c.peer)
    .select_from(members.join(conversations, conversations.c.id == members.c.conversation))
    .where(members.c.uid.in_(_who))
)
_one = and_(_p.uid == bindparam("the_uid"), _p.worker == bindparam("the_worker"))
_renew = update(workers).where(_w.id == bindparam("which")).values(lease=bindparam("until"), renewed=bindparam("at"))
_PUT = text(
    "INSERT OR REPLACE INTO chat_presence (uid, worker, online, away, seen) SELECT json_extract(value, '$[0]'), "
    "json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]'), "
    "json_extract(value, '$[4]') FROM json_each(:rows)"
)


# -- people --------------------------------------------------------------------------------------------------------


def rows_of(connection: Connection, uids: Sequence[str]) -> dict[str, list[Row]]:
    """Every row of these people."""
    found: dict[str, list[Row]] = {}
    for row in connection.execute(_rows, {"uids": list(uids)}):
        found.setdefault(row.uid, []).append(Row(*row))
    return found


def put(connection: Connection, rows: Sequence[Row]) -> None:
    """Insert or replace; SQLite gets all in one statement (see `bulk`)."""
    if rows and connection.dialect.name == "sqlite":
        connection.execute(_PUT, {"rows": msgspec.json.encode(rows).decode()})
    elif rows:
        connection.execute(delete(presence).where(_one), [{"the_uid": r.uid, "the_worker": r.worker} for r in rows])
        connection.execute(presence.insert(), [row._asdict() for row in rows])


def drop(connection: Connection, worker: str, uids: Sequence[str]) -> None:
    """This worker does not see these people any more."""
    if uids:
        where = and_(_p.worker == bindparam("which"), _p.uid.in_(_who))
        connection.execute(delete(presence).where(where), {"which": worker, "uids": list(uids)})


def find(connection: Connection, uids: Sequence[str], alive: int | None = None) -> dict[str, PersonState]:
    """How these people stand; whoever was never here is left out.

    With `alive` (ms) a worker's word counts only where its lease ended later, for readers who cannot rely on
    another worker to adopt what it left.
    """
    found: dict[str, PersonState] = {}
    for chunk in bulk.chunks(uids):
        for *row, lease, renewed in connection.execute(_with_lease, {"uids": chunk}):
            state = _state(Row(*row), alive is None or (lease or 0) > alive, renewed or 0)
            found[state.uid] = _joined(found.get(state.uid, state), state)
    return found


def _state(row: Row, alive: bool, renewed: int) -> PersonState:
    if row.online and alive:
        return PersonState(row.uid, True, row.away)
    return PersonState(row.uid, False, seen=max(row.seen, renewed) if row.online else row.seen)


def _joined(one: PersonState, other: PersonState) -> PersonState:
    """Somebody whom two workers see, or who left a row at another time."""
    if one.online and other.online:
        return PersonState(one.uid, True, one.away and other.away)
    if one.online or other.online:
        return one if one.online else other
    return PersonState(one.uid, False, seen=max(one.seen or 0, other.seen or 0))


def audience(connection: Connection, uids: Sequence[str]) -> dict[str, Audience]:
    """Whom the news of these people concerns."""
    found = {uid: Audience([], []) for uid in uids}
    for uid, gid, peer in connection.execute(_audience, {"uids": list(uids)}) if uids else ():
        if gid is not None:
            found[uid].gids.append(gid)
        elif peer is not None:
            found[uid].peers.append(peer)
    return found


# -- workers -------------------------------------------------------------------------------------------------------


def renew(connection: Connection, worker: str, now: int, until: int) -> bool:
    """This worker's word counts `until` then; False where nothing was known of it (any more)."""
    if connection.execute(_renew, {"which": worker, "until": until, "at": now}).rowcount:
        return True
    connection.execute(workers.insert(), {"id": worker, "lease": until, "renewed": now})
    return False


def next_lease(connection: Connection, worker: str) -> int | None:
    """When the first lease of another worker ends."""
    return connection.execute(select(func.min(_w.lease)).where(_w.id != worker)).scalar()


class Adopted(NamedTuple):
    """`people` nobody else sees now; `turned` are here and away, since it was only there that they were not."""

    people: list[Row]
    turned: list[str]


def adopt(connection: Connection, worker: str, now: int) -> Adopted:
    """Take over the people of the workers whose lease ran out first."""
    ended = claim(connection, connection.execute(_ended, {"now": now, "which": worker}).all(), now)
    return _take_over(connection, worker, ended) if ended else Adopted([], [])


def claim(connection: Connection, ended: Iterable[Any], now: int) -> dict[str, int]:
    """Of these workers, given with when their lease was last renewed, those that nobody else claims."""
    return {
        worker: renewed
        for worker, renewed in ended
        if connection.execute(delete(workers).where(and_(_w.id == worker, _w.lease <= now))).rowcount
    }


def left_by(connection: Connection, ended: Iterable[str]) -> list[Row]:
    """The rows of workers that are claimed."""
    return [Row(*row) for row in connection.execute(_of_workers, {"which": list(ended)})]


def _take_over(connection: Connection, worker: str, ended: dict[str, int]) -> Adopted:
    """The rows of `ended` workers, with when their lease was last renewed, become those of this one."""
    left = left_by(connection, ended)
    connection.execute(delete(presence).where(_p.worker.in_(list(ended))))
    adopted, mine = Adopted([], []), _of(connection, worker, [row.uid for row in left])
    for row in left:
        known = mine.get(row.uid)
        if known is None:
            mine[row.uid] = taken = row._replace(worker=worker, seen=max(row.seen, ended[row.worker]))
            adopted.people.append(taken)
        elif known.away and not row.away:
            adopted.turned.append(row.uid)
    put(connection, adopted.people)
    return adopted


def _of(connection: Connection, worker: str, uids: Sequence[str]) -> dict[str, Row]:
    """Those of these people whom the worker sees."""
    found: dict[str, Row] = {}
    for chunk in bulk.chunks(uids):
        for row in connection.execute(_seen_by, {"which": worker, "uids": chunk}):
            found[row.uid] = Row(*row)
    return found
