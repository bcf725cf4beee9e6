"""The handler under gunicorn's stock geventwebsocket worker: upgrades at our addresses go to the app unanswered.

gevent-websocket says 101 to every upgrade before the application runs. At our own addresses this handler leaves the
answer to the application: it offers `environ["legacy_chat.upgrade"]`, an `Upgrade`, and the middleware in front of
Flask either takes the socket or refuses with a real status. All other upgrades go on to gevent-websocket as before.
"""

from __future__ import annotations

import socket
from typing import Any

from gevent.event import Event
from gevent.pywsgi import WSGIHandler
from geventwebsocket.gunicorn.workers import GeventWebSocketWorker
from geventwebsocket.handler import WebSocketHandler
from gunicorn.workers.ggevent import PyWSGIHandler

from .transport import PlainTransport, TLSTransport, Transport

ENVIRON_KEY = "legacy_chat.upgrade"

_suffixes: set[str] = set()

# Loopback would grow the kernel's buffer to 4 MB a socket, and a slow reader would be noticed late.
_SEND_BUFFER = 64 * 1024
_USER_TIMEOUT = 30_000  # milliseconds that written bytes may stay unacknowledged


class Upgrade:
    """The offer to take a request's socket over."""

    def __init__(self, handler: ChatHandler):
        self._handler = handler
        self.taken = False
        self._released: Event | None = None

    def accept(self, headers: tuple[tuple[str, str], ...]) -> tuple[Transport, bytes]:
        """Answer 101 and hand out the transport and the bytes that the peer sent right behind its request."""
        handler = self._handler
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        handler.socket.sendall(f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode("latin-1"))
        handler.status, handler.code, handler.headers_sent = b"101 Switching Protocols", 101, True
        handler.close_connection = True
        self.taken = True
        received = _drain(handler)
        _tune(handler.socket)
        return self._transport(handler.socket), received

    def _transport(self, sock: Any) -> Transport:
        if hasattr(sock, "unwrap"):
            self._released = Event()
            return TLSTransport(sock, self._released.set)
        self._handler.socket = None
        return PlainTransport(sock.detach())

    def wait(self) -> None:
        """A TLS socket lives as long as its greenlet: stay until it is closed."""
        if self._released is not None:
            self._released.wait()
            self._handler.socket = None


def _drain(handler: ChatHandler) -> bytes:
    """What the buffered reader took from the socket beyond the request."""
    handler.socket.settimeout(0.0)
    try:
        return handler.rfile.read1(65536) or b""
    except OSError:
        return b""


def _tune(sock: Any) -> None:
    options = [(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        options.append((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1))
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT))
    for option in options:
        sock.setsockopt(*option)


class ChatHandler(WebSocketHandler):
    # gevent-websocket's handler writes no access log; gunicorn's own does.
    log_request = PyWSGIHandler.log_request

    def run_application(self) -> None:
        if self.environ["PATH_INFO"].endswith(tuple(_suffixes)):
            upgrade = self.environ[ENVIRON_KEY] = Upgrade(self)
            WSGIHandler.run_application(self)
            upgrade.wait()
        else:
            super().run_application()


def install(suffix: str) -> None:
    """Let gunicorn's geventwebsocket worker use our handler for paths that end in `suffix`.

    Called while the app is being built: the worker class is imported by then and its server is not made yet.
    """
    _suffixes.add(suffix)
    GeventWebSocketWorker.wsgi_handler = ChatHandler
