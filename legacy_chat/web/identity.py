"""Who asks: the site's own login, or a signed connect token."""

from __future__ import annotations

import hashlib
import logging
import time
from typing import Any

from flask import Flask, current_app, request
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeSerializer

from ..core.model import Member
from ..core.text import check_name
from ..errors import BadToken, ChatError

log = logging.getLogger(__name__)

_SALT = "legacy_chat.connect"
_NAMES = ("name", "username", "display_name")


def member_of_request(app: Flask, environ: dict[str, Any]) -> Member | None:
    """The person whose session cookie came with a request, asked of Flask-Login.

    The request context ends before this returns, so no session, database connection or `g` outlives the question.
    """
    with app.request_context(environ):
        return current_member()


def current_member() -> Member | None:
    """Flask-Login's `current_user` as a member; None for nobody."""
    if not hasattr(current_app, "login_manager") or not current_user.is_authenticated:
        return None
    try:
        uid = check_name(str(current_user.get_id()), "uid", 64)
    except ChatError as error:
        log.error("a user of this site cannot chat: %s", error.message)
        return None
    return Member(uid, _name_of(current_user, uid), device_of_request())


def device_of_request() -> str:
    """Tells one person's browsers apart, roughly: a logout ends the sockets of the browser it came from.

    The address is left out, since a phone changes it between handshake and logout.
    """
    return hashlib.sha256(request.user_agent.string.encode()).hexdigest()[:16]


def _name_of(user: Any, uid: str) -> str:
    for attribute in _NAMES:
        value = getattr(user, attribute, None)
        if isinstance(value, str) and value.strip():
            return value.strip()[:80]
    return uid


class Tokens:
    """Connect tokens: signed with the app's SECRET_KEY, carrying uid, name and the second at which they expire."""

    def __init__(self, secret_key: str | bytes, seconds: float):
        self._serializer = URLSafeSerializer(secret_key, salt=_SALT)
        self._seconds = seconds

    def mint(self, uid: str, name: str | None = None) -> str:
        """Raises a `ChatError` where uid or name could not stand in a chat."""
        uid = check_name(str(uid), "uid", 64)
        token = self._serializer.dumps([uid, check_name(name or uid), int(time.time() + self._seconds)])
        return token if isinstance(token, str) else token.decode()

    def verify(self, token: str) -> Member:
        """Raises `BadToken`, with words for whoever has to mend it."""
        try:
            uid, name, expires = self._serializer.loads(token)
            member = Member(check_name(uid, "uid", 64), check_name(name))
        except (BadSignature, ValueError, TypeError, AttributeError, ChatError):
            raise BadToken("The connect token is not one of this site: ask the site for a new one.") from None
        if time.time() >= expires:
            raise BadToken("The connect token has expired: ask the site for a new one.")
        return member
