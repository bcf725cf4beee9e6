"""Sends what webhooks wait for: a look about once a second, a greenlet for each webhook that has something due.

A webhook's deliveries go one after the other in their order; one that fails is tried again later and lets the others
pass. A receiver that fails several times in a row rests, so that one that is down costs a try a minute.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from time import monotonic

from gevent.pool import Pool

from ..actions.parts import Parts
from ..actions.webhooks import Hold, Webhooks, check_installed
from ..core.webhooks import pause
from ..errors import ChatError

try:
    from . import post
except ImportError:  # `check_installed` says what is missing when there is something to send
    post = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

_LOOK = 1.0  # seconds between two looks
_AT_ONCE = 8  # webhooks that are sent to at one moment
_TURN = 10.0  # seconds after which a webhook with much to send lets others have its place
_FORGET = 600.0  # seconds between two clearings of the log


class Sender:
    def __init__(self, parts: Parts, webhooks: Webhooks, over: Callable[[], bool]):
        self._parts = parts
        self._webhooks = webhooks
        self._over = over
        self._greenlets = Pool(_AT_ONCE)
        self._sending: set[int] = set()
        self._served: dict[int, float] = {}  # when each webhook last had its turn
        self._failures: dict[int, int] = {}  # of each receiver, in a row
        self._rests: dict[int, float] = {}  # until when
        self._forget_at = 0.0
        self._tls: ssl.SSLContext | None = None

    def run(self) -> float:
        """Begin to send what is due; the seconds until the next look. Raises `Unavailable`."""
        self._forget(monotonic())
        free = self._webhooks.free()
        if free:
            check_installed()
        for id_, held in sorted(free, key=lambda item: self._served.get(item[0], 0.0)):
            if self._greenlets.full():
                break
            if id_ not in self._sending and monotonic() >= self._rests.get(id_, 0.0):
                self._sending.add(id_)
                self._greenlets.spawn(self._send_for, id_, held)
        return _LOOK

    def _forget(self, now: float) -> None:
        """A portion a look, so that messages do not wait for it."""
        if now >= self._forget_at and not self._webhooks.forget():
            self._forget_at = now + _FORGET

    def _send_for(self, id_: int, held: int) -> None:
        self._served[id_] = monotonic()
        try:
            hold = self._webhooks.hold(id_, held)
            if hold:
                self._send_all(hold)
        except ChatError:
            pass  # the store does not answer, as its log says; it is sent again when the hold is over
        except Exception:
            log.exception("webhook %d cannot be sent", id_)
        finally:
            self._sending.discard(id_)

    def _send_all(self, hold: Hold) -> None:
        s = self._parts.settings
        receiver = post.Receiver(hold.webhook, s.webhook_seconds, s.webhook_private, self._context)
        ends = monotonic() + _TURN
        try:
            while self._send_some(hold, receiver, ends):
                pass
        finally:
            receiver.close()
            self._webhooks.release(hold)

    def _send_some(self, hold: Hold, receiver: post.Receiver, ends: float) -> bool:
        """The deliveries that were due at one moment; whether to go on."""
        deliveries = self._webhooks.due(hold)
        for delivery in deliveries:
            if self._over() or monotonic() >= ends:
                return False
            outcome = receiver.send(delivery, self._parts.clock())
            if not self._webhooks.settle(hold, delivery, outcome):
                return False
            self._note(hold.webhook.id, outcome.taken)
            if not outcome.taken:
                return False
        return bool(deliveries)

    def _note(self, id_: int, taken: bool) -> None:
        """A receiver that fails rests a little; that its deliveries wait longer is another matter."""
        self._failures[id_] = 0 if taken else self._failures.get(id_, 0) + 1
        self._rests[id_] = monotonic() + pause(self._failures[id_], self._parts.settings.webhook_retry_seconds)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = self._parts.offload.call(post.tls)
        return self._tls
