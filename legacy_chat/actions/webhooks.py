"""Webhooks of the site: who is told of what, and the bookkeeping of what was sent.

Sending itself is `realtime.webhooks`: it holds a webhook, so that one worker at a time sends its deliveries in their
order, and notes each outcome before the next. Whatever dies in between, a delivery is sent again with the same id, so
a receiver that remembers ids takes each event once.
"""

from __future__ import annotations

import builtins
import logging
import random
import secrets
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from ..core.metrics import WEBHOOKS
from ..core.webhooks import (
    DONE,
    FAILED,
    WAITING,
    Delivery,
    Outcome,
    Webhook,
    check_events,
    check_secret,
    check_url,
    make_secret,
    next_try,
)
from ..errors import NotFound, Unavailable
from ..storage import webhooks
from ..storage.database import Connection
from .parts import Parts

log = logging.getLogger(__name__)

# Deliveries read at once; more are read when these are sent.
_TOGETHER = 20

# Milliseconds by which a webhook is held longer than one try may take.
_SLACK = 5_000

_DAY = 86_400_000

# How a try ended, by how the delivery stands after it.
_OUTCOMES = {DONE: "taken", WAITING: "again", FAILED: "given_up"}

_STOPPED = "Stopped by the site."
_GONE = "The receiver answered 410: it wants nothing more."


class Webhooks:
    def __init__(self, parts: Parts):
        self._parts = parts
        self._settings = parts.settings

    # -- what the site does -----------------------------------------------------------------------------------

    def create(self, url: str, events: Sequence[str], secret: str | None = None) -> Webhook:
        """Send events of these types to `url`, signed with `secret` (made up where none is given).

        Raises `BadRequest`; `Unavailable` where what sends them is not installed.
        """
        check_installed()
        url, wanted = self._check_url(url), check_events(events)
        secret = make_secret(secrets.token_bytes(32)) if secret is None else check_secret(secret)
        return self._parts.writer.call(lambda c: webhooks.add(c, url, wanted, secret, self._parts.clock()))

    def list(self) -> builtins.list[Webhook]:
        """The oldest first."""
        return self._parts.read(webhooks.listed)

    def get(self, id: int) -> Webhook:
        """Raises `NotFound`."""
        return _there(self._parts.read(lambda c: webhooks.find(c, id)), id)

    def update(
        self, id: int, url: str | None = None, events: Sequence[str] | None = None, enabled: bool | None = None
    ) -> Webhook:
        """Change what is given. One that is enabled again sends what waits. Raises `NotFound` or `BadRequest`."""
        values: dict[str, Any] = {}
        if url is not None:
            values["url"] = self._check_url(url)
        if events is not None:
            values["events"] = check_events(events)
        if enabled is not None:
            values["disabled"] = None if enabled else _STOPPED
        return _there(self._parts.writer.call(lambda c: webhooks.change(c, id, **values)), id)

    def delete(self, id: int) -> None:
        """Send nothing more. Raises `NotFound`."""
        if not self._parts.writer.call(lambda c: webhooks.remove(c, id)):
            raise _no_webhook(id)

    def deliveries(self, id: int, before: int | None = None, limit: int = 50) -> builtins.list[Delivery]:
        """What was sent and what waits, the newest first; with `before` only older ones. Raises `NotFound`."""
        self.get(id)
        return self._parts.read(lambda c: webhooks.log_of(c, id, before, limit))

    def resend(self, id: int, delivery: int) -> Delivery:
        """Send it once more, under the same event id, and again as often as a new one. Raises `NotFound`."""

        def job(connection: Connection) -> Delivery | None:
            if webhooks.find(connection, id) and webhooks.find_delivery(connection, id, delivery):
                webhooks.note(connection, delivery, status=WAITING, attempts=0, due=self._parts.clock())
                return webhooks.find_delivery(connection, id, delivery)
            return None

        again = self._parts.writer.call(job)
        if again is None:
            raise NotFound(f"There is no delivery {delivery} of webhook {id}.")
        return again

    def record(self, connection: Connection, type: str, data: Any, ts: int) -> None:
        """An event, inside the caller's transaction; nothing where no webhook wants it."""
        webhooks.record(connection, type, data, ts)

    def _check_url(self, url: str) -> str:
        return check_url(url, self._settings.webhook_private)

    # -- what the sender does ---------------------------------------------------------------------------------

    def free(self) -> builtins.list[tuple[int, int]]:
        """Webhooks with something due that nobody sends, for `hold`."""
        now = self._parts.clock()
        return self._parts.read(lambda c: webhooks.free(c, now))

    def hold(self, id: int, held: int) -> Hold | None:
        """Be the one who sends for this webhook; None where somebody else is."""
        until = self._until()

        def job(connection: Connection) -> Webhook | None:
            return webhooks.find(connection, id) if webhooks.hold(connection, id, held, until) else None

        webhook = self._parts.writer.call(job)
        return Hold(webhook, until) if webhook else None

    def due(self, hold: Hold) -> builtins.list[Delivery]:
        """The next deliveries, in their order."""
        now = self._parts.clock()
        return self._parts.read(lambda c: webhooks.due(c, hold.webhook.id, now, _TOGETHER))

    def settle(self, hold: Hold, delivery: Delivery, outcome: Outcome) -> bool:
        """Note how a try ended and hold on for the next; False where there is to be none."""
        until = self._until(hold.until)
        values = self._values(delivery, outcome)

        def job(connection: Connection) -> bool:
            webhooks.note(connection, delivery.id, **values)
            if outcome.gone:
                webhooks.change(connection, delivery.webhook, disabled=_GONE)
            return webhooks.hold(connection, delivery.webhook, hold.until, until)

        held = self._parts.writer.call(job)
        hold.until = until
        self._parts.counts[WEBHOOKS[_OUTCOMES[values["status"]]]] += 1
        _tell(delivery, outcome, values["due"], self._parts.clock())
        return held

    def release(self, hold: Hold) -> None:
        self._parts.writer.call(lambda c: webhooks.hold(c, hold.webhook.id, hold.until, 0))

    def forget(self) -> bool:
        """Clear a portion of the old log; whether there may be more."""
        before = self._parts.clock() - self._settings.webhook_log_days * _DAY
        return self._parts.writer.call(lambda c: webhooks.forget(c, before))

    def _until(self, before: int = 0) -> int:
        """A little longer than a try takes; never twice the same, so that it names who holds."""
        wanted = self._parts.clock() + round(self._settings.webhook_seconds * 1000) + _SLACK
        return max(wanted, before + 1)

    def _values(self, delivery: Delivery, outcome: Outcome) -> dict[str, Any]:
        attempts = delivery.attempts + 1
        values = {"attempts": attempts, "code": outcome.code, "error": outcome.error}
        wait = None
        if not (outcome.taken or outcome.gone):
            wait = next_try(attempts, self._settings.webhook_retry_seconds, random.random())  # noqa: S311 - no secret
        if wait is not None:
            return {**values, "status": WAITING, "due": self._parts.clock() + wait}
        return {**values, "status": DONE if outcome.taken else FAILED, "due": None}


class Hold:
    """A webhook that this worker sends for, `until` then."""

    def __init__(self, webhook: Webhook, until: int):
        self.webhook = webhook
        self.until = until


def check_installed() -> None:
    """Raises `Unavailable` where the libraries that sign and send are missing."""
    missing = [name for name in ("standardwebhooks", "urllib3") if find_spec(name) is None]
    if missing:
        raise Unavailable(f'Webhooks need {" and ".join(missing)}: pip install "legacy_chat[webhooks]"')


def _tell(delivery: Delivery, outcome: Outcome, due: int | None, now: int) -> None:
    """Neither address nor secret stands in the log."""
    if outcome.taken:
        return
    then = "given up" if due is None else f"again in {(due - now) / 1000:.0f} s"
    what = outcome.error or f"HTTP {outcome.code}"
    fields = {"webhook": delivery.webhook, "type": delivery.type, "event": delivery.event, "error": what}
    log.warning("webhook %d: %s %s: %s, %s", *fields.values(), then, extra=fields)


def _there(webhook: Webhook | None, id: int) -> Webhook:
    if webhook is None:
        raise _no_webhook(id)
    return webhook


def _no_webhook(id: int) -> NotFound:
    return NotFound(f"There is no webhook {id}.")
