"""Who polls: each client is a worker of its own that sees one person, and whose lease its polls renew."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, bindparam, distinct, func, select
from sqlalchemy.engine import Connection

from . import bulk
from .presence import AT_ONCE, Row, claim, left_by
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
_lapsed = (
    select(_w.id, _w.renewed)
    .where(and_(_w.id.like(f"{_PREFIX}%"), _w.lease <= bindparam("before")))
    .order_by(_w.lease)
    .limit(AT_ONCE)
)


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
    for uids in bulk.chunks(list(found.people)):
        for key, uid in connection.execute(_rooms, {"uids": uids}):
            found.rooms.setdefault(key, set()).add(uid)
    return found


def count(connection: Connection, now: int) -> tuple[int, int]:
    """People and what sees them: a client that polls, or a worker with all their connections."""
    users, pages = connection.execute(_count, {"now": now}).one()
    return users, pages


def lapsed(connection: Connection, before: int) -> list[tuple[Row, int]]:
    """The people of clients whose lease ended by `before`, and when it was last renewed; the leases are gone then."""
    ended = claim(connection, connection.execute(_lapsed, {"before": before}).all(), before)
    return [(row, ended[row.worker]) for row in left_by(connection, ended)] if ended else []
