"""Whose page sent a request: a browser names the origin wherever it matters."""

from __future__ import annotations

from typing import Any

from ..core import handshake
from ..settings import Settings


def is_own(environ: dict[str, Any], settings: Settings, allowed: tuple[str, ...] | None = None) -> bool:
    """Whether the site's cookie may count: a page of the site itself or of an `allowed` origin sent it.

    A client that names no origin is no browser and carries nobody's cookie.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        return environ.get("HTTP_SEC_FETCH_SITE", "none") in ("none", "same-origin")
    scheme = environ.get("wsgi.url_scheme", "http")
    # Without a proxy that we know of, the scheme is our own only where TLS ends here.
    trusted = bool(settings.trusted_proxies) or scheme == "https"
    allowed = settings.allowed_origins if allowed is None else allowed
    return handshake.same_origin(origin, environ.get("HTTP_HOST", ""), scheme, allowed, trusted)
