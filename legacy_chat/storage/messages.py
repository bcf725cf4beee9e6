"""The history: append with the next numbers, find repeats, read pages."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import msgspec
from sqlalchemy import and_, bindparam, select
from sqlalchemy.engine import Connection, Row

from ..core.model import Draft, Message
from . import webhooks
from .bulk import COLUMNS, bulk
from .tables import messages

_m = messages.c

_page = select(*COLUMNS).where(and_(_m.conversation == bindparam("which"), _m.seq > bindparam("low")))
_newest = _page.where(_m.seq < bindparam("high")).order_by(_m.seq.desc()).limit(bindparam("count"))
_oldest = _page.order_by(_m.seq).limit(bindparam("count"))

_same = select(_m.seq).where(and_(_m.uid == bindparam("who"), _m.request_id == bindparam("which")))

_row = attrgetter(*(column.name for column in COLUMNS))

_BEYOND = 2**63 - 1


def append(connection: Connection, drafts: Sequence[Draft]) -> list[Message]:
    """Store drafts in their order and give each the next number of its conversation.

    A draft whose (uid, request_id) is stored already is not stored again: its answer is the first message,
    marked `repeated`. Runs inside the caller's transaction, so numbers have no hole and commits are all or none.
    """
    known = _find_known(connection, drafts)
    heads = _read_heads(connection, drafts)
    answers, new = [], []
    for draft in drafts:
        identity = (draft.uid, draft.request_id)
        message = known.get(identity)
        if message is None:
            message = _number(draft, heads)
            new.append(message)
            if draft.request_id is not None:
                known[identity] = msgspec.structs.replace(message, repeated=True)
        answers.append(message)
    if new:
        _store(connection, new)
    return answers


def _store(connection: Connection, new: list[Message]) -> None:
    """Insert, and move the conversations' heads and the speakers' read markers to the last of them."""
    heads = {m.conversation: (m.conversation, m.seq, m.ts) for m in new}
    speakers = {(m.conversation, m.uid): (m.conversation, m.uid, m.seq) for m in new}
    way = bulk(connection)
    way.insert(connection, [_row(message) for message in new])
    way.advance(connection, list(heads.values()))
    way.catch_up(connection, list(speakers.values()))
    webhooks.record_messages(connection, new)


def _number(draft: Draft, heads: dict[int, int]) -> Message:
    heads[draft.conversation] = seq = heads[draft.conversation] + 1
    return Message(
        draft.conversation, seq, draft.uid, draft.name, draft.content, draft.ts, draft.request_id
    )  # fmt: skip


def _find_known(connection: Connection, drafts: Sequence[Draft]) -> dict[tuple[str, str | None], Message]:
    pairs = [(draft.uid, draft.request_id) for draft in drafts if draft.request_id is not None]
    if not pairs:
        return {}
    rows = bulk(connection).known(connection, pairs)
    found = [msgspec.structs.replace(Message(*row), repeated=True) for row in rows]
    return {(message.uid, message.request_id): message for message in found}


def _read_heads(connection: Connection, drafts: Sequence[Draft]) -> dict[int, int]:
    ids = sorted({draft.conversation for draft in drafts})
    return {id_: seq for id_, seq in bulk(connection).heads(connection, ids)}  # noqa: C416 - rows are no pairs


def is_stored(connection: Connection, uid: str, request_id: str) -> bool:
    """Whether this person said something under this id."""
    return connection.execute(_same, {"who": uid, "which": request_id}).first() is not None


def page(
    connection: Connection, conversation: int, before: int | None, after: int | None, limit: int
) -> tuple[list[Message], bool]:
    """Up to `limit` messages in ascending order, and whether there are more in that direction.

    The newest ones; with `before` the newest older than that number; with `after` the oldest newer than it.
    """
    if after is not None:
        rows = _rows(connection, _oldest, which=conversation, low=after, count=limit + 1)
        return _messages(rows[:limit]), len(rows) > limit
    high = _BEYOND if before is None else before
    rows = _rows(connection, _newest, which=conversation, low=0, high=high, count=limit + 1)
    return _messages(rows[limit - 1 :: -1] if len(rows) > limit else rows[::-1]), len(rows) > limit


def _rows(connection: Connection, query: object, **values: int) -> list[Row]:
    return list(connection.execute(query, values))  # type: ignore[call-overload]


def _messages(rows: Sequence[Row]) -> list[Message]:
    return [Message(*row) for row in rows]


def since(connection: Connection, conversation: int, seq: int) -> list[Message]:
    """Every message after `seq`, in order."""
    return _messages(_rows(connection, _oldest, which=conversation, low=seq, count=_BEYOND))
