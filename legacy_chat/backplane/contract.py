"""The contract of a backplane: every worker hands every notice on to its own connections.

A notice is published after the commit of what it tells, and never before. A backplane

- calls every worker's `receive` with every notice, the publisher's own worker included, in the publisher's
  order; between two publishers no order is promised (the `seq` of messages restores it);
- may lose a notice when its carrier fails, since clients find the hole by `seq` and ask for the history;
- never blocks the publisher of a `publish` and never raises to it.

`receive` runs in the loop's thread, must be quick and must not block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from ..core.model import Conversation, Member


class Notice(msgspec.Struct, frozen=True, tag=True):
    """Something that was committed."""


class ToRoom(Notice, frozen=True):
    """`frame` (an encoded server frame) for every connection in the room but the one whose client_id is `skip`.

    `about` names the person whose coming or going it tells: a worker may spare a crowd such news, but not the
    person's own connections. What is `stored` can be read from the store as well.
    """

    key: str
    frame: bytes
    droppable: bool = False
    skip: int | None = None
    about: str | None = None
    stored: bool = False


class ToPeople(Notice, frozen=True):
    """`frame` for every connection of these people but the one whose client_id is `skip`."""

    uids: tuple[str, ...]
    frame: bytes
    droppable: bool = False
    skip: int | None = None
    stored: bool = False


class ToAudience(Notice, frozen=True):
    """News of the person `about`, once for every connection in these rooms and of these people but their own."""

    keys: tuple[str, ...]
    uids: tuple[str, ...]
    frame: bytes
    about: str


class ToAll(Notice, frozen=True):
    """`frame` for every connection of everybody but the one whose client_id is `skip`."""

    frame: bytes
    droppable: bool = False
    skip: int | None = None


class Posted(Notice, frozen=True):
    """Something lies ready in the store for those who poll and look under these keys."""

    keys: tuple[str, ...]


class ToText(Notice, frozen=True):
    """A line of text for every connection in a plain-text room but the one whose client_id is `skip`."""

    room: str
    line: bytes
    skip: int | None = None


class Subscribe(Notice, frozen=True):
    """From here on every connection of `uid` belongs to the room."""

    uid: str
    room: Conversation


class Unsubscribe(Notice, frozen=True):
    uid: str
    key: str


class Disconnect(Notice, frozen=True):
    """Close the connections of `uid` (those of one `device`, where given) with a close code.

    `by` tells the log whose wish it was: a uid, or a word.
    """

    uid: str
    code: int
    reason: str
    device: str | None = None
    by: str = "the site"

    def ends(self, member: Member | None) -> bool:
        """Whether it is about a connection of theirs."""
        return member is not None and member.uid == self.uid and self.device in (None, member.device)


class Reach(NamedTuple):
    """How far a notice went."""

    users: int = 0
    connections: int = 0


Receive = Callable[[Notice], None]
Count = Callable[[Notice], Reach]


def nobody(_: Notice) -> Reach:
    """The count of a receiver that has no connections."""
    return Reach()


class Backplane(Protocol):
    @property
    def here(self) -> bool:
        """Whether a notice that this thread publishes reaches the receivers by itself."""

    def subscribe(self, receive: Receive, count: Count = nobody) -> None:
        """Hand every notice from now on to `receive`; `count` tells how far it would carry one."""

    def publish(self, notice: Notice) -> None:
        """Tell all workers, this one included."""

    def deliver(self, notice: Notice) -> Reach:
        """`publish`, and wait for how many people and connections it was handed to, over all workers.

        Raises `Unavailable` where no worker takes it.
        """

    def reach(self, notice: Notice) -> Reach:
        """How far `deliver` would carry it."""
