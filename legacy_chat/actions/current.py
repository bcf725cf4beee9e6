"""Who speaks, while a handler of the site runs; and what it may say and do to that connection.

The names are those of Flask-SocketIO and mean what they mean there. They need a handler: from anywhere else it is
`chat.emit` and `chat.broadcast`.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ..backplane.contract import ToAll, ToRoom
from ..core import access, close, frames
from ..core.model import Member, event_room_key, room_key
from ..core.push import checked_told_name
from ..core.text import check_name
from ..errors import BadText, Forbidden
from ..storage import rooms as stored_rooms
from .parts import Parts

if TYPE_CHECKING:
    from .requests import Client


# What an event that was told costs beside its data, and an event room.
_EACH = 200


class Done:
    """What a handler did to the connection that speaks, for somebody who repeats the request."""

    def __init__(self) -> None:
        self.told: list[frames.SiteEvent] = []
        self.rooms: dict[str, bool] = {}  # event rooms that it was put into (True) or taken out of

    @property
    def size(self) -> int:
        """In bytes, about."""
        return sum(_EACH + len(bytes(event.data)) for event in self.told) + _EACH * len(self.rooms)

    def holds_for(self, client: Client) -> bool:
        """The connection is in those rooms and out of them; else it is the handler's to say whether it may."""
        return all((room in client.session.rooms) == inside for room, inside in self.rooms.items())

    def tell_again(self, client: Client) -> None:
        for event in self.told:
            client.send(event)


class Speaking(NamedTuple):
    """One call of a handler: whose connection it is, and what was done to it."""

    client: Client
    parts: Parts
    done: Done


speaking: ContextVar[Speaking] = ContextVar("legacy_chat.speaking")


def _speaking() -> Speaking:
    found = speaking.get(None)
    if found is None:
        raise RuntimeError(
            "Nobody speaks here: this is for the handlers of `@chat.on`. "
            "Elsewhere say it with `chat.emit(event, uid, data)` or `chat.broadcast(event, data)`."
        )
    return found


class Current:
    """Whoever speaks. Raises `RuntimeError` outside of a handler."""

    @property
    def member(self) -> Member:
        """`uid`, `name`, `device`."""
        member = _speaking().client.session.member
        assert member is not None  # noqa: S101 - handlers run after the login
        return member

    @property
    def client_id(self) -> int:
        """The number of the speaking connection."""
        return _speaking().client.client_id

    @property
    def rooms(self) -> tuple[str, ...]:
        """The event rooms of the speaking connection, by name."""
        return tuple(sorted(_speaking().client.session.rooms))


current = Current()


def emit(
    event: str,
    data: Any = None,
    *,
    to: str | int | None = None,
    room: str | int | None = None,
    broadcast: bool = False,
    include_self: bool = True,
) -> None:
    """An event for the speaking connection alone; `to` an event room, to a chat `room`, or `broadcast` to everybody.

    Raises `TypeError` for data that cannot be JSON, `ValueError` for what no event can be (a name that pages keep for
    others, too much data), `UnknownRoom`.
    """
    now = _speaking()
    client, parts = now.client, now.parts
    if sum((to is not None, room is not None, broadcast)) > 1:
        raise ValueError("Name one of `to`, `room` and `broadcast`.")
    name, raw = checked_told_name(event), encoded(data, parts.settings.max_message_bytes)
    site_event = frames.SiteEvent(name=name, data=raw)
    if to is None and room is None and not broadcast:
        client.send(site_event)
        now.done.told.append(site_event)
        return
    frame, skip = frames.encode(site_event), None if include_self else client.client_id
    if broadcast:
        parts.backplane.publish(ToAll(frame, skip=skip))
    else:
        key = event_room_key(event_room(to)) if to is not None else _key_of(client, parts, str(room))
        parts.backplane.publish(ToRoom(key, frame, skip=skip))


def _key_of(client: Client, parts: Parts, gid: str) -> str:
    if client.room(gid) is None and parts.read(lambda c: stored_rooms.find_room(c, gid)) is None:
        raise access.unknown_room(gid)
    return room_key(gid)


def encoded(data: Any, limit: int) -> msgspec.Raw:
    """The data as JSON of at most `limit` bytes. Raises `TypeError` or `ValueError`."""
    try:
        raw = frames.encode(data)
        frames.refuse_nan(data, raw)
    except (ValueError, OverflowError, RecursionError) as error:
        raise TypeError(f"The data cannot be written as JSON: {error}.") from None
    if len(raw) > limit:
        raise ValueError(f"An event has at most {limit} bytes of JSON (CHAT_MAX_MESSAGE_BYTES); this has {len(raw)}.")
    return msgspec.Raw(raw)


def send(data: Any, **where: Any) -> None:
    """`emit` of the event `message`."""
    emit("message", data, **where)


def event_room(name: Any) -> str:
    """The name of an event room. What a page sent may be anything: null would be one room for all who send it."""
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise BadText(f"The room's name is to be a text or a number, not {'null' if name is None else _kind(name)}.")
    return check_name(str(name), "room's name", 64)


def _kind(value: Any) -> str:
    return {"dict": "an object", "list": "a list"}.get(type(value).__name__, f"a {type(value).__name__}")


def join_room(name: str | int) -> None:
    """Put the speaking connection into an event room, until it leaves or ends; nothing is stored.

    Raises `BadText`, `Empty` or `TooLong` for what is no name (1 to 64 characters, or a number), and `Forbidden`
    where it would be in more than CHAT_MAX_ROOMS.
    """
    now = _speaking()
    room, most = event_room(name), now.parts.settings.max_rooms
    if len(now.client.session.rooms | {room}) > most:
        raise Forbidden(f"A connection may be in {most} event rooms: leave one first.")
    now.done.rooms[room] = True
    if room not in now.client.session.rooms:
        now.client.session.rooms |= {room}
        now.client.enter(room)


def leave_room(name: str | int) -> None:
    """Take the speaking connection out of an event room; nothing happens where it is not in it.

    Raises as `join_room` for what is no name.
    """
    room, now = event_room(name), _speaking()
    now.done.rooms[room] = False
    if room in now.client.session.rooms:
        now.client.session.rooms -= {room}
        now.client.exit(room)


def rooms() -> list[str]:
    """The event rooms of the speaking connection."""
    return list(current.rooms)


def disconnect() -> None:
    """End the speaking connection; its page does not come back by itself."""
    client = _speaking().client
    client.close(close.DISMISSED, "the site ended the connection")
