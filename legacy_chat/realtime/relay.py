"""The worker's end of the relay: other processes of this host hand over pushes and notices on a unix socket."""

from __future__ import annotations

import logging
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import gevent
from gevent.server import StreamServer

from ..backplane.relay import Answer, decode_request, encode_answer
from ..core.push import Errand, Pushed
from ..errors import BadShape, ChatError, Internal

log = logging.getLogger(__name__)

# A push to MOST_PEOPLE is under 1 MiB.
_MOST_BYTES = 4 << 20

# Seconds between two looks whether the address is still ours.
_LOOK = 1.0

# Seconds for a request to be complete, and those that are carried out at once.
_PATIENCE = 10.0
_AT_ONCE = 64

CarryOut = Callable[[Errand], Pushed]


class RelayServer:
    """Made and started in the worker process. A new worker takes the address over; the old one just ends."""

    def __init__(self, path: Path, carry_out: CarryOut, deliver: Callable[[Any], tuple[int, int]]):
        self._path = path
        self._carry_out = carry_out
        self._deliver = deliver
        self._server: StreamServer | None = None
        self._file = (0, 0)

    def start(self) -> None:
        self.stop()
        listener, self._file = _listen(self._path)
        self._server = StreamServer(listener, self._serve, spawn=_AT_ONCE)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(timeout=0)

    def look(self) -> float:
        """Take the address back where nobody listens there: a second server of this site, short-lived, may have
        taken it, or somebody removed the file. The seconds until the next look."""
        if _file(self._path) != self._file and not _answers(self._path):
            log.info("the socket for pushes from other processes, %s, is made again", self._path)
            self.start()
        return _LOOK

    def _serve(self, connection: Any, _address: Any) -> None:
        with suppress(OSError, gevent.Timeout):  # the asker is gone, and knows that it got no answer
            if not _is_ours(connection):
                return
            connection.sendall(encode_answer(self._answer(connection)))

    def _answer(self, connection: Any) -> Answer:
        try:
            with gevent.Timeout(_PATIENCE):
                raw = _read(connection)
            return Answer(pushed=self._run(raw))
        except ChatError as error:
            return Answer.failed(error)
        except Exception:
            log.exception("what another process handed over failed")
            return Answer.failed(Internal("Something went wrong in the chat worker; it is in the log."))

    def _run(self, raw: bytes) -> Pushed:
        request = decode_request(raw)
        if request.errand is not None:
            return self._carry_out(request.errand)
        return Pushed(*self._deliver(request.notice), 0)


def _listen(path: Path) -> tuple[Any, tuple[int, int]]:
    """The socket, and which file it is. Bound under another name and renamed: nobody ever finds it half made, nor
    open to others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = f"{path}.{os.getpid() % 1_000_000}"
    with suppress(FileNotFoundError):
        os.unlink(draft)
    listener = gevent.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(draft)
    os.chmod(draft, 0o600)
    listener.listen(128)
    listener.setblocking(False)
    file = _file(Path(draft))
    os.rename(draft, path)
    return listener, file


def _file(path: Path) -> tuple[int, int]:
    """Which file has this name."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return 0, 0
    return found.st_dev, found.st_ino


def _answers(path: Path) -> bool:
    """Whether some process listens there."""
    with gevent.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_LOOK)
        try:
            probe.connect(os.fspath(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:  # busy, or not for us
            return True
        return True


def _is_ours(connection: Any) -> bool:
    """The one who runs the site, or root."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", credentials)[1] in (os.getuid(), 0)


def _read(connection: Any) -> bytes:
    """Until the asker has said everything."""
    raw = bytearray()
    while data := connection.recv(65536):
        raw += data
        if len(raw) > _MOST_BYTES:
            raise BadShape(f"One request has at most {_MOST_BYTES} bytes.")
    return bytes(raw)
