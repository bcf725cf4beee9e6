"""Who ever logged in, under which name."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from .tables import people

_name = select(people.c.name).where(people.c.uid == bindparam("who"))
_rename = update(people).where(people.c.uid == bindparam("who")).values(name=bindparam("new_name"))


def find_name(connection: Connection, uid: str) -> str | None:
    return connection.execute(_name, {"who": uid}).scalar()


def remember(connection: Connection, uid: str, name: str, now: int) -> bool:
    """Keep the name that the site gave; True for somebody who was never here."""
    known = find_name(connection, uid)
    if known == name:
        return False
    if known is not None:
        connection.execute(_rename, {"who": uid, "new_name": name})
        return False
    return _insert(connection, uid, name, now)


def _insert(connection: Connection, uid: str, name: str, now: int) -> bool:
    try:
        with connection.begin_nested():
            connection.execute(people.insert(), {"uid": uid, "name": name, "since": now})
    except IntegrityError:  # another worker was quicker
        return False
    return True
