"""Who is here by either way: connected to this worker, or polling."""

from __future__ import annotations

from ..storage import pollers
from .parts import Parts
from .requests import Online


class Everybody:
    """`connected` are this worker's connections; None in a process that has none, where the store is asked."""

    def __init__(self, parts: Parts, connected: Online | None = None):
        self._parts = parts
        self._connected = connected
        self._counted: tuple[int, int] | None = None

    def is_online(self, uid: str) -> bool:
        if self._connected is not None and self._connected.is_online(uid):
            return True
        return uid in self._parts.mailbox.people

    def know_who_polls(self) -> None:
        """Before somebody speaks: who came to another process a moment ago is to hear it too."""
        if self._connected is None:
            self._parts.mailbox.look()
        else:
            self._parts.mailbox.refresh()

    def refresh(self) -> None:
        """Ask the store where need be, and wait for it: `count` is asked where nobody may wait, behind a commit."""
        if self._connected is None:
            self._counted = self._parts.read(lambda c: pollers.count(c, self._parts.clock()))

    def count(self) -> tuple[int, int]:
        """People, each once, and pages; without connections of this process as of the last `refresh`."""
        if self._connected is None:
            if self._counted is None:
                self.refresh()
            return self._counted or (0, 0)
        polling = self._parts.mailbox.people
        users, connections = self._connected.count()
        new = sum(not self._connected.is_online(uid) for uid in polling)
        return users + new, connections + sum(polling.values())
