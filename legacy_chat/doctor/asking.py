"""The question to the server, and what it means when somebody else answers."""

from __future__ import annotations

import http.client
from typing import Any

from .door import DOCTOR_PATH, HEADER
from .finding import Finding, bad, ok
from .judge import MEND_CLOCKS, clocks
from .mends import lines_for
from .target import Line, Reply

_GATEWAY = (502, 503, 504)
_MOVED = (301, 302, 303, 307, 308)

# How often it is asked who answers. A proxy that takes turns has come to its second server by then.
_ASKED = 4

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


def _not_believed(text: str, age: float | None) -> Finding:
    if age is not None:
        cause = f"{clocks(age)}, so what one of them signs is too old, or not yet valid, for the other"
        return bad("clock", text, cause, MEND_CLOCKS)
    cause = (
        "the server has another SECRET_KEY than this shell, so it believes neither this question nor any token; or it "
        "makes a new one at each start (os.urandom in wsgi.py), and each worker logs out the people of the others"
    )
    mend = "one SECRET_KEY for the server and this shell (and the same SITE_INSTANCE), made once and kept"
    return bad("server", text, cause, mend)


def _somebody_else(line: Line, path: str, reply: Reply) -> Finding:
    text = f"GET {path} is answered {reply.status} by {reply.server}"
    if "doctor" in (reply.json or {}):
        return _not_believed(text, reply.json.get("age"))
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


def who_answers(line: Line, signed: str) -> Finding:
    """Whether the one worker that there is said to be answers each time."""
    answers = [ask(line, signed)[1:] for _ in range(_ASKED)]
    strangers = [reply for facts, reply in answers if facts is None and reply is not None and reply.status == 403]
    if strangers:
        cause = "not all servers behind this address have the SECRET_KEY of the others: they believe no login of theirs"
        text = f"{len(strangers)} of {_ASKED} answers come from a server with another SECRET_KEY"
        return bad("servers", text, cause, "the same SECRET_KEY for all of them")
    found = {(facts["server"]["host"], facts["server"]["pid"]) for facts, _ in answers if facts is not None}
    if len(found) < 2:
        return ok("servers", "one answers")
    text = "several answer: " + ", ".join(f"pid {pid} of {host}" for host, pid in sorted(found))
    cause = "they share no backplane: what is said on one of them does not reach the people on the others"
    return bad("servers", text, cause, "one `server` in the proxy's upstream, and gunicorn started once")
