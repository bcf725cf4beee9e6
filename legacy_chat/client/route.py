"""How to reach an address over HTTP: a connection, and the proxy of the environment where there is one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from http.client import HTTPConnection, HTTPSConnection
from ssl import SSLContext
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from .cord import Cord


class Route:
    """`target` and `headers` belong into every request on a connection that `dial` made."""

    def __init__(self, url: str, ssl: SSLContext | None = None):
        parts = urlsplit(url)
        self.target, self.headers = parts.path, dict[str, str]()
        self._host, self._port = parts.hostname or "", parts.port
        self._make = _maker(parts.scheme, ssl)
        self._proxy = _proxy(parts)
        if self._proxy and parts.scheme == "http":  # such a proxy reads each request, a tunnel only its beginning
            self.target, self.headers = url, _authorization(self._proxy)
        self._tunnel = parts.scheme == "https"

    def dial(self, timeout: float, cord: Cord | None = None) -> HTTPConnection:
        """Not connected yet; a `cord` can end it."""
        proxy = self._proxy
        where = (proxy.hostname or "", proxy.port) if proxy else (self._host, self._port)
        connection = self._make(*where, timeout=timeout)
        connection._create_connection = (cord or Cord()).dial  # type: ignore[attr-defined]
        if proxy and self._tunnel:
            connection.set_tunnel(self._host, self._port, _authorization(proxy))
        return connection


def _maker(scheme: str, ssl: SSLContext | None) -> Callable[..., HTTPConnection]:
    if scheme == "http":
        return HTTPConnection
    return lambda *where, **how: HTTPSConnection(*where, context=ssl, **how)


def _proxy(parts: SplitResult) -> SplitResult | None:
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    named = getproxies().get(parts.scheme)
    proxy = urlsplit(named if named and "//" in named else f"//{named}") if named else None
    return proxy if proxy and proxy.hostname and proxy.scheme in ("", "http") else None


def _authorization(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
