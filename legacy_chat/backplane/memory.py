"""The backplane of a site with one worker: a notice reaches its receivers at once.

Other threads and processes than the worker's loop hand theirs to it over the relay.
"""

from __future__ import annotations

import logging
import threading

from ..errors import ChatError, Unavailable
from .contract import Count, Notice, Reach, Receive, nobody
from .relay import Relay

log = logging.getLogger(__name__)


class MemoryBackplane:
    def __init__(self, relay: Relay | None = None) -> None:
        self._receivers: list[tuple[Receive, Count]] = []
        self._relay = relay
        self._thread = 0

    def subscribe(self, receive: Receive, count: Count = nobody) -> None:
        self._receivers.append((receive, count))
        self._thread = threading.get_native_id()

    @property
    def here(self) -> bool:
        return bool(self._receivers) and threading.get_native_id() == self._thread

    def publish(self, notice: Notice) -> None:
        try:
            if self.here or not self._relay:
                self._hand_on(notice)
            else:
                self._relay.tell(notice)
        except ChatError as error:
            log.warning("a notice did not reach the chat worker: %s", error.message)

    def _hand_on(self, notice: Notice) -> None:
        for receive, _ in self._receivers:
            try:
                receive(notice)
            except Exception:
                log.exception("a notice was not handed on")

    def deliver(self, notice: Notice) -> Reach:
        if self.here or not self._relay:
            if not self._receivers:
                raise Unavailable("No chat worker runs: nobody took it.", retry_after=1.0)
            reached = self.reach(notice)
            self._hand_on(notice)
            return reached
        told = self._relay.tell(notice)
        if told is None:
            raise Unavailable("No chat worker runs: nobody took it.", retry_after=1.0)
        return told

    def reach(self, notice: Notice) -> Reach:
        reached = [count(notice) for _, count in self._receivers]
        return Reach(sum(r.users for r in reached), sum(r.connections for r in reached))
