"""One connection as a state machine: what is allowed when.

    connected ──login, identity known──▶ open ──▶ closed
        │                                          ▲
        └── login without identity, or 10 s ── 4401┘

A connection is `connected` after the handshake. Its identity is known by then (the site's cookie, or a token in
the address), or it comes with the `token` of the first `login`; once known it never changes. Until `open` only
`login` and `ping` are carried out. A second `login` is answered like the first: it refreshes the client's state.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import Forbidden, NotLoggedIn
from .frames import Login, Ping, Request
from .model import Member


class Session:
    """The state of one connection; no I/O, no clock of its own."""

    __slots__ = ("away", "deadline", "member", "open", "request", "rooms")

    def __init__(self, member: Member | None, deadline: float | None):
        self.member = member
        self.open = False
        self.away = False  # the page says that it is hidden or idle
        self.deadline = deadline
        self.rooms: frozenset[str] = frozenset()  # event rooms: those of the site's `join_room`
        # What the site's handlers may ask of the request that began it, or how to find that.
        self.request: bytes | Callable[[], bytes] | None = None

    def check(self, request: Request) -> None:
        """Whether the request is allowed now. Raises `NotLoggedIn`."""
        self.deadline = None if self.member else self.deadline
        if not self.open and not isinstance(request, Login | Ping):
            raise NotLoggedIn('Send {"type": "login"} first.')

    def identify(self, member: Member | None) -> Member:
        """The identity of this connection, given whom a `login` frame names (None: it names nobody).

        Raises `NotLoggedIn` where nobody is known, `Forbidden` where the frame names somebody else.
        """
        if self.member is None:
            self.member = member
        elif member is not None and member.uid != self.member.uid:
            raise Forbidden("This connection belongs to somebody else: open a new one to change the person.")
        if self.member is None:
            raise NotLoggedIn("Log in to the site first, or send a connect token with `login`.")
        return self.member

    def opened(self) -> None:
        self.open = True
        self.deadline = None

    def excuse(self, seconds: float) -> None:
        """The server itself stood still that long."""
        if self.deadline is not None:
            self.deadline += seconds

    def overdue(self, now: float) -> bool:
        return self.deadline is not None and now >= self.deadline
