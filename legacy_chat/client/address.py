"""Where a chat is: the one address that people know, and those that the transports need."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

_SCHEMES = {"http": "", "ws": "", "https": "s", "wss": "s"}


@dataclass(frozen=True, slots=True)
class Address:
    """`socket` and `poll` are URLs below the chat's prefix; `site` is what a browser would name in `Origin`."""

    socket: str
    poll: str
    site: str


def read(url: str) -> Address:
    """From `https://host/chat` or `wss://host/chat/ws`. Raises `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise ValueError(f"{url!r} must be like https://host/chat or wss://host/chat/ws")
    named = parts.scheme.startswith("ws")
    prefix = (parts.path.removesuffix("/ws") if named else parts.path).rstrip("/")
    path, s = parts.path if named else prefix + "/ws", _SCHEMES[parts.scheme]
    return Address(
        f"ws{s}://{parts.netloc}{path}", f"http{s}://{parts.netloc}{prefix}/poll", f"http{s}://{parts.netloc}"
    )
