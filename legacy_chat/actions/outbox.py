"""Messages that follow the site's own transaction: out after its commit, once, and never after its rollback."""

from __future__ import annotations

import itertools
import logging
import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from ..core.push import Errand
from ..errors import ChatError, Internal, Unavailable
from ..storage import outbox
from ..storage.outbox import Row, SiteDatabase
from .parts import Parts
from .push import Pushes

log = logging.getLogger(__name__)

# Seconds between two looks for what a process committed and did not live to deliver.
_LOOK = 3.0

_count = itertools.count()
_decode = msgspec.json.Decoder(Errand).decode


class Outbox:
    """`find_database` answers None where the site has told of none."""

    def __init__(self, parts: Parts, pushes: Pushes, find_database: Callable[[], SiteDatabase | None]):
        self._parts = parts
        self._pushes = pushes
        self._find_database = find_database

    def post(self, session: Any, gid: str, content: str, uid: str, name: str | None = None) -> None:
        """A message to a room that goes out when `session` is committed. Raises as `Pushes.post`."""
        now = self._parts.clock()
        id_ = _next_id(now)
        # Read right here: a switch to another greenlet would leave it waiting for what this transaction has locked.
        errand = self._pushes.errand(gid, content, uid, name, f"outbox:{id_}", read=self._parts.database.read)
        row = Row(id_, msgspec.json.encode(errand).decode())
        outbox.add(session, row, now, self._find_database(), self._ended)

    def _ended(self, ids: list[str]) -> None:
        """In the site's commit or rollback, which nothing here may break: what fails is found by `sweep`."""
        database = self._find_database()
        if database is None:
            return
        try:
            self._deliver(database, self._parts.offload.call(lambda: database.find(ids)))
        except Exception as error:
            log.warning("a commit's messages are not out yet, the chat worker will find them: %s", error)

    def sweep(self) -> float:
        """Deliver what was left; the seconds until the next look."""
        database = self._find_database()
        if database is not None:
            self._deliver(database, self._parts.offload.call(database.oldest))
        return _LOOK

    def _deliver(self, database: SiteDatabase, rows: list[Row]) -> None:
        """The request id makes sure that what was stored before a crash is not stored again."""
        done = [row.id for row in rows if self._run(row)]
        if done:
            self._parts.offload.call(lambda: database.remove(done))

    def _run(self, row: Row) -> bool:
        """Whether it is done with. One that fails for another reason than its own stays, and holds up no other."""
        try:
            self._pushes.run(_decode(row.push))
        except Unavailable:
            raise
        except (Internal, msgspec.MsgspecError) as error:
            log.error("the message %s of the site's outbox waits: %s", row.id, error)
            return False
        except ChatError as error:  # such as a room that is gone meanwhile
            log.error("the message %s of the site's outbox was not delivered: %s", row.id, error.message)
        return True


def _next_id(now: int) -> str:
    """Unlike any other, and behind those that this process gave before."""
    return f"{now:012x}{next(_count) & 0xFFFF:04x}{secrets.token_hex(4)}"
