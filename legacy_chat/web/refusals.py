"""Whoever is turned away at a door is counted, and has a line in the log unless there are too many of them."""

from __future__ import annotations

import logging
from typing import Any

from ..core.metrics import REFUSALS, Counts

# A logger of its own: `logs` lets only so many of its lines pass.
log = logging.getLogger("legacy_chat.refusals")

# Where nobody said more than the HTTP status does.
_REASONS = {
    **dict.fromkeys((400, 405, 411, 413, 415, 422), "bad_request"),
    **{401: "bad_token", 403: "origin", 404: "not_found", 426: "not_websocket", 501: "unsupported"},
}

_LONGEST = 100


def reason_of(status: int) -> str:
    return _REASONS.get(status, "other")


def note(counts: Counts, environ: dict[str, Any], transport: str, status: int, reason: str = "") -> None:
    """`reason` is one word for operators. What the client sent is shown as far as nothing secret can be in it."""
    reason = reason or reason_of(status)
    counts[REFUSALS[reason]] += 1
    address, origin = environ.get("REMOTE_ADDR") or "-", environ.get("HTTP_ORIGIN", "-")[:_LONGEST]
    fields = {"transport": transport, "status": status, "reason": reason, "address": address, "origin": origin}
    log.info("%s refused: %d %s, from %s, origin %r", transport, status, reason, address, origin, extra=fields)
