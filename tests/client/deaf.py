"""A server that does not answer: `no answer` not even to a connect, `silent` to nothing that is said."""

from __future__ import annotations

import socket
import time


class Deaf:
    """`with Deaf("silent") as server:`; dial `server.port`."""

    def __init__(self, way: str):
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(100 if way == "silent" else 0)
        self.port = self._listener.getsockname()[1]
        self._crowd: list[socket.socket] = []
        if way == "no answer":
            self._fill()

    def _fill(self) -> None:
        """Until the kernel lets connects wait, since nobody takes those that are there."""
        for _ in range(3):
            self._crowd.append(one := socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))
        time.sleep(0.05)

    def __enter__(self) -> Deaf:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listener, *self._crowd):
            one.close()
