"""Where the chat's own log lines go and how they look. What the site logs, and how, is never touched.

As text, the lines go where gunicorn's go, unless the site has set up logging of its own. As JSON (CHAT_LOG_FORMAT=json)
each is an object on a line of its own, in the same place: `ts`, `level`, `logger`, `pid`, `message`, and those of
`FIELDS` that its writer gave with `extra`. Only these, so that nothing gets into a log that was not meant for it.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from time import monotonic
from typing import IO

from .core.limits import Rate, TokenBucket

TEXT, JSON = "text", "json"

FIELDS = (
    *("client_id", "uid", "transport", "address", "origin", "seconds", "frames_in", "frames_out", "code"),
    *("status", "reason", "by", "sockets", "jobs", "webhook", "event", "type", "error"),
)

# Loggers whose lines anybody outside may cause, or an outage, and what passes: a second, and at once.
SPARING = (
    "legacy_chat.refusals",
    "legacy_chat.nobody",
    "legacy_chat.actions.requests",
    "legacy_chat.storage.database",
    "legacy_chat.storage.writer",
    "legacy_chat.web.health",
)
_RATE = Rate(2, 20)


def set_up(format: str) -> None:
    """For the process; asked for again (a second app) it changes nothing."""
    ours = logging.getLogger("legacy_chat")
    for name in SPARING:
        logger = logging.getLogger(name)
        if not any(isinstance(given, Sparing) for given in logger.filters):
            logger.addFilter(Sparing())
    if format == JSON:
        _log_as_json(ours)
    elif not ours.hasHandlers() and logging.getLogger("gunicorn.error").handlers:
        ours.parent = logging.getLogger("gunicorn.error")
        ours.setLevel(logging.INFO)


def _log_as_json(ours: logging.Logger) -> None:
    if not any(isinstance(handler, JSONHandler) for handler in ours.handlers):
        ours.addHandler(JSONHandler())
    ours.propagate = False
    ours.setLevel(logging.INFO)


class JSONHandler(logging.StreamHandler):
    """Writes to gunicorn's error log: its file, which it may have opened anew, or stderr."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(JSONFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = _stream()
        super().emit(record)


def _stream() -> IO[str]:
    for handler in logging.getLogger("gunicorn.error").handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is not None:
            stream: IO[str] = handler.stream
            return stream
    return sys.stderr


class JSONFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        line = {
            "ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        given = vars(record)
        line |= {name: given[name] for name in FIELDS if given.get(name) is not None}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class Sparing(logging.Filter):
    """Lets some lines pass and tells, with the next that does, how many did not."""

    def __init__(self) -> None:
        super().__init__()
        self._bucket = TokenBucket(_RATE, monotonic())
        self._held_back = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if self._bucket.ask(monotonic()):
            self._held_back += 1
            return False
        if self._held_back:
            record.msg = f"{record.msg} ({self._held_back} lines before this one were not written)"
            self._held_back = 0
        return True
