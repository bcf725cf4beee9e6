"""What a client asks of a transport: `socket.Socket` over a WebSocket, `polling.Polling` over single requests."""

from __future__ import annotations

from dataclasses import dataclass
from ssl import SSLContext
from typing import TYPE_CHECKING, Protocol

from ..core import close
from ..core.frames import Event
from .address import Address
from .errors import Closed

if TYPE_CHECKING:
    from .requests import Request

OPEN_SECONDS = 10.0
_CODES = {401: close.NOT_LOGGED_IN, 403: close.FORBIDDEN}


@dataclass(frozen=True)
class How:
    """Where to, and with what. `open_seconds`: from the first look at the host's name until it has answered."""

    address: Address
    cookie: str | None = None
    ssl: SSLContext | None = None
    open_seconds: float = OPEN_SECONDS


class Ended(Exception):
    """A session is over; `code` and `reason` as in a close frame, 1006 where there was none.

    `retry_after` is how many seconds the server wants to be left alone. `blocked`: it may work over another transport.
    """

    def __init__(
        self, code: int = close.ABNORMAL, reason: str = "", retry_after: float | None = None, blocked: bool = False
    ):
        super().__init__(reason)
        self.code, self.reason, self.retry_after, self.blocked = code, reason, retry_after, blocked

    @property
    def closed(self) -> Closed:
        return Closed(self.code, self.reason)


class Wire(Protocol):
    """One session: made, opened, read until it has ended, closed. All but `send` and `close` are one thread's."""

    name: str

    @property
    def online(self) -> bool:
        """Logged in, and the last that was heard of the network was good."""

    def open(self) -> None:
        """Raises `Ended`."""

    def send(self, request: Request) -> None:
        """From any thread. Whether it arrives is told by the answer alone."""

    def receive(self) -> Event | None:
        """The next frame; None for one that this version does not know. Raises `Ended`."""

    def close(self) -> None:
        """From any thread, and more than once."""


def code_of(status: int) -> int:
    """The close code that an HTTP status stands for."""
    return _CODES.get(status, close.ABNORMAL)


def seconds_of(retry_after: str | None) -> float | None:
    """`Retry-After`, where it is a number of seconds."""
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
