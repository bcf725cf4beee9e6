"""Every error that legacy_chat raises or sends.

    ChatError                      code           HTTP  meaning for the other side
    ├── BadFrame                                        mend the frame, the connection lives
    │   ├── BadJSON                bad_json       400
    │   ├── BadShape               bad_frame      422
    │   └── UnknownType            unknown_type   422
    ├── Refused                                         the frame was understood and not carried out
    │   ├── NotLoggedIn            not_logged_in  401
    │   ├── BadToken               bad_token      401
    │   ├── BadCursor              bad_cursor     400   of a poll: log in again
    │   ├── Forbidden              forbidden      403
    │   ├── NotMember              not_member     403
    │   ├── UnknownRoom            unknown_room   404
    │   ├── UnknownEvent           unknown_event  404
    │   ├── Exists                 exists         409
    │   ├── Empty                  empty          422
    │   ├── TooLong                too_long       422
    │   ├── BadText                bad_text       422
    │   ├── BadKey                 bad_key        401   of the HTTP API, as the next five
    │   ├── NotFound               not_found      404
    │   ├── InProgress             in_progress    409   the same request is being carried out; ask again
    │   ├── TooLarge               too_large      413
    │   ├── BadRequest             bad_request    422
    │   ├── KeyReused              key_reused     422
    │   └── RateLimited            rate_limited   429   try again after `retry_after` seconds
    ├── Unavailable                unavailable    503   nothing was stored; try again after `retry_after`
    └── Internal                   internal       500   our fault; it is in the log
    SettingsError                                       the site is configured wrongly; raised at start

`code` is part of the protocol and never changes; `message` is for people.
"""

from __future__ import annotations

import math

_WORDLESS = "This was refused."


class ChatError(Exception):
    """Something that the other side is told: `code`, `message` and, at times, `retry_after` seconds.

    `reason` is a word for the site's operators, where there are several for one code.
    """

    code = "internal"
    status = 500

    def __init__(self, message: str = "", retry_after: float | None = None, reason: str = ""):
        message = message or _WORDLESS  # people are never shown an empty box
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.reason = reason or self.code


class BadFrame(ChatError):
    """The frame cannot be read. `request_id` is its `id`, where that much could be read."""

    code, status = "bad_frame", 422
    request_id: str | None = None


class BadJSON(BadFrame):
    code, status = "bad_json", 400


class BadShape(BadFrame):
    code, status = "bad_frame", 422


class UnknownType(BadFrame):
    code, status = "unknown_type", 422


class Refused(ChatError):
    code, status = "forbidden", 403


class NotLoggedIn(Refused):
    code, status = "not_logged_in", 401


class BadToken(Refused):
    code, status = "bad_token", 401


class BadCursor(Refused):
    code, status = "bad_cursor", 400


class Forbidden(Refused):
    code, status = "forbidden", 403


class NotMember(Refused):
    code, status = "not_member", 403


class UnknownRoom(Refused):
    code, status = "unknown_room", 404


class UnknownEvent(Refused):
    code, status = "unknown_event", 404


class Exists(Refused):
    code, status = "exists", 409


class Empty(Refused):
    code, status = "empty", 422


class TooLong(Refused):
    code, status = "too_long", 422


class BadText(Refused):
    code, status = "bad_text", 422


class BadKey(Refused):
    code, status = "bad_key", 401


class NotFound(Refused):
    code, status = "not_found", 404


class InProgress(Refused):
    code, status = "in_progress", 409


class TooLarge(Refused):
    code, status = "too_large", 413


class BadRequest(Refused):
    code, status = "bad_request", 422


class KeyReused(Refused):
    code, status = "key_reused", 422


class RateLimited(Refused):
    code, status = "rate_limited", 429


class Unavailable(ChatError):
    code, status = "unavailable", 503


class Internal(ChatError):
    code, status = "internal", 500


class SettingsError(Exception):
    """All mistakes of the configuration, one a line."""


def whole_seconds(seconds: float) -> str:
    """For `Retry-After`, which knows no parts of a second (RFC 9110 §10.2.3): who comes too early is refused again."""
    return str(max(1, math.ceil(seconds)))
