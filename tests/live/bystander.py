"""Somebody who reads and pings, from a thread: how long the answers take is what the others' abuse costs."""

from __future__ import annotations

import math
import select
import threading
import time

from .raw import TEXT, Person

PING = b'{"type":"ping","id":"?"}'
PAUSE = 0.025  # seconds between two pings: below the default rate


class Bystander:
    """`with Bystander(server) as ben: ...`, then `ben.p99()`."""

    def __init__(self, server, uid: str = "bystander"):
        self._person = Person(server, uid)
        self._person.login()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ping_on, daemon=True)
        self._seconds: list[float] = []
        self._error: Exception | None = None

    def _ping_on(self) -> None:
        client = self._person.client
        try:
            while not self._over.is_set():
                began = time.monotonic()
                client.send(TEXT, PING)
                while not client.receive()[1].startswith(b'{"type":"pong"'):
                    pass
                self._seconds.append(time.monotonic() - began)
                while (pause := began + PAUSE - time.monotonic()) > 0:
                    if select.select([client.socket], [], [], pause)[0]:
                        client.receive()
        except Exception as error:
            self._error = error

    def p99(self) -> float:
        """Seconds; of fewer than a hundred answers the longest. Raises what kept this person from pinging on."""
        assert self._error is None, repr(self._error)
        return sorted(self._seconds)[math.ceil(len(self._seconds) * 0.99) - 1]

    def __enter__(self) -> Bystander:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(15)
        self._person.close()
