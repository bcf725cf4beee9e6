"""The server's side of `flask chat doctor`: a signed question, asked at any address, is answered with facts.

What a proxy does to a request shows only where the request arrives. The question is a header, so that it can be put
to the very addresses that matter (`/chat/ws` with all that an upgrade brings) and survives a proxy that changes the
path. It is signed with the site's SECRET_KEY and good for a minute; without a good signature nothing is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from time import time
from typing import TYPE_CHECKING, Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.http import dump_cookie

from .facts import Facts
from .patching import is_patched

if TYPE_CHECKING:
    from ..state import State

HEADER = "X-Chat-Doctor"
DOCTOR_PATH = "/doctor"
COOKIE = "legacy_chat_doctor"

_SALT = "legacy_chat.doctor"
_SECONDS = 60

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]


class Questions:
    """Signs questions and knows its own."""

    def __init__(self, secret_key: str | bytes):
        self._serializer = URLSafeTimedSerializer(secret_key, salt=_SALT)

    def sign(self) -> str:
        signed = self._serializer.dumps("how are you?")
        return signed if isinstance(signed, str) else signed.decode()

    def age(self, question: str) -> float | None:
        """Seconds since it was signed, below 0 where the other clock is ahead; None for one that is not ours."""
        try:
            signed_at = self._serializer.loads(question, return_timestamp=True)[1]
        except BadSignature:
            return None
        return float(time() - signed_at.timestamp())


class DoctorDoor:
    def __init__(self, wrapped: WSGIApp, state: State):
        self._wrapped = wrapped
        self._state = state
        self._facts = Facts(state, wrapped, is_patched())

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        question = environ.get("HTTP_X_CHAT_DOCTOR")
        if question is None:
            return self._wrapped(environ, start_response)
        age = Questions(self._state.app.secret_key or "").age(question)
        if age is not None and abs(age) <= _SECONDS:
            return _send(start_response, "200 OK", {**self._facts.of(environ), "age": age}, self._cookie())
        if environ.get("PATH_INFO", "").endswith(DOCTOR_PATH):
            why = "not signed with the SECRET_KEY of this site" if age is None else "not signed just now"
            return _send(start_response, "403 Forbidden", {"doctor": why, "age": age})
        return self._wrapped(environ, start_response)

    def _cookie(self) -> str:
        """One with the attributes of the site's session cookie."""
        app, session = self._state.app, self._state.app.session_interface
        return dump_cookie(
            COOKIE,
            "1",
            max_age=_SECONDS,
            domain=session.get_cookie_domain(app),
            path=session.get_cookie_path(app),
            secure=session.get_cookie_secure(app),
            httponly=True,
            samesite=session.get_cookie_samesite(app),
        )


def _send(start_response: StartResponse, status: str, answer: dict[str, Any], cookie: str = "") -> Iterable[bytes]:
    body = json.dumps(answer).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),  # what follows an upgrade that was not taken is no HTTP
    ]
    start_response(status, headers + ([("Set-Cookie", cookie)] if cookie else []))
    return [body]
