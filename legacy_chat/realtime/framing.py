"""WebSocket frames (RFC 6455 §5): bytes from the network into messages.

The common case, whole small frames in one read, is cut out in place by `whole_frames`. Everything else (partial
frames, fragments, closes, anything wrong) goes through `Assembler`, which wraps websockets' Sans-I/O protocol; it
exists only while a frame or a message is incomplete.
"""

from __future__ import annotations

import codecs
import logging
import struct
from collections.abc import Iterator
from typing import NamedTuple

from websockets.frames import Close, Frame, Opcode
from websockets.protocol import SERVER, Protocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the C extension
    from websockets.utils import apply_mask

from ..core import close

TEXT, BINARY, CONTINUATION = int(Opcode.TEXT), int(Opcode.BINARY), int(Opcode.CONT)
PING, PONG = int(Opcode.PING), int(Opcode.PONG)

_FINAL = 0x80
_MASKED = 0x80
_WHOLE = frozenset((_FINAL | TEXT, _FINAL | PING, _FINAL | PONG))

# Bytes handed to the protocol at a time: with six bytes a frame at least, this bounds the frames between two
# looks at the rate limit.
_SLICE = 1024

_silent = logging.getLogger("legacy_chat.websockets")
_silent.setLevel(logging.CRITICAL)


class Item(NamedTuple):
    """A whole message (`TEXT`, `BINARY`), a control frame (`PING`, `PONG`), or a piece of a message that is not
    whole yet (`CONTINUATION`, without payload)."""

    opcode: int
    payload: bytes


class Closed(Exception):
    """The peer has ended the connection, or broken it: `code` for the log, `output` is the last to be sent."""

    def __init__(self, code: int, output: bytes):
        super().__init__(code)
        self.code = code
        self.output = output


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole unmasked frame (RFC 6455 §5.2). A few times quicker than `websockets.frames.Frame.serialize`."""
    length = len(payload)
    if length < 126:
        return struct.pack("!BB", _FINAL | opcode, length) + payload
    if length < 65536:
        return struct.pack("!BBH", _FINAL | opcode, 126, length) + payload
    return struct.pack("!BBQ", _FINAL | opcode, 127, length) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut to what a control frame can carry (RFC 6455 §5.5)."""
    payload = Close(code, reason.encode()[:123].decode(errors="ignore")).serialize()
    return frame(int(Opcode.CLOSE), payload)


def whole_frames(data: bytes, limit: int) -> tuple[list[Item], int]:
    """The complete, unfragmented text, ping and pong frames at the start of `data`, and where they end.

    Stops before the first byte of anything else, or of a frame longer than `limit` or 65535 bytes.
    """
    items: list[Item] = []
    at, end = 0, len(data)
    while end - at >= 6 and data[at] in _WHOLE and data[at + 1] & _MASKED:
        opcode, length, head = data[at] & 0x0F, data[at + 1] & 0x7F, at + 6
        if length >= 126:
            if length == 127 or opcode != TEXT or end - at < 8:
                break
            length, head = data[at + 2] << 8 | data[at + 3], at + 8
        if length > limit or head + length > end:
            break
        at = head + length
        items.append(Item(opcode, apply_mask(data[head:at], data[head - 4 : head])))
    return items, at


def is_utf8(payload: bytes) -> bool:
    if payload.isascii():
        return True
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


class Assembler:
    """The long way of a connection's bytes, from one message boundary to the next.

    `limit` bytes and `fragments` pieces are the most a message may have.
    """

    def __init__(self, limit: int, fragments: int):
        self._protocol = Protocol(SERVER, max_size=limit, logger=_silent)
        self._most_fragments = fragments
        self._opcode = TEXT
        self._parts: list[bytes] = []
        self._utf8 = codecs.getincrementaldecoder("utf-8")()

    @property
    def idle(self) -> bool:
        """No frame and no message is incomplete: this object may go."""
        waits_for = getattr(getattr(self._protocol.parser, "gi_yieldfrom", None), "__name__", "")
        return waits_for == "at_eof" and not self._parts

    def feed(self, data: bytes) -> Iterator[Item]:
        """The items that `data` completes. Raises `Closed` after the last of them."""
        protocol = self._protocol
        for start in range(0, len(data), _SLICE):
            protocol.receive_data(data[start : start + _SLICE])
            for event in protocol.events_received():
                if isinstance(event, Frame) and event.opcode is not Opcode.CLOSE:
                    yield self._item(event)
            if protocol.close_sent is not None:
                raise self._closed()

    def _item(self, event: Frame) -> Item:
        opcode = int(event.opcode)
        if opcode in (PING, PONG):
            return Item(opcode, bytes(event.data))
        if opcode != CONTINUATION:
            self._opcode = opcode
        return self._message(bytes(event.data), event.fin)

    def _message(self, part: bytes, final: bool) -> Item:
        if self._opcode == TEXT:
            try:
                self._utf8.decode(part, final)
            except UnicodeDecodeError:
                raise self.fail(close.INVALID_TEXT, "text must be UTF-8") from None
        self._parts.append(part)
        if len(self._parts) > self._most_fragments:
            raise self.fail(close.POLICY, f"more than {self._most_fragments} fragments")
        if not final:
            return Item(CONTINUATION, b"")
        whole, self._parts = b"".join(self._parts), []
        return Item(self._opcode, whole)

    def fail(self, code: int, reason: str) -> Closed:
        return Closed(code, close_frame(code, reason))

    def _closed(self) -> Closed:
        protocol = self._protocol
        received = protocol.close_rcvd
        if received is not None:
            # Also between the fragments of a message, which nobody will finish now (RFC 6455 §5.5.1).
            payload = b"" if received.code == close.NO_STATUS else received.serialize()
            return Closed(int(received.code), frame(int(Opcode.CLOSE), payload))
        # Pings were answered by whoever consumed the items; of the protocol's own output only the close counts.
        output = [data for data in protocol.data_to_send() if data[:1] == b"\x88"]
        return Closed(protocol.close_sent.code if protocol.close_sent else close.ABNORMAL, b"".join(output))
