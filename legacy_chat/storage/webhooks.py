"""Webhooks and the log of their deliveries.

An event is recorded in the transaction of what it tells of: both happen or neither does. Where no webhook wants it
that costs next to nothing, since who wants what is remembered for a moment.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import bindparam, delete, or_, select, text, update
from sqlalchemy.engine import Connection, Engine, Row
from sqlalchemy.sql.expression import ColumnElement

from ..core import frames
from ..core.model import Conversation, Message, pair_of
from ..core.webhooks import WAITING, Delivery, Webhook, encode_body
from .tables import conversations, deliveries, webhooks

# Seconds for which it is remembered who wants what: the most by which a webhook made by another process starts late.
REMEMBERED = 2.0

# Rows forgotten in one transaction.
PORTION = 1000

# Why a webhook is disabled that nobody sees any more: its log may be long, and goes in portions, the row after it.
REMOVED = "removed"

_w, _d = webhooks.c, deliveries.c
_webhook = select(_w.id, _w.url, _w.events, _w.secret, _w.created, _w.disabled)
_there = or_(_w.disabled.is_(None), _w.disabled != REMOVED)
_one = _webhook.where(_w.id == bindparam("which"), _there)
_wanting = select(_w.id, _w.events).where(_w.disabled.is_(None))
_delivery = select(
    _d.id, _d.webhook, _d.event, _d.type, _d.body, _d.created, _d.attempts, _d.due, _d.status, _d.code, _d.error
)
_first = (
    _delivery.where(_d.webhook == bindparam("which"), _d.due <= bindparam("now"))
    .order_by(_d.due, _d.id)
    .limit(bindparam("count"))
)
_free = (
    select(_w.id, _w.held)
    .where(_w.disabled.is_(None), _w.held <= bindparam("now"))
    .where(select(_d.id).where(_d.webhook == _w.id, _d.due <= bindparam("now")).exists())
    .order_by(_w.id)
)
_hold = update(webhooks).where(_w.id == bindparam("which"), _w.held == bindparam("before"), _w.disabled.is_(None))
_COLUMNS = ("webhook", "event", "type", "body", "created", "attempts", "due", "status")
_FIELDS = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(len(_COLUMNS)))
_INSERT = text(f"INSERT INTO chat_deliveries ({', '.join(_COLUMNS)}) SELECT {_FIELDS} FROM json_each(:rows)")  # noqa: S608


# -- webhooks ------------------------------------------------------------------------------------------------------


def add(connection: Connection, url: str, events: Sequence[str], secret: str, now: int) -> Webhook:
    row = {"url": url, "events": " ".join(events), "secret": secret, "created": now, "held": 0}
    key = connection.execute(webhooks.insert(), row).inserted_primary_key
    _forget_wanted(connection)
    return Webhook(key[0], url, list(events), secret, now)  # type: ignore[index]


def find(connection: Connection, id_: int) -> Webhook | None:
    row = connection.execute(_one, {"which": id_}).first()
    return _as_webhook(row) if row else None


def listed(connection: Connection) -> list[Webhook]:
    """All of them, the oldest first."""
    return [_as_webhook(row) for row in connection.execute(_webhook.where(_there).order_by(_w.id))]


def change(connection: Connection, id_: int, **values: Any) -> Webhook | None:
    """Set `url`, `events` or `disabled`; None where there is no such webhook."""
    if "events" in values:
        values["events"] = " ".join(values["events"])
    if values:
        connection.execute(update(webhooks).where(_w.id == id_, _there).values(**values))
        _forget_wanted(connection)
    return find(connection, id_)


def remove(connection: Connection, id_: int) -> bool:
    """From the commit on nothing is sent; its log goes with `forget`."""
    _forget_wanted(connection)
    values = {"disabled": REMOVED, "secret": "", "url": ""}
    return connection.execute(update(webhooks).where(_w.id == id_, _there).values(values)).rowcount > 0


def _as_webhook(row: Row) -> Webhook:
    id_, url, events, secret, created, disabled = row
    return Webhook(id_, url, events.split(), secret, created, disabled)


# -- events --------------------------------------------------------------------------------------------------------


Wanted = dict[str, list[int]]

_wanted: WeakKeyDictionary[Engine, tuple[float, Wanted]] = WeakKeyDictionary()


def record(connection: Connection, type: str, data: Any, ts: int) -> None:
    """An event of `ts` (ms) for every webhook that wants it, inside the caller's transaction."""
    wanting = wanted(connection).get(type)
    if wanting:
        _insert(connection, _rows(wanting, type, [(data, ts)]))


def record_messages(connection: Connection, new: Sequence[Message]) -> None:
    """`message.created` for each; the data are the fields of its frame."""
    wanting = wanted(connection).get("message.created")
    if wanting:
        places = _places(connection, {message.conversation for message in new})
        events = [(_message_data(places[message.conversation], message), message.ts) for message in new]
        _insert(connection, _rows(wanting, "message.created", events))


def wanted(connection: Connection) -> Wanted:
    """The enabled webhooks by the type of event that they want."""
    engine, now = connection.engine, monotonic()
    known = _wanted.get(engine)
    if known is None or now - known[0] > REMEMBERED:
        known = _wanted[engine] = now, _read_wanted(connection)
    return known[1]


def _read_wanted(connection: Connection) -> Wanted:
    found: Wanted = {}
    for id_, events in connection.execute(_wanting):
        for type in events.split():
            found.setdefault(type, []).append(id_)
    return found


def _forget_wanted(connection: Connection) -> None:
    _wanted.pop(connection.engine, None)


def _rows(wanting: list[int], type: str, events: Iterable[tuple[Any, int]]) -> list[tuple[Any, ...]]:
    rows = []
    for data, ts in events:
        event, body = f"evt_{secrets.token_hex(12)}", encode_body(type, data, ts)
        rows += [(webhook, event, type, body, ts, 0, ts, WAITING) for webhook in wanting]
    return rows


def _insert(connection: Connection, rows: list[tuple[Any, ...]]) -> None:
    """SQLite gets all in one statement (see `bulk`)."""
    if connection.dialect.name == "sqlite":
        connection.execute(_INSERT, {"rows": msgspec.json.encode(rows).decode()})
    else:
        connection.execute(deliveries.insert(), [dict(zip(_COLUMNS, row, strict=True)) for row in rows])


def _places(connection: Connection, ids: set[int]) -> dict[int, Conversation]:
    c = conversations.c
    rows = connection.execute(select(c.id, c.gid, c.key).where(c.id.in_(ids)))
    return {id_: Conversation(id_, gid, None if gid is not None else pair_of(key)) for id_, gid, key in rows}


def _message_data(where: Conversation, message: Message) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(frames.message_frame(where, message))
    del data["type"]
    return data


# -- deliveries ----------------------------------------------------------------------------------------------------


def log_of(connection: Connection, webhook: int, before: int | None, limit: int) -> list[Delivery]:
    """The newest first; with `before` those older than that id."""
    query = _delivery.where(_d.webhook == webhook).order_by(_d.id.desc()).limit(limit)
    rows = connection.execute(query if before is None else query.where(_d.id < before))
    return [Delivery(*row) for row in rows]


def find_delivery(connection: Connection, webhook: int, id_: int) -> Delivery | None:
    row = connection.execute(_delivery.where(_d.id == id_, _d.webhook == webhook)).first()
    return Delivery(*row) if row else None


def note(connection: Connection, id_: int, **values: Any) -> None:
    """How a delivery stands now."""
    connection.execute(update(deliveries).where(_d.id == id_).values(**values))


def free(connection: Connection, now: int) -> list[tuple[int, int]]:
    """Webhooks with something due that no worker holds, each with its `held`."""
    return [(row.id, row.held) for row in connection.execute(_free, {"now": now})]


def due(connection: Connection, webhook: int, now: int, limit: int) -> list[Delivery]:
    return [Delivery(*row) for row in connection.execute(_first, {"which": webhook, "now": now, "count": limit})]


def hold(connection: Connection, webhook: int, before: int, until: int) -> bool:
    """Keep a webhook for oneself `until` then; False where somebody else was quicker, or it is disabled or gone."""
    return connection.execute(_hold.values(held=until), {"which": webhook, "before": before}).rowcount > 0


def forget(connection: Connection, before: int) -> bool:
    """Clear a portion of what was created before then, or is of removed webhooks; whether there may be more."""
    removed = connection.execute(select(_w.id).where(_w.disabled == REMOVED)).scalars().all()
    if _forget_portion(connection, _d.created < before):
        return True
    if removed and _forget_portion(connection, _d.webhook.in_(removed)):
        return True
    if removed:
        connection.execute(delete(webhooks).where(_w.id.in_(removed)))
    return False


def _forget_portion(connection: Connection, which: ColumnElement[bool]) -> bool:
    ids = connection.execute(select(_d.id).where(which).limit(PORTION)).scalars().all()
    if ids:
        connection.execute(delete(deliveries).where(_d.id.in_(ids)))
    return len(ids) == PORTION
