"""How many sockets there may be: of the worker, of one person, of one address."""

from __future__ import annotations

import resource
from collections import Counter

from ..errors import Unavailable
from ..settings import Settings

# Descriptors that stay for pages, files and the database.
_RESERVED = 256

_RETRY_AFTER = 5.0


def most_sockets(wanted: int, descriptors: int) -> int:
    """The setting (0: as many as can be), or what the process may open beside its pages, whichever is less."""
    room = max(descriptors - _RESERVED, descriptors // 2)
    return min(wanted or room, room)


def _descriptors() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**31 if soft == resource.RLIM_INFINITY else soft


class Admission:
    """Counts from the handshake on. What is too many raises `Unavailable`, which becomes 503 with Retry-After."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._most = most_sockets(settings.max_connections, _descriptors())
        self._all = 0
        self._by_address: Counter[str] = Counter()
        self._by_uid: Counter[str] = Counter()

    @property
    def full(self) -> bool:
        return self._all >= self._most

    def check(self, address: str | None, uid: str | None) -> None:
        """May one more come?"""
        if self.full:
            raise Unavailable("This server is full: try again later.", _RETRY_AFTER, reason="full")
        most = self._settings.max_per_address
        if address and most and self._by_address[address] >= most:
            message = f"There are {most} sockets of your address already: close one."
            raise Unavailable(message, _RETRY_AFTER, reason="per_address")
        if uid is not None:
            self.check_uid(uid)

    def check_uid(self, uid: str) -> None:
        most = self._settings.max_per_user
        if most and self._by_uid[uid] >= most:
            raise Unavailable(f"You have {most} sockets already: close one.", _RETRY_AFTER, reason="per_user")

    def enter(self, address: str | None, uid: str | None) -> None:
        self._all += 1
        if address:
            self._by_address[address] += 1
        if uid is not None:
            self.enter_uid(uid)

    def enter_uid(self, uid: str) -> None:
        self._by_uid[uid] += 1

    def leave(self, address: str | None, uid: str | None) -> None:
        self._all -= 1
        decrease(self._by_address, address)
        decrease(self._by_uid, uid)


def decrease(counter: Counter[str], key: str | None) -> None:
    """Counts of nobody are forgotten, so that the table does not grow with everybody who ever came."""
    if key:
        counter[key] -= 1
        if counter[key] <= 0:
            del counter[key]
