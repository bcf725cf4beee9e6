"""A network that lets single requests through and WebSockets only at times, as proxies and virus scanners do."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

REFUSED = b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Narrow:
    """`with Narrow(sockets=port, polls=port) as network:`; dial `network.port`.

    `way` is what becomes of WebSockets: `open`, `refuse` (501), `hang` (no answer), `mute` (the handshake passes, then
    nothing) or `cut` (the handshake passes, then the end). `tried` counts them.
    """

    def __init__(self, sockets: int, polls: int, way: str = "open"):
        self._ports = {True: sockets, False: polls}
        self.way, self.tried = way, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._links: set[socket.socket] = set()
        self._upgraded: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/chat"

    def __enter__(self) -> Narrow:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for link in [self._listener, *self._links]:
            _end(link)
        self._thread.join(10)
        self._listener.close()

    def change(self, way: str) -> None:
        """From now on; where that lets none through, those that are there end."""
        self.way = way
        for link in list(self._upgraded) if way != "open" else ():
            _end(link)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self._links.add(client)
            head = client.recv(65536)
            if not head:
                return
            upgrade = head.startswith(b"GET")
            if upgrade:
                self.tried += 1
                self._upgraded.add(client)
            way = self.way if upgrade else "open"
            if way == "refuse":
                client.sendall(REFUSED)
            elif way == "hang":
                client.recv(1)
            else:
                self._pass_on(client, head, upgrade, way)
        self._links.discard(client)
        self._upgraded.discard(client)

    def _pass_on(self, client: socket.socket, head: bytes, upgrade: bool, way: str) -> None:
        with socket.create_connection(("127.0.0.1", self._ports[upgrade])) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._links.add(server)
            server.sendall(head)
            if way in ("mute", "cut"):
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += server.recv(65536)
                client.sendall(answer[: answer.index(b"\r\n\r\n") + 4])
                if way == "mute":
                    client.recv(1)
                    while client.recv(65536):
                        pass
            else:
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()
            self._links.discard(server)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        _end(end)


def _end(link: socket.socket) -> None:
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
