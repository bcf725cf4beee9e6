"""Who ever logged in, under which name and with which picture."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType
from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from ..core.model import Member
from . import bulk
from .tables import people

_name = select(people.c.name).where(people.c.uid == bindparam("who"))
_faces = select(people.c.uid, people.c.name, people.c.avatar).where(people.c.uid.in_(bindparam("some", expanding=True)))
_seen = _faces.add_columns(people.c.since)
_known = select(people.c.name, people.c.since, people.c.avatar).where(people.c.uid == bindparam("who"))
_rename = (
    update(people)
    .where(people.c.uid == bindparam("who"))
    .values(name=bindparam("new_name"), since=bindparam("new_since"), avatar=bindparam("new_avatar"))
)

# `since` of somebody in whose name the site wrote, and who never came.
_NEVER = -1


def find_name(connection: Connection, uid: str) -> str | None:
    return connection.execute(_name, {"who": uid}).scalar()


def find_member(connection: Connection, uid: str) -> Member:
    """Somebody by the name and picture last seen; a stranger goes by the uid."""
    return find_members(connection, [uid])[0]


def find_members(connection: Connection, uids: Sequence[str]) -> list[Member]:
    """As `find_member`, in the order of the uids."""
    known: dict[str, Member] = {}
    for chunk in bulk.chunks(uids):
        rows = connection.execute(_faces, {"some": chunk})
        known.update((uid, Member(uid, name, avatar=avatar)) for uid, name, avatar in rows)
    return [known.get(uid) or Member(uid, uid) for uid in uids]


def came(connection: Connection, uid: str) -> bool:
    """Whether somebody was ever here."""
    known = connection.execute(_known, {"who": uid}).first()
    return known is not None and known[1] != _NEVER


def remember(connection: Connection, uid: str, name: str, now: int, avatar: str | UnsetType | None = UNSET) -> bool:
    """Keep the name and picture that the site gave (UNSET: it said nothing); True for somebody who was never here."""
    known = connection.execute(_known, {"who": uid}).first()
    if known is None:
        return _insert(connection, uid, name, now, None if avatar is UNSET else avatar)
    old_name, since, old_avatar = known
    avatar = old_avatar if avatar is UNSET else avatar
    came = since != _NEVER
    if (old_name, old_avatar) != (name, avatar) or not came:
        _change(connection, uid, name, since if came else now, avatar)
    return not came


def introduce(connection: Connection, uid: str, name: str) -> None:
    """A name for somebody in whose name the site writes; whoever was here goes by their own."""
    known = connection.execute(_known, {"who": uid}).first()
    if known is None:
        _insert(connection, uid, name, _NEVER)
    elif known[1] == _NEVER and known[0] != name:
        _change(connection, uid, name, _NEVER, known[2])


def introduce_all(connection: Connection, members: Sequence[Member]) -> None:
    """Names and pictures of people whom the site told of; as `introduce`. One who goes by the uid was not told of."""
    new, changed = _news(connection, members)
    rows = [{"uid": m.uid, "name": m.name, "since": _NEVER, "avatar": m.avatar} for m in new]
    if new and not bulk.insert_new(connection, people, rows):
        for member in new:
            _insert(connection, member.uid, member.name, _NEVER, member.avatar)
    for member in changed:
        _change(connection, member.uid, member.name, _NEVER, member.avatar)


def all_introduced(connection: Connection, members: Sequence[Member]) -> bool:
    """Whether `introduce_all` would change nothing."""
    return not any(_news(connection, members))


def _news(connection: Connection, members: Sequence[Member]) -> tuple[list[Member], list[Member]]:
    """Those of whom nothing is known, and those who never came and are known by another name or picture."""
    told = {m.uid: m for m in members if (m.name, m.avatar) != (m.uid, None)}
    known, changed = set(), []
    for chunk in bulk.chunks(list(told)):
        for uid, name, avatar, since in connection.execute(_seen, {"some": chunk}):
            known.add(uid)
            wanted = Member(uid, told[uid].name, avatar=told[uid].avatar or avatar)
            if since == _NEVER and (name, avatar) != (wanted.name, wanted.avatar):
                changed.append(wanted)
    return [m for uid, m in told.items() if uid not in known], changed


def _change(connection: Connection, uid: str, name: str, since: int, avatar: str | UnsetType | None) -> None:
    connection.execute(_rename, {"who": uid, "new_name": name, "new_since": since, "new_avatar": avatar})


def _insert(connection: Connection, uid: str, name: str, now: int, avatar: str | UnsetType | None = None) -> bool:
    return bulk.insert_new(connection, people, {"uid": uid, "name": name, "since": now, "avatar": avatar})
