"""`Idempotency-Key`: a request that is repeated is carried out once, and answered as it was.

The request is written down as begun before it is carried out, so of two at once, in whatever processes, one waits for
the other. One that failed is forgotten, since nothing was done. One that was cut off by the end of its process may
be begun again after a minute; its messages carry an id made of the key, so that even then none is stored twice.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from ..errors import InProgress, KeyReused
from ..storage import answers
from ..storage.answers import BEGUN, Kept
from ..storage.database import Connection
from .parts import Parts

# Milliseconds that an answer is kept, and after which a request that was begun is taken to have been cut off.
KEPT = 24 * 3_600_000
_CUT_OFF = 60_000

# Seconds to wait for the same request, and between two looks.
_WAIT = 10.0
_LOOK = 0.03


class Answers:
    def __init__(self, parts: Parts):
        self._parts = parts

    def once(
        self, key: int, request: str, digest: str, carry_out: Callable[[], tuple[int, str]]
    ) -> tuple[int, str, bool]:
        """Status and body, and whether they are those of an earlier request.

        Raises `KeyReused` where the first had another body, `InProgress` where it takes too long, and what
        `carry_out` raises.
        """
        kept = self._begin(key, request, digest)
        if kept:
            return kept.status, kept.body, True
        try:
            status, body = carry_out()
        except Exception:
            self._parts.writer.submit(lambda c: answers.drop(c, key, request), lambda _: None)
            raise
        self._parts.writer.call(lambda c: answers.keep(c, key, request, status, body))
        return status, body, False

    def _begin(self, key: int, request: str, digest: str) -> Kept | None:
        """The answer that was given; None where the caller is to find it."""
        ends = time.monotonic() + _WAIT
        while True:
            kept = self._parts.writer.call(lambda c: self._look(c, key, request, digest))
            if kept is None or kept.status != BEGUN:
                return kept
            if time.monotonic() >= ends:
                raise InProgress("The same request is still being carried out.", retry_after=1.0)
            time.sleep(_LOOK)

    def _look(self, connection: Connection, key: int, request: str, digest: str) -> Kept | None:
        now = self._parts.clock()
        answers.forget(connection, now - KEPT)
        kept = answers.find(connection, key, request)
        if kept is None:
            begun = answers.begin(connection, key, request, digest, now)
            return None if begun else Kept(digest, BEGUN, "", now)
        if kept.digest != digest:
            raise KeyReused("This Idempotency-Key was used for another request: choose a new one.")
        if kept.status == BEGUN and now - kept.ts > _CUT_OFF:
            return None if answers.restart(connection, key, request, kept.ts, now) else kept
        return kept


def request_id(key: int, request: str) -> str:
    """The id of the one message that a request stores."""
    return f"api:{key}:{hashlib.sha256(request.encode()).hexdigest()[:32]}"
