"""Bodies of requests at the chat's own addresses: anybody may send one, so each has an end, and may end too early."""

from __future__ import annotations

import io
from typing import Any

from ..errors import BadRequest, TooLarge

# Bytes; one more than the HTTP API takes, which has words of its own for that.
MOST = (1 << 20) + 1
# Where a stranger may post: what parses it does so in the loop, and takes milliseconds for each 10 KB.
LEAST = 1 << 16


def most_for(text_chars: int) -> int:
    """Bytes for a form with one text in it, each letter of which may be twelve."""
    return max(LEAST, 12 * text_chars + 4096)


class Body(io.RawIOBase):
    """The input of a request, read as far as `most` bytes.

    Reading raises `TooLarge` for a longer one, and `BadRequest` for one that was cut off. Then it is `broken`: nobody
    knows where the next request would begin, so the connection has to end.
    """

    def __init__(self, environ: dict[str, Any], most: int):
        self._input = environ["wsgi.input"]
        self._most = self._left = most
        length = environ.get("CONTENT_LENGTH") or ""
        self._too_large = length.isdigit() and int(length) > most
        self.broken = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b"" if self._too_large else self._read(len(buffer))
        self._left -= len(data)
        if self._too_large or self._left < 0:
            raise TooLarge(f"A body has at most {self._most} bytes here.")
        buffer[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        try:
            data: bytes = self._input.read(min(size, self._left + 1))
        except OSError:  # the client has gone, or sends no chunks
            self.broken = True
            raise BadRequest("The body of the request was cut off.") from None
        return data
