"""Close codes: what each tells the other side (RFC 6455 §7.4.1, and 4400–4499 of our own)."""

from __future__ import annotations

DONE = 1000
GOING_AWAY = 1001
PROTOCOL_ERROR = 1002
UNSUPPORTED_DATA = 1003
NO_STATUS = 1005
ABNORMAL = 1006
INVALID_TEXT = 1007
POLICY = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011
RESTART = 1012
FULL = 1013
DISMISSED = 4400
NOT_LOGGED_IN = 4401
FORBIDDEN = 4403
TOO_SLOW = 4408
FLOOD = 4429
SESSION_ENDED = 4440


def is_final(code: int) -> bool:
    """Whether a client must not reconnect by itself after this code."""
    return 4400 <= code <= 4407 or 4440 <= code <= 4499
