"""What a connection is ended by from any thread and at any point, also while it is being made."""

from __future__ import annotations

import socket
import threading


class Cord:
    """Of one connection. It has a handle of its own, so it works below TLS and whoever owns the socket by now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._cut = False

    def dial(self, where: tuple[str, int], timeout: float, source: object = None) -> socket.socket:
        """As `socket.create_connection`. Raises `ConnectionAbortedError` once it was cut."""
        failed: OSError | None = None
        for family, kind, protocol, _, address in socket.getaddrinfo(*where, 0, socket.SOCK_STREAM):
            dialled = socket.socket(family, kind, protocol)
            try:
                self._hold(dialled)
                dialled.settimeout(timeout)
                dialled.connect(address)
                return dialled
            except OSError as error:
                dialled.close()
                failed = error
        raise failed or OSError(f"{where[0]} has no address")

    def _hold(self, dialled: socket.socket) -> None:
        with self._lock:
            if self._cut:
                raise ConnectionAbortedError("given up")
            self._let_go()
            self._handle = dialled.dup()

    def cut(self) -> None:
        """Whoever reads, writes or connects gets an error at once."""
        with self._lock:
            self._cut = True
            if self._handle is not None:
                try:
                    self._handle.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self._let_go()

    def _let_go(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
