"""The question to the server, and what it means when somebody else answers."""

from __future__ import annotations

import http.client
from typing import Any

from .door import DOCTOR_PATH, HEADER
from .finding import Finding, bad, ok
from .mends import lines_for
from .target import Line, Reply

_GATEWAY = (502, 503, 504)
_MOVED = (301, 302, 303, 307, 308)

Answer = tuple[Finding, dict[str, Any] | None, Reply | None]


def ask(line: Line, signed: str) -> Answer:
    """What the server tells of itself; None where the question did not reach it."""
    path = line.target.prefix + DOCTOR_PATH
    try:
        reply = line.ask(path, {HEADER: signed})
    except TimeoutError:
        cause = "the connection is taken, but no answer comes: the worker stands still, or none is left"
        return bad("server", path, cause, "look into gunicorn's log, and restart it"), None, None
    except (OSError, http.client.HTTPException) as error:
        cause = f"this is no HTTP: {str(error) or type(error).__name__}"
        return bad("server", path, cause, "name the address that a browser opens"), None, None
    if reply.status == 200 and "legacy_chat" in (reply.json or {}):
        version = reply.json["legacy_chat"]
        behind = f" behind {reply.server}" if "server" in reply.headers else ""
        text = f"legacy_chat {version}{behind} answers in {reply.seconds * 1000:.0f} ms"
        return ok("server", text), reply.json, reply
    return _somebody_else(line, path, reply), None, reply


def _somebody_else(line: Line, path: str, reply: Reply) -> Finding:
    text = f"GET {path} is answered {reply.status} by {reply.server}"
    if "doctor" in (reply.json or {}):
        cause = "the server has another SECRET_KEY than this shell, so it believes neither this question nor any token"
        return bad("server", text, cause, "start this shell with the SECRET_KEY (and SITE_INSTANCE) of the server")
    if reply.status in _MOVED:
        where = reply.headers.get("location", "").removesuffix(DOCTOR_PATH)
        return bad("server", text, f"the site has moved to {where}", f"flask chat doctor {where}")
    if reply.status in _GATEWAY:
        cause = "the proxy finds no gunicorn behind it"
        mend = f"start gunicorn, or give the proxy the address it is bound to ({lines_for(reply.server).whole} --help)"
        return bad("server", text, cause, mend)
    if b"HTTPS port" in reply.body:
        return bad("server", text, "the port speaks TLS", f"flask chat doctor https://{line.target.netloc}")
    if reply.status in (401, 403):
        cause = "somebody in front of the site wants to know who asks"
        return bad("server", text, cause, "ask past it, or let the address through for the time being")
    cause = (
        f"nothing of this chat is at {line.target.url}: the proxy does not lead there, or it is another site, or one "
        "that was not restarted since"
    )
    mend = f"proxy {line.target.prefix}/ to gunicorn ({lines_for(reply.server).whole}), or name the right address"
    return bad("server", text, cause, mend)
