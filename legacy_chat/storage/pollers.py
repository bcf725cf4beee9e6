"""Who polls: each client is a worker of its own that sees one person, and whose lease its polls renew."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, bindparam, delete, distinct, func, select
from sqlalchemy.engine import Connection

from .presence import Row
from .tables import conversations, members, presence, workers

_p, _w = presence.c, workers.c

_PREFIX = "poll:"

_seen = presence.join(workers, _w.id == _p.worker)
_now = and_(_p.online.is_(True), _w.lease > bindparam("now"))
_polling = select(_p.uid).select_from(_seen).where(and_(_now, _w.id.like(f"{_PREFIX}%")))
_count = select(func.count(distinct(_p.uid)), func.count()).select_from(_seen).where(_now)
_rooms = (
    select(conversations.c.key, members.c.uid)
    .select_from(members.join(conversations, conversations.c.id == members.c.conversation))
    .where(and_(conversations.c.gid.is_not(None), members.c.uid.in_(bindparam("uids", expanding=True))))
)
_lapsed = select(_w.id, _w.renewed).where(and_(_w.id.like(f"{_PREFIX}%"), _w.lease <= bindparam("before")))

_CHUNK = 500


def name(client_id: int) -> str:
    """What such a client is called among the workers."""
    return f"{_PREFIX}{client_id:x}"


class Found(NamedTuple):
    """The number of polling clients by uid, and who of them belongs to which room, by its key."""

    people: dict[str, int]
    rooms: dict[str, set[str]]


def polling(connection: Connection, now: int) -> Found:
    """Who polls now."""
    found = Found({}, {})
    for (uid,) in connection.execute(_polling, {"now": now}):
        found.people[uid] = found.people.get(uid, 0) + 1
    uids = list(found.people)
    for start in range(0, len(uids), _CHUNK):
        for key, uid in connection.execute(_rooms, {"uids": uids[start : start + _CHUNK]}):
            found.rooms.setdefault(key, set()).add(uid)
    return found


def count(connection: Connection, now: int) -> tuple[int, int]:
    """People and what sees them: a client that polls, or a worker with all their connections."""
    users, pages = connection.execute(_count, {"now": now}).one()
    return users, pages


def lapsed(connection: Connection, before: int) -> list[tuple[Row, int]]:
    """The people of clients whose lease ended by `before`, and when it was last renewed; they are forgotten here."""
    found: list[tuple[Row, int]] = []
    for worker, renewed in connection.execute(_lapsed, {"before": before}).all():
        if connection.execute(delete(workers).where(and_(_w.id == worker, _w.lease <= before))).rowcount:
            rows = connection.execute(select(_p.uid, _p.worker, _p.online, _p.away, _p.seen).where(_p.worker == worker))
            found += [(Row(*row), renewed) for row in rows]
    return found
