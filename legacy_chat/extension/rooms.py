"""Rooms bound to the site's own objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from flask import url_for

from ..actions.rooms import Rooms
from ..actions.site_rooms import SiteRooms
from ..core.model import Room
from .aspect import Aspect, state_of_app


class RoomCalls(Aspect):
    def room(
        self,
        gid: str,
        name: str | None = None,
        *,
        private: bool | None = None,
        members: Iterable[str | int] = (),
    ) -> Room:
        """The room with this key, made (public, unless `private`) where there is none; the same call again is free.

        A name or privacy that is given is the room's from then on; `members` (uids) are added, nobody is removed.
        Raises `Exists` for a room that a person opened, `BadText`, `Empty` or `TooLong`.
        """
        return SiteRooms(state_of_app().parts).ensure(gid, name, private, members)

    def add(self, gid: str, *uids: str | int) -> None:
        """Bring people into a room; their open pages show it at once. Raises `UnknownRoom` or `BadText`."""
        SiteRooms(state_of_app().parts).add(gid, uids)

    def remove(self, gid: str, *uids: str | int) -> None:
        """Take people out of a room: nothing more is delivered to them. Raises `UnknownRoom`."""
        rooms = Rooms(state_of_app().parts)
        for uid in uids:
            rooms.remove(gid, str(uid))

    def set_members(self, gid: str, uids: Iterable[str | int]) -> None:
        """Exactly these people belong to the room. Raises as `add`."""
        SiteRooms(state_of_app().parts).set_members(gid, uids)

    def url_for_room(self, gid: str, **values: Any) -> str:
        """The address of the chat page with this room open, for templates; `values` are those of Flask's `url_for`."""
        return f"{url_for('legacy_chat.page', **values)}#{quote(f'g:{gid}', safe=':@+')}"
