"""The backplane of a site with one worker: a notice reaches its receivers at once."""

from __future__ import annotations

import logging

from .contract import Notice, Receive

log = logging.getLogger(__name__)


class MemoryBackplane:
    def __init__(self) -> None:
        self._receivers: list[Receive] = []

    def subscribe(self, receive: Receive) -> None:
        self._receivers.append(receive)

    def publish(self, notice: Notice) -> None:
        for receive in self._receivers:
            try:
                receive(notice)
            except Exception:
                log.exception("a notice was not handed on")
