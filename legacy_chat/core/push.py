"""A push: what a back end says to people, as it comes over HTTP, from Python or from the shell.

An event is for pages that are open now. With `durable` the content is a stored message as well, which those who are
away find at their next login.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from .frames import TYPES, Key

# What a page's `client.on` tells of itself, and what is for the server's own handlers.
_OF_THE_CLIENT = ("state", "transport")
_OF_THE_SERVER = ("connect", "disconnect", "close")
# Under these no page would ever hear an event of the site's.
TAKEN = TYPES.union(_OF_THE_CLIENT, _OF_THE_SERVER)

EVENT_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$"
# Checked in words of ours; the pattern is for the schema alone. Besides, msgspec's `$` lets a newline at the end pass.
EventName = Annotated[str, Meta(extra_json_schema={"pattern": EVENT_NAME, "not": {"enum": sorted(TAKEN)}})]
DEFAULT_NAME = "push"


def checked_event_name(name: Any) -> str:
    """Raises `ValueError` for what cannot be an event's name."""
    if not isinstance(name, str) or not re.fullmatch(EVENT_NAME, name):
        raise ValueError(f"{name!r} cannot be an event's name: use 1 to 64 letters, digits or _ . : - characters.")
    return name


def checked_told_name(name: Any) -> str:
    """As `checked_event_name`, for what a page is told; `ValueError` for a name that is taken there."""
    if checked_event_name(name) in TAKEN:
        raise ValueError(
            f"{name!r} is no name for an event of yours, pages keep it for others: {', '.join(sorted(TAKEN))}"
        )
    return str(name)


# People named in one push; more is a room, or everybody.
MOST_PEOPLE = 10_000


class Sender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In whose name a durable message is stored; without a name it is the one last seen, or the uid."""

    uid: Key = "site"
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET

    def shown(self, known: str | None) -> str:
        """The name to store; `known` is the one last seen."""
        if self.name is not UNSET:
            return self.name
        return known or ("Site" if self.uid == "site" else str(self.uid))


class Push(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Exactly one of `uid`, `uids`, `gid` and `all`; `content` (text), or `name` and `data` (any JSON)."""

    uid: Key | UnsetType = UNSET
    uids: Annotated[list[Key], Meta(min_length=1, max_length=MOST_PEOPLE)] | UnsetType = UNSET
    gid: Key | UnsetType = UNSET
    all: bool = False
    content: str | UnsetType = UNSET
    name: EventName | UnsetType = UNSET
    data: Any = UNSET
    durable: bool = False
    sender: Sender = Sender()
    # Milliseconds since the epoch, and between two repeats.
    at: Annotated[int, Meta(ge=0, le=2**53)] | UnsetType = UNSET
    every: Annotated[int, Meta(ge=1000, le=366 * 86_400_000)] | UnsetType = UNSET

    def __post_init__(self) -> None:
        targets = [self.uid is not UNSET, self.uids is not UNSET, self.gid is not UNSET, self.all]
        if sum(targets) != 1:
            raise ValueError("Name exactly one of `uid`, `uids`, `gid` and `all`")
        if (self.content is UNSET) == (self.name is UNSET):
            raise ValueError("Give either `content`, or the `name` of an event")
        if self.durable and (self.content is UNSET or self.all):
            raise ValueError("A durable push has `content`, and goes to people or to a room")
        if self.name is not UNSET:
            checked_told_name(self.name)

    @property
    def people(self) -> tuple[str, ...] | None:
        """The uids as strings, each once; None where it goes to a room or to all."""
        if self.uid is not UNSET:
            return (str(self.uid),)
        return None if self.uids is UNSET else tuple(dict.fromkeys(map(str, self.uids)))


class Pushed(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """How far a push went: people and pages that got it now, messages stored; `id` of one that waits for its time."""

    users: int
    connections: int
    stored: int
    id: str | UnsetType = UNSET


class Errand(msgspec.Struct, frozen=True, omit_defaults=True):
    """A push on its way to be carried out, if need be by another process.

    What is stored under one `request_id` is stored once, however often it is carried out. `quiet`: a message and
    nothing else, no event for open pages.
    """

    push: Push
    request_id: str
    quiet: bool = False

    @property
    def repeatable(self) -> bool:
        """It is stored, so that doing it twice is doing it once."""
        push = self.push
        return push.durable or push.at is not UNSET or push.every is not UNSET
