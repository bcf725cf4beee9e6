"""What was asked and not answered yet: sent once to each connection, in time with the server's rate limit.

asked ─▶ paced ─▶ sent ─▶ ack ─────────────────────────▶ answered
          ▲        │ ├──▶ error, to be tried again ─┐
          ├────────┼─┼──────────────────────────────┘
          │        │ └──▶ any other error ─────────────▶ Refused
          └─ the connection broke (and it may be repeated)
                   └────▶ no answer in time ───────────▶ NotSent
"""

from __future__ import annotations

import uuid
from time import monotonic
from typing import Any

from ..core import frames
from ..core.limits import Rate, TokenBucket
from .errors import NotSent, Refused
from .life import Life
from .wire import Wire

# What may reach the server twice: messages, whose `id` makes it safe, and what changes nothing the second time.
_REPEATABLE = {"group", "pm", "join", "invite", "rooms", "history", "members", "read", "typing", "away", "ping"}
# The share of the server's rate limit that is used: a frame beyond it costs a round trip and counts as well.
SHARE = 0.9


class Request:
    """A frame on its way, of `size` bytes.

    `sent_on` is the connection that took it; `lost` if it may not be sent again, `given_up` if nobody waits any more.
    """

    def __init__(self, type: str, fields: dict[str, Any], id: str | None = None):
        self.id = id or uuid.uuid4().hex
        encoded = frames.encode({"type": type, "id": self.id, **fields})
        self.text, self.size = encoded.decode(), len(encoded)
        self.private = fields if type == "pm" else None
        self.repeatable = type in _REPEATABLE
        self.answer: frames.Ack | frames.Error | None = None
        self.lost = False
        self.given_up = False
        self.sent_on: Wire | None = None


class Requests:
    """Asked by any thread; told of connections and answers by the one that reads."""

    def __init__(self, life: Life):
        self._life = life
        self._waiting: dict[str, Request] = {}
        self._wire: Wire | None = None
        self._limit: int | None = None
        self._bucket = TokenBucket(Rate(0, 0), 0)

    def __len__(self) -> int:
        return len(self._waiting)

    # -- for whoever asks -----------------------------------------------------------------------------------

    def ask(self, request: Request, seconds: float) -> frames.Ack:
        """The answer. Raises `Refused`, `NotSent` or `Closed`."""
        ends = monotonic() + seconds
        self._add(request)
        try:
            while True:
                self._pace(ends)
                self._send(request)
                answer = self._wait(request, ends)
                if isinstance(answer, frames.Ack):
                    return answer
                self._wait_to_repeat(request, answer, ends)
        finally:
            with self._life.changed:
                request.given_up = True
                del self._waiting[request.id]

    def _add(self, request: Request) -> None:
        with self._life.changed:
            self._life.check()
            if self._limit is not None and request.size > self._limit:
                raise Refused("too_long", f"The frame has more than {self._limit} bytes.")
            if request.id in self._waiting:
                raise ValueError(f"a request with the id {request.id!r} is under way")
            self._waiting[request.id] = request
            self._life.changed.notify_all()  # a full inbox makes way

    def _pace(self, ends: float) -> None:
        """Wait until the next frame is within the server's rate limit; raises `Refused` if that is too late."""
        with self._life.changed:
            seconds = self._bucket.take(monotonic())
            if seconds and monotonic() + seconds >= ends:
                self._bucket.take(monotonic(), -1)
                raise Refused("rate_limited", "Too many frames wait already: slow down.", seconds)
        if seconds:
            self._life.rest(seconds)

    def _send(self, request: Request) -> None:
        """Hand the request to the connection of now, once; if there is none, the next one takes it."""
        with self._life.changed:
            wire = self._wire
            if wire is None or request.sent_on is wire:
                return
            request.sent_on = wire
        wire.send(request)

    def _wait(self, request: Request, ends: float) -> frames.Ack | frames.Error:
        self._life.wait(lambda: request.answer or request.lost, ends - monotonic())
        with self._life.changed:
            answer, request.answer = request.answer, None
            if answer is None:
                self._life.check()
                raise NotSent(request.id)
            return answer

    def _wait_to_repeat(self, request: Request, error: frames.Error, ends: float) -> None:
        """Until the server wants the request again; raises `Refused` if it does not, or not in time."""
        seconds = error.retry_after if isinstance(error.retry_after, int | float) else None
        if error.code not in ("rate_limited", "unavailable") or seconds is None or monotonic() + seconds >= ends:
            raise Refused(error.code, error.message, seconds)
        self._life.rest(seconds)
        with self._life.changed:
            request.sent_on = None

    # -- for the thread that reads --------------------------------------------------------------------------

    def greeted(self, limits: frames.Limits) -> None:
        per_second, burst = limits.rate
        with self._life.changed:
            self._limit = limits.message_bytes
            self._bucket = TokenBucket(Rate(per_second * SHARE, burst * SHARE), monotonic())

    def connected(self, wire: Wire) -> None:
        """Logged in: what waits is sent on this connection, in the order in which it was asked."""
        with self._life.changed:
            self._wire = wire
            waiting = list(self._waiting.values())
        for request in waiting:
            self._send(request)

    def disconnected(self) -> None:
        with self._life.changed:
            self._wire = None
            for request in self._waiting.values():
                request.lost = request.sent_on is not None and not request.repeatable
            self._life.changed.notify_all()

    def lose(self, request: Request) -> None:
        """It may have arrived, and may not be sent again."""
        with self._life.changed:
            request.lost = True
            self._life.changed.notify_all()

    def find(self, id: str) -> Request | None:
        return self._waiting.get(id)

    def settle(self, id: str, answer: frames.Ack | frames.Error) -> None:
        """Who asked may have gone by now."""
        with self._life.changed:
            if id in self._waiting:
                self._waiting[id].answer = answer
                self._life.changed.notify_all()
