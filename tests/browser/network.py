"""The network between a browser and the server, which can fail.

Chromium's own "offline" leaves open WebSockets alone, so links are cut and silenced here, in a small TCP proxy.
"""

from __future__ import annotations

import socket
from threading import Thread

_SOCKET = b"GET /chat/ws"


class Network:
    """Pages always load; the WebSockets are what fails."""

    def __init__(self, port: int):
        self._server = ("127.0.0.1", port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self._links: list[Link] = []
        self._down = False
        self._porter = Thread(target=self._let_in)
        self._porter.start()

    def cut(self) -> None:
        """Open sockets end at once, and new ones get nowhere until `mend`."""
        self._down = True
        self.reset()

    def reset(self) -> None:
        """Open sockets end at once; new ones are welcome."""
        for link in self._links:
            if link.is_socket:
                link.end()

    def hang(self) -> None:
        """Open sockets fall silent for good, without an end that the browser could see; new ones are welcome."""
        for link in self._links:
            if link.is_socket:
                link.hang()

    def mend(self) -> None:
        self._down = False

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
        if self._down and first.startswith(_SOCKET):
            raise ConnectionRefusedError
        return socket.create_connection(self._server)


class Link:
    """One connection: two threads that carry bytes."""

    def __init__(self, near: socket.socket, network: Network):
        self.is_socket = False
        self._near, self._far = near, None
        self._silent = False
        self._there = Thread(target=self._open, args=(network,))
        self._there.start()

    def _open(self, network: Network) -> None:
        try:
            first = self._near.recv(65536)
            self.is_socket = first.startswith(_SOCKET)
            self._far = network.connect(first)
        except OSError:
            return self.end()
        back = Thread(target=self._carry, args=(self._far, self._near))
        back.start()
        self._carry(self._near, self._far, first)
        back.join()

    def _carry(self, source: socket.socket, sink: socket.socket, data: bytes = b"") -> None:
        try:
            while data := data or source.recv(65536):
                if not self._silent:
                    sink.sendall(data)
                data = b""
        except OSError:
            pass
        if not self._silent or source is self._near:
            self.end()

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
