"""The frozen values that every layer speaks of."""

from __future__ import annotations

import msgspec

from .presence import PersonState


class Member(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Who a connection is: decided once at the handshake by the site.

    `avatar` is the address of a picture (https, or a path of the site), `roles` are the site's own words for what
    somebody may do, `locale` is such as "zh" or "de-AT". `device` tells apart the browsers of one person; None for
    tokens.
    """

    uid: str
    name: str
    device: str | None = None
    avatar: str | None = None
    roles: tuple[str, ...] = ()
    locale: str | None = None


class Room(msgspec.Struct, frozen=True, gc=False):
    """A room as stored; `id` is the key of its conversation, `gid` the name the site chose for it.

    `founder` is the uid of the person who opened it, None for a room of the site's own.
    """

    id: int
    gid: str
    name: str
    private: bool
    seq: int
    ts: int
    founder: str | None = None


class Membership(msgspec.Struct, frozen=True, gc=False):
    """One person in one conversation: a room (`gid`, `name`) or a private talk (`uid`, `name` of the other)."""

    id: int
    key: str
    gid: str | None
    uid: str | None
    name: str
    private: bool
    seq: int
    read: int
    ts: int
    avatar: str | None = None  # of the other person
    founder: str | None = None  # of a room

    @property
    def unread(self) -> int:
        return max(0, self.seq - self.read)

    @property
    def client_key(self) -> str:
        """The key a client uses in `resume.seqs`: `g:<gid>`, or `p:<uid>` of the other person."""
        return self.key if self.gid is not None else f"p:{self.uid}"


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """Where a message goes: a room (`gid`) or the private talk of two people (`pair`, sorted)."""

    id: int
    gid: str | None = None
    pair: tuple[str, str] | None = None

    @property
    def key(self) -> str:
        return room_key(self.gid) if self.gid is not None else private_key(*(self.pair or ("", "")))


class Submission(msgspec.Struct, frozen=True, gc=False):
    """What somebody wants to say in a room (`gid`) or to a person (`uid`), as the site's own rules see it.

    `id` is the one that the client chose, if any.
    """

    member: Member
    content: str
    gid: str | None = None
    uid: str | None = None
    id: str | None = None


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A message that is allowed and waits for its number; `conversation` is the stored id."""

    conversation: int
    uid: str
    name: str
    content: str
    ts: int
    request_id: str | None = None


class Message(msgspec.Struct, frozen=True, gc=False):
    """A committed message: number `seq` of its conversation. `repeated` marks the answer to a repeat."""

    conversation: int
    seq: int
    uid: str
    name: str
    content: str
    ts: int
    request_id: str | None = None
    repeated: bool = False

    @property
    def mid(self) -> str:
        return f"{self.conversation}.{self.seq}"


class Snapshot(msgspec.Struct, frozen=True):
    """What a login is answered from, read at one point between two commits."""

    epoch: str
    memberships: list[Membership]
    missed: dict[int, list[Message]]  # by conversation
    gaps: dict[int, int]  # by conversation: the number the client had
    joined: list[Room]  # default rooms that this login joined
    peers: dict[str, PersonState] = {}  # the partners of private talks, as far as they were ever here


def room_key(gid: str) -> str:
    """The conversation key of a room, on the wire (`resume.seqs`) and in the tables."""
    return f"g:{gid}"


def event_room_key(name: str) -> str:
    """The key of an event room: connections that the site's `join_room` put together, and nothing that is stored."""
    return f"e:{name}"


def private_key(one: str, other: str) -> str:
    """The one conversation key of two people, whoever asks; lengths keep `a|b` + `c` and `a` + `b|c` apart."""
    low, high = sorted((one, other))
    return f"p:{len(low)}:{low}|{high}"


def pair_of(key: str) -> tuple[str, str]:
    """The two people of a `private_key`."""
    _, length, names = key.split(":", 2)
    low = int(length)
    return names[:low], names[low + 1 :]
