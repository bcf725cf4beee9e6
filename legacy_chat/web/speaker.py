"""What the site's own code finds while a handler runs for somebody: Flask's contexts, for one call.

No request is kept for a connection, only a few hundred bytes of the one that began it, and none where the site has no
handlers. From them `request`, `session` and Flask-Login's `current_user` are made for each call and thrown away after
it. There is no answer in which a changed session could go back to the browser, so changes to it are lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask import Flask, session
from werkzeug.test import create_environ

from ..core.model import Member
from ..core.session import Session
from ..errors import ChatError
from .identity import is_person

if TYPE_CHECKING:
    from ..state import State

Environ = dict[str, Any]

_KEPT = ("PATH_INFO", "SCRIPT_NAME", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "wsgi.url_scheme")
# What is only for the transport.
_PASSING = ("HTTP_UPGRADE", "HTTP_CONNECTION", "HTTP_SEC_", "HTTP_CACHE_CONTROL", "HTTP_PRAGMA", "HTTP_ACCEPT_ENCODING")
_CREDENTIALS = ("HTTP_COOKIE", "HTTP_AUTHORIZATION")


def remember(state: State, environ: Environ, member: Member | None) -> bytes | None:
    """What is kept of the request that began a connection; `member` is whose cookie came with it.

    The cookies of somebody who came with a connect token are not kept: they may be another person's.
    """
    if not state.hooks.handlers:
        return None
    return keep(environ, member is not None and member.device is not None)


def keep(environ: Environ, credentials: bool) -> bytes:
    kept = {key: environ[key] for key in _KEPT if key in environ}
    kept |= {key: value for key, value in environ.items() if key.startswith("HTTP_") and not key.startswith(_PASSING)}
    for key in () if credentials else _CREDENTIALS:
        kept.pop(key, None)
    return json.dumps(kept, separators=(",", ":")).encode()


def keep_if_same(state: State, environ: Environ, member: Member) -> bytes:
    """For one poll of many: its cookies count if they are still those of the person who logged in."""
    try:
        asking = state.identify(environ)
    except ChatError:
        asking = None
    return keep(environ, asking is not None and asking.uid == member.uid)


def a_request(path: str) -> bytes:
    """For somebody who made none, as in a test."""
    return keep(create_environ(path), credentials=False)


@contextmanager
def context(app: Flask, connection: Session) -> Iterator[None]:
    """A request context with the connection's own request and its person as `current_user`.

    Whoever came without a cookie is the user with their uid, as far as the site's `member_loader` says the same of it.
    """
    kept = connection.request() if callable(connection.request) else connection.request
    known: Environ = json.loads(kept) if kept else {}
    # The app's own context first: a request's would share one that is there already.
    with app.app_context(), app.request_context({**create_environ("/"), **known}):
        if connection.member is not None and not any(key in known for key in _CREDENTIALS):
            _be(app, connection.member.uid)
        yield


def _be(app: Flask, uid: str) -> None:
    """What a login leaves in the session. The user is loaded when somebody asks: here, if it may be another person."""
    manager = getattr(app, "login_manager", None)
    if manager is None:
        return
    session["_user_id"], session["_fresh"] = uid, False
    identify = getattr(manager, "_session_identifier_generator", None)  # for its session protection
    if identify is not None:
        session["_id"] = identify()
    if not is_person(uid):
        session.clear()
        manager._load_user()
