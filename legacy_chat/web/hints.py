"""What a proxy in front did to a WebSocket handshake, in words and with the line that mends it.

A proxy that knows nothing of WebSockets takes out what is meant for the next hop (RFC 9110 §7.6.1) and passes the rest
on, the key of the handshake among it: that is how it is told from a plain visit.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

# Seconds until the same fault is told again: whoever meets it tries again and again.
_QUIET = 60.0

_WHOLE = "`flask chat proxy nginx` (or apache, or caddy) prints a whole configuration."
_ORIGIN = "This origin may not connect: list it in CHAT_ALLOWED_ORIGINS."


def proxied(environ: Mapping[str, Any]) -> bool:
    """Whether a proxy says that it passed this request on."""
    return "HTTP_X_FORWARDED_FOR" in environ or "HTTP_VIA" in environ


def missing(environ: Mapping[str, Any]) -> str | None:
    """Which parts of a handshake did not arrive; None where it is whole, or none at all."""
    if not environ.get("HTTP_SEC_WEBSOCKET_KEY"):
        return None
    parts = []
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        parts.append(("HTTP/1.1", "proxy_http_version 1.1;"))
    if "websocket" not in environ.get("HTTP_UPGRADE", "").lower():
        parts.append(("the Upgrade header", "proxy_set_header Upgrade $http_upgrade;"))
    if "upgrade" not in environ.get("HTTP_CONNECTION", "").lower():
        parts.append(("the Connection header", 'proxy_set_header Connection "upgrade";'))
    if not parts:
        return None
    names, lines = " and ".join(name for name, _ in parts), " ".join(line for _, line in parts)
    return f"A WebSocket came without {names}: the proxy in front has to pass it on. nginx: {lines} {_WHOLE}"


def foreign(environ: Mapping[str, Any]) -> str:
    """Why an origin is not the site's own: it is another site's, or the proxy hides what the browser asked for."""
    if not proxied(environ):
        return _ORIGIN
    try:
        origin, host = urlsplit(environ.get("HTTP_ORIGIN", "")), environ.get("HTTP_HOST", "")
    except ValueError:
        return _ORIGIN
    if origin.scheme not in ("http", "https"):
        return _ORIGIN
    if origin.netloc.lower() == host.lower():
        line = f"the proxy in front has to say {origin.scheme}. nginx: proxy_set_header X-Forwarded-Proto $scheme;"
    else:
        line = "the proxy in front has to pass the Host on. nginx: proxy_set_header Host $http_host;"
    return f"{_ORIGIN} If it is the site's own, {line}"


class Complaints:
    """Lines for the log, each once a minute."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def tell(self, fault: str, environ: Mapping[str, Any]) -> None:
        """`fault` is one of a few; what the visitor sent is shown beside it."""
        now = monotonic()
        if now - self._told.get(fault, -_QUIET) >= _QUIET:
            self._told[fault] = now
            sent = [f"{name} {environ.get(key, '-')[:100]!r}" for name, key in _SHOWN]
            log.warning("a WebSocket was refused (%s): %s", ", ".join(sent), fault)


_SHOWN = (("Host", "HTTP_HOST"), ("Origin", "HTTP_ORIGIN"), ("from", "REMOTE_ADDR"))
