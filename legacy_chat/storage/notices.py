"""What people who poll are told beside messages, kept for about a minute; and whose sessions were ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import and_, bindparam, delete, func, or_, select
from sqlalchemy.engine import Connection

from ..core.poll import Kept
from .tables import notices

_n = notices.c

_newest = select(func.max(_n.id))
_since = (
    select(_n.key, _n.frame, _n.ts, _n.about, _n.skip, _n.id)
    .where(and_(_n.id > bindparam("last"), _n.key.in_(bindparam("keys", expanding=True))))
    .order_by(_n.id)
)

# What `core.poll.ended_key` and `client_key` begin with.
_ENDED = ("x:%", "c:%")


def keep(connection: Connection, kept: Sequence[Kept]) -> None:
    rows = [{"key": k.key, "frame": k.frame, "ts": k.ts, "about": k.about, "skip": k.skip} for k in kept]
    connection.execute(notices.insert(), rows)


def newest(connection: Connection) -> int:
    """The id of the last one, 0 for none."""
    return connection.execute(_newest).scalar() or 0


def since(connection: Connection, last: int, keys: Iterable[str]) -> list[Kept]:
    """Those under `keys` that came after `last`, in their order."""
    return [Kept(*row) for row in connection.execute(_since, {"last": last, "keys": list(keys)})]


def forget(connection: Connection, before: int, ended_before: int) -> None:
    """Drop what is older than `before` (ms); the ends of sessions are kept until `ended_before`."""
    passed = and_(_n.ts < before, *(_n.key.not_like(ended) for ended in _ENDED))
    connection.execute(delete(notices).where(or_(passed, _n.ts < ended_before)))
