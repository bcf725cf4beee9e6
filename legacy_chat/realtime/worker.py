"""The realtime half of one app in one process: made at the first socket, so that nothing is carried over a fork."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from time import monotonic

import gevent

from ..actions.parts import Parts
from ..actions.requests import Requests
from ..core import frames
from ..core.model import Member
from .connection import Connection
from .poller import Poller
from .presence import PresenceNotices
from .registry import Registry
from .transport import Transport

# Connections are counted per process, over all apps; the first is 1001.
_client_ids = itertools.count(1001)


class Worker:
    def __init__(self, parts: Parts, verify: Callable[[str], Member]):
        self.settings = parts.settings
        self.registry = Registry()
        self.requests = Requests(parts, self.registry, verify)
        self.presence = PresenceNotices(self.registry)
        self.poller = Poller()
        self.connections: set[Connection] = set()
        parts.backplane.subscribe(self.registry.receive)
        gevent.spawn(self._tick)

    def serve(self, transport: Transport, received: bytes, member: Member | None) -> None:
        """Take over an upgraded connection; `received` came right behind the handshake."""
        connection = Connection(self, transport, next(_client_ids), member)
        self.connections.add(connection)
        self.poller.add(connection)
        connection.send(self._hello(connection))
        if received and connection.closing is None:
            connection.receive(received)

    def _hello(self, connection: Connection) -> frames.Hello:
        s = self.settings
        limits = frames.Limits(s.max_message_bytes, s.text_chars, (s.rate.per_second, s.rate.burst))
        welcome = {"welcome": s.welcome} if s.welcome else {}
        return frames.Hello(connection.client_id, frames.VERSION, limits, s.ping_seconds, **welcome)

    def forget(self, connection: Connection) -> None:
        self.poller.remove(connection.fd)
        self.connections.discard(connection)

    def _tick(self) -> None:
        while True:
            gevent.sleep(1.0)
            now = monotonic()
            for connection in list(self.connections):
                connection.check_deadline(now)
            self.presence.tick(now)
