"""Tells people who came and who went and how many are here, about once a second and only what changed.

Somebody who is gone for less than the grace period (a page change, a reload) was never gone for the others. A crowd is
not told (`registry.CROWD`).
"""

from __future__ import annotations

import gevent

from ..core import frames
from . import framing
from .connection import Connection
from .registry import CROWD, Person, Registry

GRACE = 3.0  # seconds
_TURN = 256  # writes before others get the loop


class PresenceNotices:
    def __init__(self, registry: Registry):
        self._registry = registry
        self._announced: dict[str, Person] = {}
        self._gone: dict[str, float] = {}
        self._count = (0, 0)

    def tick(self, now: float) -> None:
        """Called about once a second, in a greenlet."""
        self._tell_who(now)
        self._tell_how_many()

    def _tell_how_many(self) -> None:
        count = self._registry.count()
        if count == self._count:
            return
        self._count = count
        data = framing.frame(framing.TEXT, frames.encode(frames.OnlineNotice(*count)))
        here = [connection for person in self._registry.people.values() for connection in person.connections]
        for number, connection in enumerate(here, 1):
            connection.write(data, droppable=True)
            if number % _TURN == 0:
                gevent.sleep(0)

    def _tell_who(self, now: float) -> None:
        here = dict(self._registry.people)  # telling may find somebody gone, who then leaves the registry
        for uid in here.keys() - self._announced.keys():
            self._tell(uid, True, here[uid])
        for uid in here.keys() & self._gone.keys():
            del self._gone[uid]
        for uid in self._announced.keys() - here.keys():
            if now >= self._gone.setdefault(uid, now + GRACE):
                del self._gone[uid]
                self._tell(uid, False, self._announced.pop(uid))
        self._announced.update(here)

    def _tell(self, uid: str, online: bool, person: Person) -> None:
        """Everybody who shares a room with this person, once, however many rooms that are."""
        data = framing.frame(framing.TEXT, frames.encode(frames.Presence(uid, online)))
        told: set[Connection] = set()
        for room in person.rooms.values():
            channel = self._registry.channels.get(room.conversation.key)
            if channel and len(channel) <= CROWD:
                told.update(channel)
        for connection in told:
            member = connection.session.member
            if member and member.uid != uid:
                connection.write(data, droppable=True)
