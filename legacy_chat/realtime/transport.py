"""The bytes of one accepted connection, without blocking: a bare descriptor, or TLS."""

from __future__ import annotations

import fcntl
import os
import resource
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from gevent import monkey

# gevent's os.close waits for the loop to wake when it is called from a hub callback; these sockets have no watcher
# of gevent's that would need to know.
_close = monkey.get_original("os", "close")

WOULD_BLOCK = -1

_DESCRIPTORS = 65536  # 8 bytes each in the kernel


def shutdown(fd: int, how: int) -> None:
    """End one direction of a socket (`socket.SHUT_RD` or `SHUT_WR`) of which only the descriptor is at hand."""
    borrowed = socket.socket(fileno=fd)
    try:
        borrowed.shutdown(how)
    except OSError:
        pass  # the peer is gone already
    finally:
        borrowed.detach()


def reserve_descriptors() -> None:
    """Let the kernel make this process's table of descriptors large enough now.

    While threads share it, each doubling waits for all processors (expand_files, 10 to 30 ms) within some `accept`.
    """
    highest = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], _DESCRIPTORS) - 1
    _close(fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, highest))


class Transport(Protocol):
    fd: int

    def read(self, size: int) -> bytes | None:
        """Up to `size` bytes, b"" at the end of the stream, None where there is nothing yet. Raises OSError."""

    def write(self, data: bytes | memoryview) -> int:
        """How many bytes went out; WOULD_BLOCK where the peer does not take any. Raises OSError."""

    def pending(self) -> bool:
        """Whether bytes wait above the descriptor, where the poller does not see them."""

    def finish(self) -> None:
        """Say that nothing more will be written."""

    def close(self) -> None: ...


class PlainTransport:
    """A socket of which only the descriptor was kept."""

    __slots__ = ("fd",)

    def __init__(self, fd: int):
        self.fd = fd

    def read(self, size: int) -> bytes | None:
        try:
            return os.read(self.fd, size)
        except BlockingIOError:
            return None

    def write(self, data: bytes | memoryview) -> int:
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return WOULD_BLOCK

    def pending(self) -> bool:
        return False

    def finish(self) -> None:
        shutdown(self.fd, socket.SHUT_WR)

    def close(self) -> None:
        _close(self.fd)


class TLSTransport:
    """A TLS socket of gevent's, told never to wait. Its owner greenlet keeps it until `close`."""

    __slots__ = ("_released", "_socket", "fd")

    def __init__(self, wrapped: ssl.SSLSocket, released: Callable[[], None]):
        wrapped.settimeout(0.0)
        self._released = released
        self._socket = wrapped
        self.fd = wrapped.fileno()

    def read(self, size: int) -> bytes | None:
        try:
            return self._socket.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return None

    def write(self, data: bytes | memoryview) -> int:
        try:
            return self._socket.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return WOULD_BLOCK

    def pending(self) -> bool:
        return self._socket.pending() > 0

    def finish(self) -> None:
        """TLS has no half-close that clients understand: the peer ends the connection after our close frame."""

    def close(self) -> None:
        self._socket.close()
        self._released()
