"""The stand-alone site with two more pages, for gunicorn, in tests only.

`/faults/queries` tells how many statements this worker has sent to SQLite, counted by SQLite's own trace, so that
nothing goes by unseen; `/faults/disconnect/<uid>` is a host site that ends somebody's sessions.
"""

from __future__ import annotations

import re
from collections import Counter

from sqlalchemy import event

from legacy_chat import Chat
from legacy_chat.site import create_app

_QUERY = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|REPLACE)\b", re.I)

counted: Counter[str] = Counter()


def _count(statement: str) -> None:
    query = _QUERY.match(statement)
    counted[query[1].lower() if query else "other"] += 1


app = create_app()
_state = app.extensions["legacy_chat"]


@event.listens_for(_state.database.engine, "connect")
def _trace(connection, _record) -> None:
    connection.set_trace_callback(_count)


@app.get("/faults/queries")
def queries() -> dict[str, int]:
    return dict(counted)


@app.get("/faults/disconnect/<uid>")
def disconnect(uid: str) -> str:
    Chat().disconnect(uid)
    return "done"
