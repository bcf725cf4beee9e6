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
from .whom import Person, gid_of, members_of, uids_of


class RoomCalls(Aspect):
    """People are uids, `Member`s or the site's own users. Whoever never opened the chat is shown by the name that a
    `Member` or the `member_loader` gives. What cannot be somebody raises `BadShape`, and nothing is done.
    """

    def room(
        self,
        gid: str | int,
        name: str | None = None,
        *,
        private: bool | None = None,
        members: Iterable[Person] = (),
    ) -> Room:
        """The room with this key, made (public, unless `private`) where there is none; the same call again is free.

        A name or privacy that is given is the room's from then on; `members` are added, nobody is removed.
        Raises `Exists` for a room that a person opened, `BadText`, `Empty` or `TooLong`.
        """
        return SiteRooms(state_of_app().parts).ensure(gid_of(gid), name, private, members_of(members))

    def add(self, gid: str | int, *uids: Person) -> None:
        """Bring people into a room; their open pages show it at once.

        Raises `UnknownRoom`, `BadText`, or `Forbidden` for a user whom the site does not let into its chat.
        """
        SiteRooms(state_of_app().parts).add(gid_of(gid), members_of(uids))

    def remove(self, gid: str | int, *uids: Person) -> None:
        """Take people out of a room: nothing more is delivered to them. Raises `UnknownRoom`."""
        rooms, gid = Rooms(state_of_app().parts), gid_of(gid)
        for uid in uids_of(uids):
            rooms.remove(gid, uid)

    def set_members(self, gid: str | int, uids: Iterable[Person]) -> None:
        """Exactly these people belong to the room. Raises as `add`."""
        SiteRooms(state_of_app().parts).set_members(gid_of(gid), members_of(uids))

    def url_for_room(self, gid: str | int, **values: Any) -> str:
        """The address of the chat page with this room open, for templates; `values` are those of Flask's `url_for`."""
        return f"{url_for('legacy_chat.page', **values)}#{quote(f'g:{gid_of(gid)}', safe=':@+')}"
