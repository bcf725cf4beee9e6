"""The address that is examined, and plain HTTP requests to it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}

# The whole examination takes at most so many seconds; one answer at most so many of them.
_ALL = 9.0
_ONE = 3.0

_MOST = 1 << 20


@dataclass(frozen=True)
class Target:
    """`prefix` is the chat's path as a browser asks for it."""

    scheme: str
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, url: str, prefix: str) -> Target:
        """An address without a path is that of the site; the chat is then below its `prefix`. Raises ValueError."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
        if scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{url!r} must be like https://shop.example/chat")
        path = parts.path.rstrip("/").removesuffix("/ws")
        return cls(scheme, parts.hostname, parts.port or _PORTS[scheme], path or prefix)

    def at(self, prefix: str) -> Target:
        return replace(self, prefix=prefix)

    @property
    def netloc(self) -> str:
        """As it stands in a browser's address bar."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    @property
    def url(self) -> str:
        return self.origin + self.prefix

    def same_host(self, host: str) -> bool:
        """Whether a Host header means this site."""
        name, _, port = host.lower().rpartition(":") if host.rpartition(":")[2].isdigit() else (host.lower(), "", "")
        return name.strip("[]") == self.host and int(port or _PORTS[self.scheme]) == self.port


class Clock:
    """The time that is left."""

    def __init__(self) -> None:
        self._ends = monotonic() + _ALL

    @property
    def one(self) -> float:
        """Seconds that the next answer may take."""
        return max(0.1, min(_ONE, self._ends - monotonic()))


@dataclass(frozen=True)
class Reply:
    """An HTTP answer. `seconds` until it was complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """None for what is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def server(self) -> str:
        """Who answered, as it calls itself."""
        return self.headers.get("server", "a server that gives no name")

    @property
    def words(self) -> str:
        """The beginning of a text, for people."""
        text = self.body.decode(errors="replace").strip()
        return "" if text.startswith("<") else text.partition("\n")[0][:200]


class Line:
    """Connections to a target, each to the same address of its host."""

    def __init__(self, target: Target, address: tuple[Any, ...], family: int, tls: ssl.SSLContext | None, clock: Clock):
        self.target, self.clock, self.tls = target, clock, tls
        self._address, self._family = address, family

    def dial(self) -> socket.socket:
        """Raises OSError."""
        plain = socket.socket(self._family, socket.SOCK_STREAM)
        plain.settimeout(self.clock.one)
        try:
            plain.connect(self._address)
        except BaseException:
            plain.close()
            raise
        return plain

    def secure(self, plain: socket.socket) -> socket.socket:
        if self.tls is None:
            return plain
        try:
            return self.tls.wrap_socket(plain, server_hostname=self.target.host)
        except BaseException:
            plain.close()
            raise

    def ask(self, path: str, headers: Mapping[str, str] | None = None, body: Any = None, method: str = "GET") -> Reply:
        """One request on a connection of its own. Raises OSError or `http.client.HTTPException`."""
        began = monotonic()
        connection = http.client.HTTPConnection(self.target.host)
        connection.sock = self.secure(self.dial())
        try:
            sent = {"Host": self.target.netloc, "User-Agent": "legacy_chat doctor", **(headers or {})}
            text = None
            if body is not None:
                text, method = json.dumps(body), "POST"
                sent["Content-Type"] = "application/json"
            connection.request(method, path, text, sent)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read(_MOST), monotonic() - began)
        finally:
            connection.close()
