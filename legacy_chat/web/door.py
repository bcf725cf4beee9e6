"""The WSGI middleware in front of Flask: catches the WebSocket's address before routing, passes the rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from ..core import handshake
from ..core.model import Member
from ..errors import BadToken
from .identity import member_of_request

if TYPE_CHECKING:
    from ..extension import State

UPGRADE = "legacy_chat.upgrade"
Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

_NO_SUPPORT = (
    "This worker cannot serve WebSockets. Start the site with\n"
    "  gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker wsgi:app"
)


class SocketDoor:
    def __init__(self, wrapped: WSGIApp, state: State):
        self._wrapped = wrapped
        self._state = state
        self._path = f"{state.settings.prefix}/ws"

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != self._path:
            return self._wrapped(environ, start_response)
        answer = self._answer(environ)
        if answer is None:
            return []
        headers = [("Content-Type", "text/plain; charset=utf-8"), *answer.headers]
        if environ.get("wsgi.input_terminated") is False:
            headers.append(("Connection", "close"))
        body = (answer.message + "\n").encode()
        start_response(answer.status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: Environ) -> handshake.Refusal | None:
        """Serve the socket, or say why not."""
        answer = handshake.answer(environ)
        if isinstance(answer, handshake.Refusal):
            return answer
        if UPGRADE not in environ:
            return handshake.Refusal("501 Not Implemented", _NO_SUPPORT)
        if not self._is_own_origin(environ):
            return handshake.Refusal("403 Forbidden", "This origin may not connect: list it in CHAT_ALLOWED_ORIGINS.")
        try:
            member = self._member(environ)
        except BadToken as error:
            return handshake.Refusal("401 Unauthorized", error.message)
        worker = self._state.worker()
        transport, received = environ[UPGRADE].accept(answer.headers)
        worker.serve(transport, received, member)
        return None

    def _is_own_origin(self, environ: Environ) -> bool:
        """A browser always names the origin; a client that does not is no browser and carries nobody's cookie."""
        origin = environ.get("HTTP_ORIGIN")
        allowed = self._state.settings.allowed_origins
        scheme = environ.get("wsgi.url_scheme", "http")
        return origin is None or handshake.same_origin(origin, environ["HTTP_HOST"], scheme, allowed)

    def _member(self, environ: Environ) -> Member | None:
        token = parse_qs(environ.get("QUERY_STRING", "")).get("token")
        if token:
            return self._state.tokens.verify(token[0])
        return member_of_request(self._state.app, environ)
