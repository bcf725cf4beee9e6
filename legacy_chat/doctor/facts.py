"""What the process that serves a request knows of itself, of the request and of the chat; nothing secret.

request    path, mount, protocol, host, origin, upgrade, connection, via, cookies (names), forwarded: as they arrived
seen       address, scheme, host of the visitor, as far as the site believes its proxies
server     software, python, packages, host, pid, gunicorn (see `gunicorn.Gunicorn`, or None), descriptors
gevent     patched, early (before the app was built), strays
chat       prefix, backplane, trusted_proxies, max_connections, ping_seconds
databases  {"chat": driver, "site": driver}
store      name, writes (ok, slow, away)
age        seconds since the question was signed, by both clocks
"""

from __future__ import annotations

import os
import platform
import resource
from typing import TYPE_CHECKING, Any

from ..web import proxies
from ..web.health import StoreCheck
from . import databases, gunicorn, packages, patching

if TYPE_CHECKING:
    from ..state import State

Environ = dict[str, Any]

_FORWARDED = ("For", "Proto", "Host", "Port", "Prefix")


def descriptors() -> int | None:
    """How many the process may open; None where there is no limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


class Facts:
    """`site` is what answers all other requests; `early`: whether Python was patched when the app was built."""

    def __init__(self, state: State, site: Any, early: bool):
        self._state = state
        self._site = site
        self._early = early
        self._store = StoreCheck(lambda: state.parts.writer.probe())
        packages.versions()

    def of(self, environ: Environ) -> dict[str, Any]:
        return {
            "legacy_chat": packages.version_of("legacy_chat") or "from a checkout",
            "request": _request(environ),
            "seen": self._seen(environ),
            "server": self._server(environ),
            "gevent": {"patched": patching.is_patched(), "early": self._early, "strays": self._strays()},
            "chat": self._chat(),
            "databases": databases.drivers(self._state),
            "store": {"name": databases.name_of(self._state.database.engine), "writes": self._store.state()},
        }

    def _strays(self) -> list[str]:
        """A walk over all modules takes longer than the loop can wait."""
        strays: list[str] = self._state.parts.offload.call(patching.strays)
        return strays

    def _seen(self, environ: Environ) -> dict[str, Any]:
        """The visitor, with what the proxies say as far as the site believes them."""
        fixed = dict(environ)
        proxies.behind(lambda *_: [], self._site, self._state.settings.trusted_proxies)(fixed, _mute)
        return {
            "address": fixed.get("REMOTE_ADDR", ""),
            "scheme": fixed["wsgi.url_scheme"],
            "host": fixed.get("HTTP_HOST", ""),
        }

    def _server(self, environ: Environ) -> dict[str, Any]:
        worker = gunicorn.running()
        return {
            "software": environ.get("SERVER_SOFTWARE", ""),
            "python": platform.python_version(),
            "packages": packages.versions(),
            "host": platform.node(),
            "pid": os.getpid(),
            "gunicorn": None if worker is None else worker._asdict(),
            "descriptors": descriptors(),
        }

    def _chat(self) -> dict[str, Any]:
        s = self._state.settings
        return {
            "prefix": s.prefix,
            "backplane": s.backplane.partition(":")[0],
            "trusted_proxies": proxies.trusted(self._site, s.trusted_proxies),
            "max_connections": s.max_connections,
            "ping_seconds": s.ping_seconds,
        }


def _mute(*_: Any) -> Any:
    """Nothing is answered here."""


def _request(environ: Environ) -> dict[str, Any]:
    """The request as it arrived. Of cookies the names alone."""
    arrived = environ.get("werkzeug.proxy_fix.orig", environ)  # before a ProxyFix of the site's own
    cookies = [pair.partition("=")[0].strip() for pair in environ.get("HTTP_COOKIE", "").split(";")]
    forwarded = {name.lower(): environ.get(f"HTTP_X_FORWARDED_{name.upper()}") for name in _FORWARDED}
    return {
        "path": environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
        "mount": environ.get("SCRIPT_NAME", ""),
        "protocol": environ.get("SERVER_PROTOCOL", ""),
        "host": arrived.get("HTTP_HOST") or "",
        "origin": environ.get("HTTP_ORIGIN"),
        "upgrade": environ.get("HTTP_UPGRADE"),
        "connection": environ.get("HTTP_CONNECTION"),
        "via": environ.get("HTTP_VIA"),
        "cookies": [name for name in cookies if name],
        "forwarded": forwarded,
    }
