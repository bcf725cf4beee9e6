"""Tells people who came, went and turned away, about once a second and only what changed.

Everybody who shares a room or a private talk with somebody is told, but for crowds (`registry.CROWD`): a thousand
people who come back would cost a million frames. What one receiver is told in a round is one write.
"""

from __future__ import annotations

import logging
import time
from time import monotonic

import gevent
from gevent.queue import Queue

from ..actions.presence import News, Presence
from ..actions.requests import Online
from ..core import frames
from ..core.model import room_key
from ..errors import ChatError
from ..storage.presence import Row
from . import framing
from .connection import Connection
from .registry import Person, Registry
from .turns import in_turns

log = logging.getLogger(__name__)

_PAIRS = 2048  # of somebody and who is told of them, before others get the loop
_PAUSE = 1.0  # seconds between two rounds


class PresenceNotices:
    def __init__(self, registry: Registry, presence: Presence, online: Online | None = None):
        self._registry = registry
        self._online = online or registry
        self._presence = presence
        self._roster = presence.roster
        self._count = (0, 0)
        self._crossings: Queue[tuple[str, bool]] = Queue()
        self._stopped = False

    def start(self) -> None:
        self._presence.begin()
        gevent.spawn(self._run)
        gevent.spawn(self._call_back)

    def stop(self) -> None:
        """The worker ends: from now on people only seem to go."""
        self._stopped = True
        self._presence.release()

    def excuse(self, seconds: float) -> None:
        self._roster.excuse(seconds)

    # -- how many ---------------------------------------------------------------------------------------------

    def tell_how_many(self) -> None:
        """Called about once a second, in a greenlet: people and connections at this moment."""
        count = self._online.count()
        if count == self._count:
            return
        self._count = count
        data = framing.frame(framing.TEXT, frames.encode(frames.OnlineNotice(*count)))
        here = [connection for person in self._registry.people.values() for connection in person.connections]
        for connection in in_turns(here):
            connection.write(data, droppable=True)

    # -- who --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopped:
            try:
                self.round(monotonic())
            except ChatError:
                pass  # the store does not answer, as its log says; the same is due in the next round
            except Exception:
                log.exception("presence failed")
            gevent.sleep(_PAUSE)

    def round(self, now: float) -> None:
        """See what changed, commit it, tell it."""
        self._look(now)
        news: list[News] = []
        try:
            while self._settle(news, now):
                pass
        finally:
            self._tell(news)
            self._presence.keep(news)
            for item in news:
                if item.crossed:
                    self._crossings.put((item.change.uid, item.change.online))

    def _look(self, now: float) -> None:
        touched, self._registry.touched = self._registry.touched, set()
        seen = time.time_ns() // 1_000_000
        for uid in in_turns(touched):
            person = self._registry.people.get(uid)
            if person:
                self._roster.here(uid, _is_away(person), now)
            elif not self._stopped:
                self._roster.gone(uid, now, seen)

    def _settle(self, news: list[News], now: float) -> bool:
        settled = self._presence.settle(now)
        news += settled.news
        self._adopt(settled.adopted, now)
        return settled.full

    def _adopt(self, rows: list[Row], now: float) -> None:
        for row in in_turns(rows):
            self._roster.adopt(row.uid, row.away, now, row.seen)

    # -- telling ----------------------------------------------------------------------------------------------

    def _tell(self, news: list[News]) -> None:
        told: dict[Connection, list[bytes]] = {}
        pairs = 0
        for item in in_turns(news):
            change = item.change
            frame = frames.Presence(change.uid, change.online, change.away, change.seen)
            data = framing.frame(framing.TEXT, frames.encode(frame))
            audience = self._audience(item)
            for connection in audience:
                told.setdefault(connection, []).append(data)
            pairs += len(audience)
            if pairs > _PAIRS:
                pairs = 0
                gevent.sleep(0)
        for connection, written in in_turns(told.items()):
            connection.frames_out += len(written) - 1
            connection.write(b"".join(written), droppable=True)

    def _audience(self, item: News) -> set[Connection]:
        keys = map(room_key, item.audience.gids)
        return self._registry.audience(keys, item.audience.peers, item.change.uid)

    # -- the site's own code ----------------------------------------------------------------------------------

    def _call_back(self) -> None:
        """One after the other, in a greenlet of its own: a slow one delays only those behind it."""
        while True:
            self._presence.call_back(*self._crossings.get())


def _is_away(person: Person) -> bool:
    return all(socket.session.away for socket in person.sockets)
