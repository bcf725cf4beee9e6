"""A socket that was let in: the number it is known by, whose it is, and what the log says of it at the end."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING

from ..core.model import Member
from ..core.session import Session
from .transport import Transport
from .websocket import Limits, WebSocket

if TYPE_CHECKING:
    from .worker import Worker

# Anybody may open sockets without logging in: `logs` lets only so many lines of theirs pass.
_log_of_people, _log_of_nobody = logging.getLogger("legacy_chat.sockets"), logging.getLogger("legacy_chat.nobody")


class Admitted(WebSocket):
    __slots__ = ("_began", "_worker", "address", "client_id", "session")

    def __init__(
        self,
        worker: Worker,
        transport: Transport,
        limits: Limits,
        client_id: int,
        member: Member | None,
        address: str | None,
        login_seconds: float | None = None,
    ):
        super().__init__(worker, transport, limits)
        self.client_id = client_id
        self.address = address
        self._worker = worker
        self._began = monotonic()
        self.session = Session(member, None if login_seconds is None else self._began + login_seconds)

    def left(self, code: int) -> None:
        member = self.session.member
        fields = {
            "client_id": self.client_id,
            "uid": member.uid if member else "nobody",
            "transport": self.transport,
            "seconds": round(monotonic() - self._began, 1),
            "frames_in": self.frames_in,
            "frames_out": self.frames_out,
            "code": code,
        }
        log = _log_of_people if member else _log_of_nobody
        line = "socket %d of %s over %s: %.1f s, %d frames in, %d out, closed %d"
        log.info(line, *fields.values(), extra={**fields, "address": self.address})
