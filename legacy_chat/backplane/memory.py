"""The backplane of a site with one worker: a notice reaches its receivers at once."""

from __future__ import annotations

from .contract import Notice, Receive


class MemoryBackplane:
    def __init__(self) -> None:
        self._receivers: list[Receive] = []

    def subscribe(self, receive: Receive) -> None:
        self._receivers.append(receive)

    def publish(self, notice: Notice) -> None:
        for receive in self._receivers:
            receive(notice)
