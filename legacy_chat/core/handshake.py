"""The opening handshake of RFC 6455 §4.2 as a plain function over a WSGI environ."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from websockets.exceptions import InvalidHeader
from websockets.headers import parse_connection, parse_subprotocol, parse_upgrade
from websockets.utils import accept_key

SUBPROTOCOL = "chat"
HINT = "Open this address with a WebSocket client (RFC 6455, version 13)."


class Refusal(NamedTuple):
    """An HTTP answer instead of the upgrade: `status` such as "400 Bad Request", extra headers, words.

    `reason` is a word for the site's operators, where the status says too little.
    """

    status: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()
    reason: str = ""


class Acceptance(NamedTuple):
    """The headers of the 101 answer."""

    headers: tuple[tuple[str, str], ...]


def _bad(message: str) -> Refusal:
    return Refusal("400 Bad Request", message)


def _upgrade_required(message: str) -> Refusal:
    # RFC 9110 §15.5.22 wants Upgrade here, RFC 6455 §4.4 the supported version.
    headers = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"))
    return Refusal("426 Upgrade Required", message, headers)


def wants_websocket(environ: Mapping[str, object]) -> bool:
    return "websocket" in str(environ.get("HTTP_UPGRADE", "")).lower()


def answer(environ: Mapping[str, object]) -> Acceptance | Refusal:
    """Accept or refuse by the request line and headers alone; identity and origin are asked elsewhere."""
    if not wants_websocket(environ):
        return _upgrade_required(HINT)
    problem = _request_problem(environ) or _version_problem(environ) or _key_problem(environ)
    if problem:
        return problem
    return _accept(environ)


def _header(environ: Mapping[str, object], name: str) -> str:
    return str(environ.get(name, "")).strip()


def _request_problem(environ: Mapping[str, object]) -> Refusal | None:
    if environ.get("REQUEST_METHOD") != "GET":
        return _bad("A WebSocket is opened with GET (RFC 6455 §4.2.1).")
    if environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        return _bad("A WebSocket needs HTTP/1.1: a proxy in front must forward with HTTP/1.1 (RFC 6455 §4.2.1).")
    host = _header(environ, "HTTP_HOST")
    if not host or "," in host:
        return _bad("Send exactly one Host header (RFC 9112 §3.2).")
    if _header(environ, "CONTENT_LENGTH") not in ("", "0") or _header(environ, "HTTP_TRANSFER_ENCODING"):
        return _bad("An opening handshake has no body.")
    try:
        connection = [token.lower() for token in parse_connection(_header(environ, "HTTP_CONNECTION"))]
        upgrade = [token.lower() for token in parse_upgrade(_header(environ, "HTTP_UPGRADE"))]
    except InvalidHeader:
        return _bad("The Connection or Upgrade header cannot be read.")
    if "upgrade" not in connection or "websocket" not in upgrade:
        return _bad("Send `Connection: Upgrade` and `Upgrade: websocket` (RFC 6455 §4.2.1).")
    return None


def _version_problem(environ: Mapping[str, object]) -> Refusal | None:
    if _header(environ, "HTTP_SEC_WEBSOCKET_VERSION") != "13":
        return _upgrade_required("Only WebSocket version 13 is spoken here (RFC 6455 §4.4).")
    return None


def _key_problem(environ: Mapping[str, object]) -> Refusal | None:
    try:
        nonce = base64.b64decode(_header(environ, "HTTP_SEC_WEBSOCKET_KEY").encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        nonce = b""
    if len(nonce) != 16:
        return _bad("Sec-WebSocket-Key must be 16 bytes in base64, sent once (RFC 6455 §4.2.1).")
    return None


def _accept(environ: Mapping[str, object]) -> Acceptance | Refusal:
    headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_key(_header(environ, "HTTP_SEC_WEBSOCKET_KEY"))),
    ]
    offered = _header(environ, "HTTP_SEC_WEBSOCKET_PROTOCOL")
    if offered:
        try:
            if SUBPROTOCOL in parse_subprotocol(offered):
                headers.append(("Sec-WebSocket-Protocol", SUBPROTOCOL))
        except InvalidHeader:
            return _bad("The Sec-WebSocket-Protocol header cannot be read.")
    return Acceptance(tuple(headers))


def same_origin(origin: str, host: str, scheme: str, allowed: tuple[str, ...], trust_scheme: bool = False) -> bool:
    """Whether a browser's page at `origin` may use the cookie of the site at `host` (RFC 6455 §10.2).

    Host and port must be equal; the scheme only where `trust_scheme` says that the environ's is the outer one
    (behind a TLS proxy that nobody told us of, the site looks like plain http). `allowed` lists further
    origins (`https://shop.example`); `*` allows all.
    """
    if "*" in allowed or origin.rstrip("/").lower() in allowed:
        return True
    try:
        url, site = urlsplit(origin), urlsplit(f"//{host}")
        ports = url.port, site.port
    except ValueError:
        return False
    if url.scheme not in ("http", "https") or not url.hostname or (trust_scheme and url.scheme != scheme):
        return False
    default = {"http": 80, "https": 443}[url.scheme]
    return (url.hostname, ports[0] or default) == (site.hostname, ports[1] or default)
