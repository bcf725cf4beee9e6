"""A session over a WebSocket."""

from __future__ import annotations

import socket
import threading
from inspect import signature
from time import monotonic
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from ..core import close, frames
from .cord import Cord
from .requests import Request
from .wire import Ended, How, code_of, seconds_of

# Silence after which the server is asked for a sign of life; twice that long and the connection counts as dead.
QUIET_SECONDS = 10.0
# The server speaks first: where nothing comes, something in between lets no frames pass.
HELLO_SECONDS = 4.0
_CLOSE_SECONDS, _LOOK_SECONDS = 1.0, 0.01
_MOST_WORDS = 400
_TLS = "ssl" if "ssl" in signature(connect).parameters else "ssl_context"  # before websockets 13
# A page of history may hold 100 long messages; the library's own limit of 1 MiB is below that.
_FRAME_BYTES = 2**26


class Socket:
    name = "websocket"

    def __init__(self, how: How):
        self._how = how
        self._cord = Cord()
        self._ws: ClientConnection | None = None
        self._first: str | None = None
        self._greeted = False
        self.online = False

    def open(self) -> None:
        """The handshake; nothing where `greet` was here before."""
        if self._ws is not None:
            return
        try:
            self._ws = self._connect()
        except InvalidStatus as error:
            raise _refused(error) from error
        except (ConnectionRefusedError, socket.gaierror) as error:  # nobody is there, for any transport
            raise Ended(reason=_told(error)) from error
        except Exception as error:
            raise Ended(reason=_told(error), blocked=True) from error

    def _connect(self) -> ClientConnection:
        ends = monotonic() + self._how.open_seconds
        more: dict[str, Any] = {_TLS: self._how.ssl} if self._how.ssl else {}
        if self._how.cookie:
            more.update(additional_headers={"Cookie": self._how.cookie}, origin=self._how.address.site)
        host, port = _host_of(self._how.address.socket)
        if not getproxies() or proxy_bypass(host):  # a way through a proxy is the library's business
            more["sock"] = self._cord.dial((host, port), self._how.open_seconds)
        return connect(
            self._how.address.socket,
            compression=None,
            open_timeout=ends - monotonic(),
            close_timeout=_CLOSE_SECONDS,
            max_size=_FRAME_BYTES,
            **more,
        ).__enter__()  # what `close` ends is not a block of lines

    def greet(self) -> None:
        """Open, and wait for the first frame, which `receive` gives later."""
        self.open()
        self._first = self._read()

    def send(self, request: Request) -> None:
        try:
            if self._ws:
                self._ws.send(request.text)
        except (ConnectionClosed, OSError):
            pass  # the thread that reads sees it too, and comes back

    def receive(self) -> frames.Event | None:
        text, self._first = self._first or self._read(), None
        event = frames.decode_event(text)
        self.online = self.online or isinstance(event, frames.LoggedIn)
        return event

    def _read(self) -> str:
        """The next frame. A silent server is asked once for a sign of life."""
        assert self._ws is not None  # noqa: S101 - it was opened
        try:
            text = self._ask_and_read(self._ws)
        except ConnectionClosed as error:
            end = error.rcvd
            if end:
                raise Ended(end.code, end.reason) from error
            raise Ended(reason=str(error), blocked=not self._greeted) from error
        except OSError as error:
            raise Ended(reason=_told(error), blocked=not self._greeted) from error
        self._greeted = True
        return text

    def _ask_and_read(self, ws: ClientConnection) -> str:
        for asked in (False, True):
            try:
                return str(ws.recv(timeout=QUIET_SECONDS if self._greeted else HELLO_SECONDS))
            except TimeoutError:
                if asked or not self.online:
                    break
                ws.send('{"type":"ping"}')
        _hang_up(ws)
        raise TimeoutError("the server is silent")

    def close(self) -> None:
        self.online = False
        if self._ws is not None:
            gone = threading.Event()
            last = threading.Thread(target=self._see_off, args=(self._ws, gone), name="legacy_chat client goodbye")
            last.start()
            self._ws.close()
            gone.set()
            last.join()
        self._cord.cut()

    def _see_off(self, ws: ClientConnection, gone: threading.Event) -> None:
        """Over TLS the server leaves the end to us, once both have said goodbye; a server that hangs leaves it too."""
        ends = monotonic() + _CLOSE_SECONDS
        while not gone.wait(_LOOK_SECONDS) and ws.protocol.close_rcvd is None and monotonic() < ends:
            pass
        self._cord.cut()


def _host_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)


def _hang_up(ws: ClientConnection) -> None:
    """So that no thread goes on waiting to write."""
    try:
        ws.socket.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _refused(error: InvalidStatus) -> Ended:
    """A full server that says when to come back says so over any transport."""
    status, retry_after = error.response.status_code, seconds_of(error.response.headers.get("Retry-After"))
    full = status == 503 and retry_after is not None
    code = code_of(status)
    return Ended(code, f"HTTP {status}{_words(error)}", retry_after, blocked=code == close.ABNORMAL and not full)


def _words(error: InvalidStatus) -> str:
    """What the server says of it, such as what a proxy took out; the page of somebody else is left out."""
    response = error.response
    if "text/plain" not in response.headers.get("Content-Type", ""):
        return ""
    words = bytes(response.body or b"").decode(errors="replace").strip()
    return f": {words[:_MOST_WORDS]}" if words else ""


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
