"""The handler under gunicorn's stock geventwebsocket worker: upgrades at our addresses go to the app unanswered.

gevent-websocket says 101 to every upgrade before the application runs. At our own addresses this handler leaves the
answer to the application: it offers `environ["legacy_chat.upgrade"]`, an `Upgrade`, and the middleware in front of
Flask either takes the socket or refuses with a real status. All other upgrades go on to gevent-websocket as before.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import gevent
from gevent.event import Event
from gevent.pywsgi import WSGIHandler
from geventwebsocket.gunicorn.workers import GeventWebSocketWorker
from geventwebsocket.handler import WebSocketHandler
from gunicorn.workers.ggevent import PyWSGIHandler, PyWSGIServer

from ..core.handshake import wants_websocket
from . import boot
from .transport import PlainTransport, TLSTransport, Transport, shutdown

ENVIRON_KEY = "legacy_chat.upgrade"

_suffixes: set[str] = set()
_folders: set[str] = set()  # of which every address is ours
_prefixes: set[str] = set()  # below which there is no WebSocket but ours
_private: set[str] = set()  # addresses whose query holds a secret

# Loopback would grow the kernel's buffer to 4 MB a socket, and a slow reader would be noticed late.
_SEND_BUFFER = 64 * 1024
_USER_TIMEOUT = 30_000  # milliseconds that written bytes may stay unacknowledged


class _Deadlines:
    """Seconds for the headers of a connection's first request, and for the next one to come on a kept connection."""

    headers = 15.0
    next_request = 75.0


deadlines = _Deadlines()


class _Waiting:
    """Sockets from which nothing is being answered: before or between requests, or before TLS is agreed on.

    Browsers keep such connections open, and gunicorn waits for them at the end.
    """

    def __init__(self) -> None:
        self._descriptors: set[int] = set()
        self.ended = False

    @contextmanager
    def on(self, descriptor: int) -> Iterator[None]:
        self._descriptors.add(descriptor)
        try:
            yield
        finally:
            self._descriptors.discard(descriptor)

    def end(self) -> None:
        """This worker ends: close what is idle, and every other connection after its request."""
        self.ended = True
        for descriptor in self._descriptors:
            shutdown(descriptor, socket.SHUT_RD)  # whoever waits sees the end of the stream


waiting = _Waiting()


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

    def let_go(self) -> None:
        """Break the circle of handler, environ and reader, which would live on until the next garbage collection."""
        handler = self._handler
        del self._handler
        handler.rfile.close()
        handler.environ.clear()


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


class ChatServer(PyWSGIServer):
    """With TLS in gunicorn: a peer that does not agree on it in time is no reason to wait, nor for a traceback."""

    max_accept = 16  # in one turn of the loop: gevent's own 100 take more than 5 ms

    def start(self) -> None:
        boot.run(None if self.pool is None else self.pool.size)  # a pool in which nothing runs is false
        super().start()

    def wrap_socket_and_handle(self, client_socket: Any, address: Any) -> None:
        if waiting.ended:  # accepted in the last moment: it may try the next worker
            return
        try:
            with waiting.on(client_socket.fileno()), gevent.Timeout(deadlines.headers):
                wrapped = self.wrap_socket(client_socket, **self.ssl_args)
        except (gevent.Timeout, OSError):
            return  # gevent closes the socket
        with closing(wrapped):
            self.handle(wrapped, address)


class ChatHandler(WebSocketHandler):
    """Beside the upgrades: a deadline for headers, so that slow ones do not hold the pool, and an access log."""

    # A peer that is gone: nobody's mistake, over TLS neither.
    ignored_socket_errors = (*WSGIHandler.ignored_socket_errors, ssl.SSL_ERROR_EOF, ssl.SSL_ERROR_ZERO_RETURN)

    status: Any
    _deadline: gevent.Timeout | None = None
    _requests = 0

    def handle(self) -> None:
        with suppress(ConnectionError):  # the peer is gone: nobody's mistake
            super().handle()

    def _handle_client_error(self, ex: Exception) -> Any:
        return None if isinstance(ex, ConnectionError) else super()._handle_client_error(ex)

    def read_requestline(self) -> str:
        if waiting.ended and self._requests:
            return ""
        with waiting.on(self.socket.fileno()):
            return self._read_in_time()

    def _read_in_time(self) -> str:
        seconds = deadlines.next_request if self._requests else deadlines.headers
        self._requests += 1
        self._deadline = gevent.Timeout.start_new(seconds)
        try:
            line: str = super().read_requestline()
        except gevent.Timeout as timeout:
            if timeout is not self._deadline:
                raise
            line = ""  # as if the peer had gone
        except BaseException:
            self._deadline.close()
            raise
        if not line:
            self._deadline.close()
        return line

    def read_request(self, raw_requestline: str) -> bool:
        try:
            understood: bool = super().read_request(raw_requestline)
        except gevent.Timeout as timeout:
            if timeout is not self._deadline:
                raise
            raise ValueError("the headers were not complete in time") from None
        finally:
            if self._deadline is not None:
                self._deadline.close()
        return understood

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        # For gunicorn's access log, without the query where tokens and keys stand in it.
        environ["RAW_URI"] = self.path.partition("?")[0] if _is_private(environ) else self.path
        return environ

    def log_request(self) -> None:
        """gevent-websocket's handler writes no access log; gunicorn's own does. A socket has its own line."""
        if self.environ is not None and self.code != 101:
            if _is_private(self.environ):  # for formats of the operator's own
                self.environ["QUERY_STRING"] = ""
            status: Any = self.status
            if isinstance(status, bytes):  # which gunicorn before 21 would print as b'200 OK'
                self.status = status.decode("latin-1")
            PyWSGIHandler.log_request(self)

    def finalize_headers(self) -> None:
        """A proxy that keeps connections has to be told which one ends (RFC 9112 §9.6): it would go on with it."""
        super().finalize_headers()
        told = any(name.lower() == b"connection" and b"close" in value.lower() for name, value in self.response_headers)
        if self.code != 101 and not told and (self.close_connection or waiting.ended):
            self.response_headers.append((b"Connection", b"close"))

    def _is_ours(self, environ: dict[str, Any]) -> bool:
        return bool(environ["PATH_INFO"].endswith(tuple(_suffixes))) or _is_in_folder(environ) or _is_astray(environ)

    def run_application(self) -> None:
        if self._is_ours(self.environ):
            upgrade = self.environ[ENVIRON_KEY] = Upgrade(self)
            WSGIHandler.run_application(self)
            if upgrade.taken:
                upgrade.wait()
                upgrade.let_go()
        else:
            super().run_application()


def _is_private(environ: dict[str, Any]) -> bool:
    known = bool(environ["PATH_INFO"].endswith(tuple(_private))) or _is_in_folder(environ)
    return known or _is_astray(environ) or _is_mistyped(environ)


def _is_mistyped(environ: dict[str, Any]) -> bool:
    """A key or a token at whatever address of ours: a slash too many makes it another one."""
    path, query = f"{environ['PATH_INFO']}/", environ["QUERY_STRING"].lower()
    return any(prefix in path for prefix in _prefixes) and ("key=" in query or "token=" in query)


def _is_in_folder(environ: dict[str, Any]) -> bool:
    return any(folder in environ["PATH_INFO"] for folder in _folders)


def _is_astray(environ: dict[str, Any]) -> bool:
    """An upgrade at an address that was mistyped, token and all; the application says so."""
    return environ["PATH_INFO"].startswith(tuple(_prefixes)) and wants_websocket(environ)


def install(
    *suffixes: str,
    header_seconds: float,
    private: tuple[str, ...] = (),
    folders: tuple[str, ...] = (),
    prefix: str | None = None,
) -> None:
    """Let gunicorn's geventwebsocket worker use our handler for paths with one of these endings, or in these folders.

    The access log shows no query for them, nor for those that end as one of `private`, nor with a key or a token in it
    anywhere below `prefix`. Upgrades at all other addresses below `prefix` are left to the application as well.

    Called while the app is being built: the worker class is imported by then and its server is not made yet.
    """
    _suffixes.update(suffixes)
    _private.update(suffixes, private)
    _folders.update(folders)
    _prefixes.update(() if prefix is None else (f"{prefix}/",))
    deadlines.headers = header_seconds
    GeventWebSocketWorker.wsgi_handler = ChatHandler
    GeventWebSocketWorker.server_class = ChatServer
