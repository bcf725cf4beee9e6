"""From the other processes of a host (threaded workers, Celery, cron, the shell) to the chat worker: a unix socket.

One request in JSON for each connection, one answer. The socket belongs to the user who runs the site and nobody else
may open it.
"""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from pathlib import Path
from typing import cast

import msgspec

from .. import errors
from ..core.push import Errand, Pushed
from ..errors import BadShape, ChatError, Unavailable
from .contract import Disconnect, Notice, Posted, Reach, Subscribe, ToAll, ToAudience, ToPeople, ToRoom, Unsubscribe

# A unix socket's path is at most 107 bytes; a few are left for the name under which it is made.
_LONGEST_PATH = 100

# Seconds for the worker to answer: a push to thousands of people is stored meanwhile, a notice is only handed on.
_PATIENCE = 30.0
_NOTICE_PATIENCE = 5.0

_GONE = "The chat worker went away before it answered."

Told = ToRoom | ToPeople | ToAudience | ToAll | Posted | Subscribe | Unsubscribe | Disconnect


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """Carry out an errand, or tell a notice."""

    errand: Errand | None = None
    notice: Told | None = None


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far it went, or the error that it ended with."""

    pushed: Pushed | None = None
    error: str | None = None
    message: str = ""
    retry_after: float | None = None

    @classmethod
    def failed(cls, error: ChatError) -> Answer:
        return cls(error=error.code, message=error.message, retry_after=error.retry_after)


_encode_request = msgspec.json.Encoder().encode
_decode_request = msgspec.json.Decoder(Request).decode
_decode_answer = msgspec.json.Decoder(Answer).decode


def decode_request(raw: bytes) -> Request:
    """What was handed over. Raises `BadShape`."""
    try:
        request = _decode_request(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadShape(f"The request cannot be read: {error}.") from None
    if (request.errand is None) == (request.notice is None):
        raise BadShape("Hand over either an errand or a notice.")
    return request


def encode_answer(answer: Answer) -> bytes:
    return msgspec.json.encode(answer)


def socket_path(folder: str) -> Path:
    """Where the worker of the site with this instance folder listens."""
    path = Path(folder) / "chat.sock"
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"legacy_chat-{digest}.sock"


class Relay:
    def __init__(self, folder: str):
        self._folder = folder
        self.path = socket_path(folder)

    def hand_over(self, errand: Errand) -> Pushed | None:
        """Let the worker carry it out; None where no worker listens. Raises what the worker raised."""
        try:
            return self._ask(Request(errand))
        except ConnectionError:
            if not errand.repeatable:
                raise Unavailable(_GONE, retry_after=1.0) from None
        # It may be stored or not.
        try:
            return self._ask(Request(errand))
        except ConnectionError:
            return None

    def tell(self, notice: Notice) -> Reach | None:
        """Let the worker hand a notice on; None where no worker listens."""
        try:
            pushed = self._ask(Request(notice=cast(Told, notice)))
        except ConnectionError:
            return None
        return None if pushed is None else Reach(pushed.users, pushed.connections)

    def _ask(self, request: Request) -> Pushed | None:
        """Raises `ConnectionError` where the worker took it and did not answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_PATIENCE if request.errand else _NOTICE_PATIENCE)
            if not self._connect(connection):
                return None
            raw = _exchange(connection, _encode_request(request))
        answer = _decode_answer(raw)
        if answer.error is not None:
            raise _error(answer)
        return answer.pushed or Pushed(0, 0, 0)

    def _connect(self, connection: socket.socket) -> bool:
        try:
            if not self._is_ours():
                return False
            connection.connect(os.fspath(self.path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError as error:
            raise Unavailable(f"The chat worker's socket {self.path} cannot be opened: {error}.") from None
        return True

    def _is_ours(self) -> bool:
        """In the folder for temporary files anybody may put a socket of that name."""
        if self.path.parent == Path(self._folder):
            return True
        return _owner(self.path) in (os.getuid(), _owner(self._folder))


def _owner(path: str | Path) -> int:
    return os.stat(path).st_uid


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    try:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        raw = b"".join(iter(lambda: connection.recv(65536), b""))
    except OSError as error:
        raise ConnectionError(_GONE) from error
    if not raw:
        raise ConnectionError(_GONE)
    return raw


def _error(answer: Answer) -> ChatError:
    """The error as the worker raised it."""
    kinds = {kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    kind: type[ChatError] = kinds.get(answer.error or "", ChatError)
    return kind(answer.message, answer.retry_after)
