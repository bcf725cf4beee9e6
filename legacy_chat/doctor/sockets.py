"""A WebSocket as a browser opens it: what of its handshake arrives, the answer, the first frame, the heartbeat.

It never logs in, so nobody sees it.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
from collections.abc import Iterator
from contextlib import closing
from inspect import signature
from time import monotonic
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from .door import COOKIE, HEADER
from .finding import Finding, bad, note, ok
from .passage import check_upgrade
from .target import Line, Reply

_UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}

# From websockets 15 on the client pings by itself, and no silence would ever be seen.
_SILENT: Any = {"ping_interval": None} if "ping_interval" in signature(connect).parameters else {}

# Seconds of silence after which many proxies cut a connection.
_IMPATIENT = 60.0


def ask_upgrade(line: Line, signed: str) -> Finding:
    """The question in the shape of a handshake."""
    path = line.target.prefix + "/ws"
    key = base64.b64encode(os.urandom(16)).decode()
    own = {"Sec-WebSocket-Key": key, "Origin": line.target.origin, "Cookie": f"{COOKIE}=1", HEADER: signed}
    try:
        reply = line.ask(path, {**_UPGRADE, **own})
    except (OSError, http.client.HTTPException) as error:
        cause = f"the connection ends at the handshake: {str(error) or type(error).__name__}"
        return bad("upgrade", path, cause, "look into the log of the proxy")
    if reply.status == 200 and "legacy_chat" in (reply.json or {}):
        return check_upgrade(reply.json, reply.server)
    return bad("upgrade", path, _answered(reply), "let the proxy pass upgrades on: flask chat proxy nginx")


def _answered(reply: Reply) -> str:
    words = f": {reply.words}" if reply.words else ""
    return f"a handshake is answered {reply.status} by {reply.server}, not by the chat{words}"


def try_socket(line: Line, token: str | None, idle: float) -> Iterator[Finding]:
    """With `idle`, the socket then says nothing for so many seconds; without a token it has to log in before that."""
    target = line.target
    query = f"?token={token}" if token else ""
    address = f"ws://{target.netloc}{target.prefix}/ws{query}"  # over TLS as well: the line sees to it
    began = monotonic()
    try:
        socket = connect(
            address,
            sock=line.secure(line.dial()),
            origin=Origin(target.origin),
            subprotocols=[Subprotocol("chat")],
            compression=None,
            open_timeout=line.clock.one,
            close_timeout=1,
            **_SILENT,
        )
    except InvalidStatus as error:
        yield _refused(line, error)
        return
    except (OSError, InvalidHandshake, EOFError) as error:
        cause = f"the handshake fails: {str(error) or type(error).__name__}"
        yield bad("socket", "it does not open", cause, "look into the log of the proxy, and into gunicorn's")
        return
    with closing(socket):
        yield ok("origin", f"{target.origin} may connect")
        yield from _listen(line, socket, began, idle)


def _refused(line: Line, error: InvalidStatus) -> Finding:
    """The chat says itself what is wrong."""
    status, words = error.response.status_code, bytes(error.response.body or b"").decode(errors="replace").strip()
    server = error.response.headers.get("Server", "the server")
    cause = words.replace("\n", " ")[:400] or f"{server} says no"
    text = f"the handshake is answered {status}"
    if status == 403:
        mend = f"let the proxy pass Host and scheme on as above, or CHAT_ALLOWED_ORIGINS={line.target.origin}"
        return bad("origin", text, cause, mend)
    mends = {
        401: "start this shell with the SECRET_KEY of the server, and check its clock",
        503: _limit(words),
    }
    return bad("socket", text, cause, mends.get(status, "flask chat proxy nginx prints a configuration that works"))


def _limit(words: str) -> str:
    """The setting that a refusal is about."""
    if "is full" in words:
        return "CHAT_MAX_CONNECTIONS, and as many descriptors (LimitNOFILE=65536)"
    if "of your address" in words:
        return "CHAT_MAX_PER_ADDRESS; where a proxy makes all visitors one: CHAT_TRUSTED_PROXIES=1"
    if "who you are" in words:
        return "gunicorn's log has the traceback of the site's own code (its user_loader, the member_loader)"
    return "try again when the server has restarted; gunicorn's log says more"


def _listen(line: Line, socket: ClientConnection, began: float, idle: float) -> Iterator[Finding]:
    try:
        hello = json.loads(socket.recv(timeout=line.clock.one))
        yield ok(
            "first frame", f"`{hello['type']}` after {(monotonic() - began) * 1000:.0f} ms, the handshake included"
        )
    except (TimeoutError, ConnectionClosed, ValueError, KeyError, TypeError) as error:
        cause = f"the socket opens, but no `hello` comes: {str(error) or type(error).__name__}"
        yield bad("first frame", "none", cause, "let the proxy not buffer sockets, and look into its log")
        return
    yield _heartbeat(line, socket, hello)
    if idle:
        yield _stay(socket, idle)


def _heartbeat(line: Line, socket: ClientConnection, hello: dict[str, Any]) -> Finding:
    """Both kinds: the protocol's, which browsers cannot see, and the chat's own."""
    try:
        began = monotonic()
        alive = socket.ping().wait(line.clock.one)
        socket.send('{"type":"ping","id":"doctor"}')
        while json.loads(socket.recv(timeout=line.clock.one)).get("type") != "pong":
            pass
    except (TimeoutError, ConnectionClosed, ValueError) as error:
        cause = f"a ping is not answered: {str(error) or type(error).__name__}"
        return bad("heartbeat", "none", cause, "look for what cuts or holds connections between here and the server")
    every = hello.get("ping", 0)
    if not alive or every >= _IMPATIENT:
        cause = f"most proxies cut a connection after {_IMPATIENT:.0f} silent seconds"
        return note("heartbeat", f"a ping every {every:.0f} s", cause, "CHAT_PING_SECONDS=25")
    return ok("heartbeat", f"two pings in {(monotonic() - began) * 1000:.0f} ms; the server pings every {every:.0f} s")


def _stay(socket: ClientConnection, seconds: float) -> Finding:
    """Nothing is said but pongs, as by a page that nobody looks at."""
    began = monotonic()
    try:
        while (left := began + seconds - monotonic()) > 0:
            try:
                socket.recv(timeout=left)
            except TimeoutError:
                break
        socket.ping().wait(2)
        return ok("idle", f"a socket that said nothing for {seconds:.0f} s lives")
    except ConnectionClosed as error:
        cut = monotonic() - began
        cause = f"something on the way cuts silent connections: {error}"
        return bad("idle", f"cut after {cut:.0f} s", cause, f"CHAT_PING_SECONDS={max(1, int(cut / 3))}")
