"""Who may see, join, post and invite: plain functions over plain values."""

from __future__ import annotations

from ..errors import NotMember, UnknownRoom
from .model import Room


def unknown_room(gid: str) -> UnknownRoom:
    """The same words for a missing and a private room, so that a stranger cannot tell them apart."""
    return UnknownRoom(f"There is no room {gid!r} here, or it is private and somebody must invite you.")


def check_see(room: Room | None, gid: str, member: bool) -> Room:
    """A room somebody asks for, if that person may know of it."""
    if room is None or (room.private and not member):
        raise unknown_room(gid)
    return room


def check_member(room: Room | None, gid: str, member: bool) -> Room:
    """A room somebody wants to read, write or invite to: members only."""
    room = check_see(room, gid, member)
    if not member:
        raise NotMember(f"You are not in the room {gid!r}: join it first.")
    return room
