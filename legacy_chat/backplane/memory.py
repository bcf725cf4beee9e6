"""The backplane of a site with one worker: a notice reaches its receivers at once."""

from __future__ import annotations

import logging

from ..errors import Unavailable
from .contract import Count, Notice, Reach, Receive, nobody

log = logging.getLogger(__name__)


class MemoryBackplane:
    def __init__(self) -> None:
        self._receivers: list[tuple[Receive, Count]] = []

    def subscribe(self, receive: Receive, count: Count = nobody) -> None:
        self._receivers.append((receive, count))

    def publish(self, notice: Notice) -> None:
        for receive, _ in self._receivers:
            try:
                receive(notice)
            except Exception:
                log.exception("a notice was not handed on")

    def deliver(self, notice: Notice) -> Reach:
        if not self._receivers:
            raise Unavailable("No chat worker runs in this process: nobody took it.", retry_after=1.0)
        reached = [count(notice) for _, count in self._receivers]
        self.publish(notice)
        return Reach(sum(r.users for r in reached), sum(r.connections for r in reached))
