"""The plain HTTP of the chat: its page, its scripts, polling, and what only operators should see."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

from .finding import Finding, bad, note, ok
from .mends import lines_for
from .target import Line, Reply

_LOCAL = ("127.0.0.1", "::1")


def check_pages(line: Line, mend: str = "") -> Iterator[Finding]:
    """`mend` is the line for what makes the site's own pages look foreign, where that is known."""
    yield _page(line)
    yield _script(line)
    yield _poll(line, mend)
    metrics = _metrics(line)
    if metrics:
        yield metrics


def _ask(line: Line, path: str, body: object = None) -> Reply | str:
    """The answer, or what went wrong."""
    try:
        return line.ask(line.target.prefix + path, {"Origin": line.target.origin}, body)
    except TimeoutError:
        return f"no answer within {line.clock.one:.0f} s"
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__


def _page(line: Line) -> Finding:
    """Whoever is not logged in is sent to the login page."""
    reply = _ask(line, "/")
    if isinstance(reply, str):
        return bad("page", f"{line.target.url}/", reply, "look into gunicorn's log")
    where = f", on to {reply.headers.get('location')}" if "location" in reply.headers else ""
    text = f"{line.target.prefix}/ is answered {reply.status}{where}"
    if reply.status >= 500:
        return bad("page", text, reply.words or "the site fails", "look into gunicorn's log")
    if reply.status == 404:
        return bad("page", text, "a route of the site's own stands in its place", "CHAT_PREFIX=/another")
    return ok("page", text)


def _script(line: Line) -> Finding:
    reply = _ask(line, "/static/client.js")
    path = f"{line.target.prefix}/static/client.js"
    if isinstance(reply, str):
        return bad("scripts", path, reply, "look into the log of the proxy")
    kind = reply.headers.get("content-type", "nothing")
    if reply.status == 200 and "javascript" in kind:
        return ok("scripts", f"{path}, {kind.partition(';')[0]}")
    cause = f"it is answered {reply.status} as {kind}, so the page stays empty"
    mend = f"let the proxy serve the right folder or none: {lines_for(reply.server).whole} --static"
    return bad("scripts", path, cause, mend)


def _poll(line: Line, mend: str) -> Finding:
    """A cursor that is none is refused in the words of the chat; nobody is logged in by it."""
    reply = _ask(line, "/poll", {"cursor": "doctor", "frames": [], "wait": 0})
    path = f"POST {line.target.prefix}/poll"
    if isinstance(reply, str):
        return bad("polling", path, reply, "look into the log of the proxy")
    frames = (reply.json or {}).get("frames") if isinstance(reply.json, dict) else None
    if not frames:
        cause = f"it is answered {reply.status} by {reply.server}, not by the chat, so nobody can fall back to it"
        pass_on = f"let the proxy pass POST on ({lines_for(reply.server).whole}), and look into gunicorn's log"
        return bad("polling", path, cause, pass_on)
    if reply.status == 403:
        return bad("polling", path, frames[0].get("message", "refused"), mend or lines_for(reply.server).host)
    return ok("polling", f"{path} answers in {reply.seconds * 1000:.0f} ms")


def _metrics(line: Line) -> Finding | None:
    """None from this very machine, which may see them."""
    with line.dial() as connection:
        if connection.getpeername()[0] in _LOCAL:
            return None
    reply = _ask(line, "/metrics")
    if isinstance(reply, str) or reply.status != 200:
        return None
    cause = "they tell everybody how many people are here and how busy the server is"
    return note("metrics", f"{line.target.url}/metrics is public", cause, "allow 127.0.0.1; deny all; in the proxy")
