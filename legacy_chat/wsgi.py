"""Chat for sites that are not Flask: Django, Bottle, Pyramid, bare WSGI.

    application = mount(application, "/chat", identify=who, secret_key="...")

Requests below the prefix go to a small Flask app that is made here; all others reach the site as they came. Who
somebody is, is asked of the site: for the page, at the handshake of a socket and at the first poll.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from flask import Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from .actions import sessions
from .actions.handlers import checked_rule
from .core.model import Member
from .errors import ChatError, Unavailable, whole_seconds
from .extension import EXTENSION, Chat
from .web.identity import device_of, member_from

log = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]
Answer = Member | Mapping[str, Any] | str | int | None

_NOBODY = "You are not logged in: log in to this site first, then open the chat again."
_UNKNOWN = "The site cannot say who you are at the moment: try again in a few seconds."
_RETRY_AFTER = 5.0


def mount(
    app: WSGIApp,
    prefix: str = "/chat",
    *,
    identify: Callable[[Environ], Answer],
    secret_key: str | bytes,
    login_url: str | None = None,
    instance_path: str | Path = "instance",
    engine: Any = None,
    **settings: Any,
) -> Mounted:
    """The WSGI site `app` with chat below `prefix`.

    `identify(environ)` says whose request it is: None for nobody, a uid, a `Member`, or a dict of `uid` with `name`,
    `avatar`, `roles` or `locale`. It gets the request's headers without its body, and may wait for a database.
    Whoever is nobody is sent to `login_url` (with `?next=`), or told so with 401. `secret_key` signs connect tokens.
    The history is a SQLite file in `instance_path` unless `database_url` is given; `engine` is the site's own, for
    `post(session=...)`. `settings` are those of the reference, in small letters and without CHAT_.

    Raises `SettingsError` with every mistake of the settings, `TypeError` for an `identify` that cannot be asked.
    """
    checked_rule("identify", identify, "environ")
    flask = Flask("legacy_chat.wsgi", static_folder=None, instance_path=str(Path(instance_path).absolute()))
    flask.secret_key = secret_key
    # The site may have a cookie named `session`, too.
    flask.config.update(SESSION_COOKIE_NAME="legacy_chat", SESSION_COOKIE_PATH=prefix, SESSION_COOKIE_SAMESITE="Lax")
    flask.config.update({f"CHAT_{name.upper()}": value for name, value in settings.items()}, CHAT_PREFIX=prefix)
    flask.register_error_handler(ChatError, _in_words)
    chat = Chat()
    chat.init_app(flask, engine)
    state = flask.extensions[EXTENSION]
    state.identify = _Question(identify)
    state.to_login = lambda: _to_login(login_url)
    return Mounted(app, flask, chat, prefix)


class Mounted:
    """A site with chat, for the server to call.

    `chat` has the calls of `Chat`, which may be made anywhere in the process. `flask` is the app below the prefix, for
    the commands of `flask chat`.
    """

    def __init__(self, site: WSGIApp, flask: Flask, chat: Chat, prefix: str):
        self.flask = flask
        self.chat = cast(Chat, _InContext(chat, flask))
        self._site = site
        self._prefix = prefix

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        ours = path == self._prefix or path.startswith(self._prefix + "/")
        app: WSGIApp = self.flask if ours else self._site
        return app(environ, start_response)

    def logged_out(self, environ: Environ, uid: str | int) -> None:
        """This request ended a login: so does what `uid` has open.

        On all devices, or with CHAT_LOGOUT_EVERYWHERE=0 in this browser.
        """
        state = self.flask.extensions[EXTENSION]
        device = None if state.settings.logout_everywhere else device_of(environ)
        sessions.end(state.parts, uid, device, by=str(uid))


class _InContext:
    """The calls of a `Chat`, each in a context of its app."""

    def __init__(self, chat: Chat, flask: Flask):
        self._chat = chat
        self._flask = flask

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._chat, name)

        @wraps(call)
        def run(*arguments: Any, **named: Any) -> Any:
            with self._flask.app_context():
                return call(*arguments, **named)

        return run


class _Question:
    """Asks the site who somebody is."""

    def __init__(self, identify: Callable[[Environ], Answer]):
        self._identify = identify

    def __call__(self, environ: Environ) -> Member | None:
        """Raises `Forbidden` for a uid that cannot stand in a chat, `Unavailable` where the site fails to answer."""
        # Frameworks keep things of their own in the environ, and the body is not theirs here.
        asked = {**environ, "wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"}
        try:
            answer = self._identify(asked)
            if answer is None or answer is False:  # such as `user.is_authenticated and user.pk`
                return None
            named = isinstance(answer, str | int) and answer is not True
            return member_from({"uid": answer} if named else answer, device_of(environ), asked="identify")
        except ChatError:
            raise
        except Exception:
            log.exception("identify failed")
            raise Unavailable(_UNKNOWN, _RETRY_AFTER) from None


def _to_login(address: str | None) -> BaseResponse:
    if address is None:
        abort(401, _NOBODY)
    wish = urlencode({"next": request.script_root + request.path})
    return redirect(f"{address}{'&' if '?' in address else '?'}{wish}")


def _in_words(error: ChatError) -> Response:
    """An error that a page runs into; the API and the polls have their own words for theirs."""
    response = Response(error.message + "\n", error.status, mimetype="text/plain")
    if error.retry_after is not None:
        response.headers["Retry-After"] = whole_seconds(error.retry_after)
    return response
