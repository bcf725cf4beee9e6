"""The network between a browser and the server, which can fail.

Chromium's own "offline" leaves open WebSockets alone, so links are cut and silenced here, in a small TCP proxy.
"""

from __future__ import annotations

import socket
from threading import Thread

_SOCKET = b"GET /chat/ws"
_POLL = b"POST /chat/poll"

_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Network:
    """Pages always load; the chat's WebSockets and polls are what fails."""

    def __init__(self, port: int):
        self._server = ("127.0.0.1", port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self._links: list[Link] = []
        self._down = False
        self._blocked = self._swallows = False
        self._porter = Thread(target=self._let_in)
        self._porter.start()

    def cut(self) -> None:
        """Open sockets and polls end at once, and new ones get nowhere until `mend`."""
        self._down = True
        self.reset()

    def reset(self) -> None:
        """Open sockets and polls end at once; new ones are welcome."""
        for link in self._links:
            if link.is_chat:
                link.end()

    def hang(self) -> None:
        """Open sockets and polls fall silent for good, without an end that a browser sees; new ones are welcome."""
        for link in self._links:
            if link.is_chat:
                link.hang()

    def mend(self) -> None:
        self._down = False

    def block(self, *, swallow: bool = False) -> None:
        """As in many a company: open WebSockets end, new ones are forbidden until `unblock`; everything else passes.

        Or they are let in and get no answer: `swallow`.
        """
        self._blocked = True
        self._swallows = swallow
        for link in self._links:
            if link.is_socket:
                link.end()

    def unblock(self) -> None:
        self._blocked = False

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._porter.join()
        self._door.close()
        for link in self._links:
            link.close()

    def _let_in(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            self._links.append(Link(near, self))

    def connect(self, first: bytes) -> socket.socket:
        """The way on to the server, for a connection that begins so; raises `OSError` where there is none."""
        self.check(first)
        return socket.create_connection(self._server)

    def check(self, request: bytes) -> None:
        """Raises `OSError` if a request that begins so gets nowhere."""
        if self._down and request.startswith((_SOCKET, _POLL)):
            raise ConnectionRefusedError

    def stops(self, first: bytes) -> bool:
        """Whether this connection is a WebSocket that may not be."""
        return self._blocked and first.startswith(_SOCKET)

    @property
    def refusal(self) -> bytes:
        """What a WebSocket is told that may not be; nothing where it is swallowed."""
        return b"" if self._swallows else _FORBIDDEN


class Link:
    """One connection: two threads that carry bytes."""

    def __init__(self, near: socket.socket, network: Network):
        self.is_socket = self.is_chat = False
        self._network = network
        self._near, self._far = near, None
        self._silent = False
        self._there = Thread(target=self._open)
        self._there.start()

    def _open(self) -> None:
        try:
            first = self._near.recv(65536)
            if self._network.stops(first):
                return self._refuse()
            self.is_socket = self.is_chat = first.startswith(_SOCKET)
            self._far = self._network.connect(first)
        except OSError:
            return self.end()
        back = Thread(target=self._carry, args=(self._far, self._near))
        back.start()
        self._carry(self._near, self._far, first)
        back.join()

    def _carry(self, source: socket.socket, sink: socket.socket, data: bytes = b"") -> None:
        try:
            while data := data or source.recv(65536):
                if source is self._near:
                    self._look(data)
                if not self._silent:
                    sink.sendall(data)
                data = b""
        except OSError:
            pass
        if not self._silent or source is self._near:
            self.end()

    def _refuse(self) -> None:
        self.is_socket = True
        if self._network.refusal:
            self._near.sendall(self._network.refusal)
            self.end()
        else:
            self._near.recv(1)  # until the browser gives up

    # A browser uses a connection for one request after the other.
    def _look(self, data: bytes) -> None:
        if not self.is_socket and data.startswith((b"GET ", b"POST ")):
            self.is_chat = data.startswith(_POLL)
        self._network.check(data)

    def hang(self) -> None:
        self._silent = True
        _end(self._far)

    def end(self) -> None:
        _end(self._near)
        _end(self._far)

    def close(self) -> None:
        self.end()
        self._there.join()
        for end in (self._near, self._far):
            if end:
                end.close()


def _end(connection: socket.socket | None) -> None:
    try:
        if connection:
            connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it had ended already
