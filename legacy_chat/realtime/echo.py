"""Sends every message back as it came: for conformance tests of the transport, off unless CHAT_TEST_ECHO is set."""

from __future__ import annotations

from ..core.limits import Rate
from . import framing
from .websocket import Limits, WebSocket

LIMITS = Limits(message_bytes=16 * 2**20, fragments=100_000, rate=Rate(0, 0), outbox_bytes=64 * 2**20)


class Echo(WebSocket):
    __slots__ = ()

    def received(self, opcode: int, payload: bytes, wait: float) -> None:
        self.write(framing.frame(opcode, payload))
