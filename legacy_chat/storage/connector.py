"""Connecting from native threads."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.engine import Connection, Engine


class Connector:
    """Opens an engine's connections; the first one alone.

    SQLAlchemy makes other threads wait while the first one connects, by a lock of `threading`. In its place gevent has
    put one that may never wake a native thread, so they wait here, by `lock`, which must be the system's own.
    """

    def __init__(self, lock: AbstractContextManager[Any] | None = None):
        self._lock = lock or threading.Lock()
        self._connected = False

    def connect(self, engine: Engine) -> Connection:
        if self._connected:
            return engine.connect()
        with self._lock:
            connection = engine.connect()
        self._connected = True
        return connection

    def reset(self) -> None:
        """The engine was disposed of: its next connection is a first one."""
        self._connected = False
