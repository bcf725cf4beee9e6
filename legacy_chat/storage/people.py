"""Who ever logged in, under which name."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from .tables import people

_name = select(people.c.name).where(people.c.uid == bindparam("who"))
_known = select(people.c.name, people.c.since).where(people.c.uid == bindparam("who"))
_rename = (
    update(people)
    .where(people.c.uid == bindparam("who"))
    .values(name=bindparam("new_name"), since=bindparam("new_since"))
)

# `since` of somebody in whose name the site wrote, and who never came.
_NEVER = -1


def find_name(connection: Connection, uid: str) -> str | None:
    return connection.execute(_name, {"who": uid}).scalar()


def remember(connection: Connection, uid: str, name: str, now: int) -> bool:
    """Keep the name that the site gave; True for somebody who was never here."""
    known = connection.execute(_known, {"who": uid}).first()
    if known is None:
        return _insert(connection, uid, name, now)
    old_name, since = known
    came = since != _NEVER
    if old_name != name or not came:
        connection.execute(_rename, {"who": uid, "new_name": name, "new_since": since if came else now})
    return not came


def introduce(connection: Connection, uid: str, name: str) -> None:
    """A name for somebody in whose name the site writes; whoever was here goes by their own."""
    known = connection.execute(_known, {"who": uid}).first()
    if known is None:
        _insert(connection, uid, name, _NEVER)
    elif known[1] == _NEVER and known[0] != name:
        connection.execute(_rename, {"who": uid, "new_name": name, "new_since": _NEVER})


def _insert(connection: Connection, uid: str, name: str, now: int) -> bool:
    try:
        with connection.begin_nested():
            connection.execute(people.insert(), {"uid": uid, "name": name, "since": now})
    except IntegrityError:  # another worker was quicker
        return False
    return True
