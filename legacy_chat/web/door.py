"""The WSGI middleware in front of Flask: catches the WebSocket's address before routing, passes the rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from werkzeug.middleware.proxy_fix import ProxyFix

from ..core import handshake
from ..core.model import Member
from ..errors import ChatError
from .identity import member_of_request

if TYPE_CHECKING:
    from ..state import State

SOCKET_PATH = "/ws"
ECHO_PATH = "/test/echo"

UPGRADE = "legacy_chat.upgrade"
Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

_STATUS = {401: "401 Unauthorized", 503: "503 Service Unavailable"}

_NO_SUPPORT = (
    "This worker cannot serve WebSockets. Start the site with\n"
    "  gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker wsgi:app"
)
_FOREIGN = "This origin may not connect: list it in CHAT_ALLOWED_ORIGINS."


class SocketDoor:
    """Answers the socket's address; a host that is mounted below a path or behind a proxy is served as well."""

    def __init__(self, wrapped: WSGIApp, state: State):
        self._wrapped = wrapped
        self._state = state
        self._settings = state.settings
        self._doors: dict[str, WSGIApp] = {self._settings.prefix + SOCKET_PATH: self._behind_proxies(self._chat)}
        if self._settings.test_echo:
            self._doors[self._settings.prefix + ECHO_PATH] = self._echo

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        door = self._doors.get(environ.get("PATH_INFO", ""), self._wrapped)
        return door(environ, start_response)

    def _behind_proxies(self, door: WSGIApp) -> WSGIApp:
        hops = self._settings.trusted_proxies
        return ProxyFix(door, x_for=hops, x_proto=hops, x_host=hops) if hops else door

    def _echo(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answer = _check_upgrade(environ)
        if isinstance(answer, handshake.Refusal):
            return _refuse(answer, start_response)
        self._state.worker().serve_echo(*environ[UPGRADE].accept(answer.headers))
        return []

    def _chat(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve the socket, or say why not."""
        answer = _check_upgrade(environ)
        if isinstance(answer, handshake.Acceptance) and not self._is_own_origin(environ):
            answer = handshake.Refusal("403 Forbidden", _FOREIGN)
        if isinstance(answer, handshake.Refusal):
            return _refuse(answer, start_response)
        address = _address(environ)
        worker = self._state.worker()
        try:
            worker.check_room(address, None)
            member = self._member(environ)
            worker.check_room(address, member)
        except ChatError as error:
            return _refuse(_refusal(error), start_response)
        transport, received = environ[UPGRADE].accept(answer.headers)
        worker.serve(transport, received, member, address)
        return []

    def _is_own_origin(self, environ: Environ) -> bool:
        """A browser always names the origin; a client that does not is no browser and carries nobody's cookie."""
        origin = environ.get("HTTP_ORIGIN")
        scheme = environ.get("wsgi.url_scheme", "http")
        # Without a proxy that we know of, the scheme is our own only where TLS ends here.
        trusted = bool(self._settings.trusted_proxies) or scheme == "https"
        allowed = self._settings.allowed_origins
        return origin is None or handshake.same_origin(origin, environ["HTTP_HOST"], scheme, allowed, trusted)

    def _member(self, environ: Environ) -> Member | None:
        token = parse_qs(environ.get("QUERY_STRING", "")).get("token")
        if token:
            return self._state.tokens.verify(token[0])
        return member_of_request(self._state.app, environ)


def _check_upgrade(environ: Environ) -> handshake.Acceptance | handshake.Refusal:
    answer = handshake.answer(environ)
    if isinstance(answer, handshake.Acceptance) and UPGRADE not in environ:
        return handshake.Refusal("501 Not Implemented", _NO_SUPPORT)
    return answer


def _refusal(error: ChatError) -> handshake.Refusal:
    retry = () if error.retry_after is None else (("Retry-After", str(max(1, round(error.retry_after)))),)
    return handshake.Refusal(_STATUS[error.status], error.message, retry)


def _refuse(refusal: handshake.Refusal, start_response: StartResponse) -> Iterable[bytes]:
    body = (refusal.message + "\n").encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),  # what follows a refused upgrade is no HTTP
    ]
    # A header of the refusal itself, such as the Connection of a 426, comes before ours.
    given = {name for name, _ in refusal.headers}
    start_response(refusal.status, [*refusal.headers, *(header for header in headers if header[0] not in given)])
    return [body]


def _address(environ: Environ) -> str | None:
    """Whose socket it is for the limit by address; None where a proxy we were not told of hides everybody.

    A request that was forwarded from this very machine speaks for many people.
    """
    address = environ.get("REMOTE_ADDR") or None
    forwarded = "HTTP_X_FORWARDED_FOR" in environ and "werkzeug.proxy_fix.orig" not in environ
    if forwarded and (address in ("127.0.0.1", "::1")):
        return None
    return address
