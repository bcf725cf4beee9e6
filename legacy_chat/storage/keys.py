"""The keys of back ends, by digest."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Connection, Row

from ..core.api import ApiKey
from .tables import keys

_k = keys.c
_shown = select(_k.id, _k.name, _k.hint, _k.scopes, _k.created, _k.used, _k.revoked)
_by_digest = _shown.where(_k.digest == bindparam("wanted"))
_by_id = _shown.where(_k.id == bindparam("which"))


def add(connection: Connection, name: str, digest: str, hint: str, scopes: list[str], now: int) -> ApiKey:
    row = {"name": name, "digest": digest, "hint": hint, "scopes": " ".join(scopes), "created": now}
    connection.execute(insert(keys), row)
    return _key(connection.execute(_by_digest, {"wanted": digest}).one())


def find(connection: Connection, digest: str) -> ApiKey | None:
    row = connection.execute(_by_digest, {"wanted": digest}).first()
    return _key(row) if row else None


def listed(connection: Connection) -> list[ApiKey]:
    """All keys, the oldest first; revoked ones too."""
    return [_key(row) for row in connection.execute(_shown.order_by(_k.id))]


def revoke(connection: Connection, key: int, now: int) -> ApiKey | None:
    """The key, revoked now or before; None where there is none."""
    connection.execute(update(keys).where(_k.id == key, _k.revoked.is_(None)).values(revoked=now))
    row = connection.execute(_by_id, {"which": key}).first()
    return _key(row) if row else None


def mark_used(connection: Connection, key: int, now: int) -> None:
    connection.execute(update(keys).where(_k.id == key).values(used=now))


def _key(row: Row) -> ApiKey:
    id_, name, hint, scopes, created, used, revoked = row
    return ApiKey(
        id=id_, name=name, hint=hint, scopes=scopes.split(), created=created, used=used, revoked=revoked
    )  # fmt: skip
