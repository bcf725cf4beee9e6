"""One epoll for all parked sockets, itself one watcher of the loop.

A parked socket costs an entry in the kernel and one in a dict; no greenlet, no watcher object. The callbacks run in
the hub: they must not block and must not switch.
"""

from __future__ import annotations

import errno
from collections import deque
from time import monotonic
from typing import Protocol

import gevent
from gevent import monkey

from .turns import SLICE

# gevent hides select.epoll from patched processes since it blocks; asked with a timeout of 0 it does not.
_epoll = monkey.get_original("select", "epoll")

READ = 0x001  # EPOLLIN
WRITE = 0x004  # EPOLLOUT
ERROR = 0x008 | 0x010  # EPOLLERR, EPOLLHUP: nobody is there any more

# Sockets asked for at a time.
_TURN = 256


class Pollable(Protocol):
    fd: int

    def on_events(self, events: int) -> None: ...


class Poller:
    def __init__(self) -> None:
        self._epoll = _epoll()
        self._sockets: dict[int, Pollable] = {}
        self._ready: deque[tuple[int, int]] = deque()
        self._watcher = gevent.get_hub().loop.io(self._epoll.fileno(), 1)
        self._watcher.start(self._turn)

    def add(self, socket: Pollable) -> None:
        self._sockets[socket.fd] = socket
        self._epoll.register(socket.fd, READ)

    def want(self, fd: int, read: bool, write: bool) -> None:
        self._epoll.modify(fd, (READ if read else 0) | (WRITE if write else 0))

    def remove(self, fd: int) -> None:
        """Forget a socket; it must still be open."""
        if self._sockets.pop(fd, None) is not None:
            self._ready = deque(item for item in self._ready if item[0] != fd)
            try:
                self._epoll.unregister(fd)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.EBADF):
                    raise

    def _turn(self) -> None:
        # Whoever is ready is served before anybody is asked again: one that is always ready starves nobody.
        if not self._ready:
            self._ready.extend(self._epoll.poll(0, _TURN))
        ends = monotonic() + SLICE  # the rest waits for the next turn: timers and greenlets get theirs between
        while self._ready and monotonic() < ends:
            fd, events = self._ready.popleft()
            socket = self._sockets.get(fd)
            if socket is not None:
                socket.on_events(events)

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        self._epoll.close()

    def __len__(self) -> int:
        return len(self._sockets)
