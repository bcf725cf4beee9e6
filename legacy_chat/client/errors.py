"""What the client raises.

ClientError
├── Refused        the server said no: `code`, `message`, `retry_after`
├── NotSent        no answer in time; sending the same `id` again is safe
├── NotConnected   no login yet
└── Closed         the end: `close()`, or a close code that says not to come back
"""

from __future__ import annotations


class ClientError(Exception):
    """What can go wrong here."""


class Refused(ClientError):
    """The server did not carry the request out; `code` is a word of the protocol."""

    def __init__(self, code: str, message: str, retry_after: float | None = None):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.retry_after = code, message, retry_after


class NotSent(ClientError):
    """No answer came in time. Whether it arrived is open; a message may be sent again with the same `id`."""

    def __init__(self, id: str):
        super().__init__(f"no answer to {id!r} in time")
        self.id = id


class NotConnected(ClientError):
    """There was no login yet."""


class Closed(ClientError):
    """No connection will come any more; `code` is a close code, 1000 after `close()`."""

    def __init__(self, code: int, reason: str = ""):
        super().__init__(f"{code} {reason}".strip())
        self.code, self.reason = code, reason
