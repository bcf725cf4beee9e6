"""This worker's connections by event room: those that the site's `join_room` put together, as long as they last."""

from __future__ import annotations

from ..backplane.contract import Reach
from ..core.model import event_room_key
from .connection import Connection


class EventRooms:
    def __init__(self) -> None:
        self._members: dict[str, set[Connection]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def enter(self, connection: Connection, room: str) -> None:
        self._members.setdefault(event_room_key(room), set()).add(connection)

    def leave(self, connection: Connection, room: str) -> None:
        """Nothing happens where it is not in there; a room ends with its last connection."""
        key = event_room_key(room)
        members = self._members.get(key, set())
        members.discard(connection)
        if not members:
            self._members.pop(key, None)

    def remove(self, connection: Connection) -> None:
        """The connection has ended."""
        for room in connection.session.rooms:
            self.leave(connection, room)

    def of(self, key: str) -> list[Connection]:
        return list(self._members.get(key, ()))

    def reach(self, key: str) -> Reach:
        members = self.of(key)
        people = {connection.session.member for connection in members}
        return Reach(len({member.uid for member in people if member}), len(members))
