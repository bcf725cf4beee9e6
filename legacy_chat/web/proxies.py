"""What stands in front of the site: whose `X-Forwarded-*` headers count."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

WSGIApp = Callable[..., Iterable[bytes]]

# Under which names middlewares keep what they wrap.
_INNER = ("app", "wsgi_app", "application", "_app", "wrapped", "_wrapped")


def behind(door: WSGIApp, wrapped: Any, hops: int) -> WSGIApp:
    """A door as seen through `hops` proxies (CHAT_TRUSTED_PROXIES), or those that the site has told `ProxyFix` of.

    The site's own `ProxyFix` may stand behind the door, among what the door has `wrapped`.
    """
    if hops:
        return ProxyFix(door, x_for=hops, x_proto=hops, x_host=hops)
    own = _find(wrapped)
    if own is None:
        return door
    return ProxyFix(door, own.x_for, own.x_proto, own.x_host, own.x_port, own.x_prefix)


def trusted(wrapped: Any, hops: int) -> int:
    """How many proxies are believed in what they say of the visitor's address."""
    own = None if hops else _find(wrapped)
    return hops if own is None else own.x_for


def _find(wrapped: Any) -> ProxyFix | None:
    seen = 0
    while wrapped is not None and not isinstance(wrapped, ProxyFix) and seen < 20:
        wrapped = next((vars(wrapped)[name] for name in _INNER if name in getattr(wrapped, "__dict__", ())), None)
        seen += 1
    return wrapped if isinstance(wrapped, ProxyFix) else None
