"""The WSGI middleware in front of Flask: catches the WebSocket's address before routing, passes the rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flask import Response, request

from ..actions.text_rooms import check_text_room
from ..core import handshake
from ..core.model import Member
from ..errors import ChatError, Forbidden, NotLoggedIn, whole_seconds
from . import bodies, hints, metrics, origins, proxies, refusals, speaker, text_page
from .health import Health
from .metrics import METRICS_PATH, MetricsDoor
from .open_door import OpenDoor
from .poll import POLL_PATH, PollDoor
from .services import Services

if TYPE_CHECKING:
    from ..state import State

SOCKET_PATH = "/ws"
OPEN_PATHS = ("/api/", "/push", "/static/", "/vendor/", "/unread", "/boot", "/embed")
ECHO_PATH = "/test/echo"

UPGRADE = "legacy_chat.upgrade"
Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

_NO_SUPPORT = (
    "This worker cannot serve WebSockets. Start the site with\n"
    "  gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker wsgi:app"
)
_NOBODY = "Log in to the site first, or come with a connect token: ?token=… at the end of the address."


class SocketDoor:
    """Answers the socket's address; a host that is mounted below a path or behind a proxy is served as well."""

    def __init__(self, wrapped: WSGIApp, state: State, services: Services):
        self._wrapped = wrapped
        self._state = state
        self._settings = state.settings
        self._complaints = hints.Complaints()
        self._doors: dict[str, WSGIApp] = {self._settings.prefix + SOCKET_PATH: self._behind_proxies(self._chat)}
        poll = PollDoor(state, self._member, _address)
        self._doors[self._settings.prefix + POLL_PATH] = self._behind_proxies(poll)
        self._doors |= Health(state).doors()
        self._doors[self._settings.prefix + METRICS_PATH] = MetricsDoor(services)
        if self._settings.test_echo:
            self._doors[self._settings.prefix + ECHO_PATH] = self._echo
        self._text_path = self._settings.prefix + text_page.TEXT_PATH
        self._text_door = self._behind_proxies(self._text)
        self._open_door = OpenDoor(state.app, self._open_paths(), wrapped)
        self._keyed = self._behind_proxies(self._open_door)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        door = self._door(environ)
        try:
            answer = door(environ, start_response)
        finally:
            self._put_counts_down()
        # An answer to HEAD has no body (RFC 9110 §9.3.2), as Flask knows by itself.
        return [] if environ["REQUEST_METHOD"] == "HEAD" and door not in (self._wrapped, self._keyed) else answer

    def _open_paths(self) -> dict[str, int]:
        """With the largest body of each."""
        least = bodies.most_for(self._settings.text_chars)
        return {self._settings.prefix + path: bodies.MOST if path == "/api/" else least for path in OPEN_PATHS}

    def _put_counts_down(self) -> None:
        """For whoever asks another worker. A chat worker does so by itself."""
        if metrics.installed and self._state.running is None:
            self._state.parts.offload.call(self._state.ledger.write)

    def _door(self, environ: Environ) -> WSGIApp:
        path = environ.get("PATH_INFO", "")
        if path.startswith(self._text_path) and not text_page.is_asked(environ):
            return self._text_door
        if self._is_astray(path, environ):
            return self._astray
        if self._open_door.answers(path):
            return self._keyed
        return self._doors.get(path, self._wrapped)

    def _is_astray(self, path: str, environ: Environ) -> bool:
        if not path.startswith(f"{self._settings.prefix}/") or not handshake.wants_websocket(environ):
            return False
        ours = (self._settings.prefix + SOCKET_PATH, self._settings.prefix + ECHO_PATH)
        return path not in ours or path not in self._doors

    def _astray(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The address of a socket was mistyped."""
        place = environ.get("SCRIPT_NAME", "") + self._settings.prefix
        asked = (environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"]).encode("latin-1").decode(errors="replace")
        text = f" A plain-text room is at {place}{text_page.TEXT_PATH}ROOM." if self._settings.text_rooms else ""
        words = f"There is no WebSocket at {asked}. The chat's is at {place}{SOCKET_PATH}.{text}"
        return self._turn_away(handshake.Refusal("404 Not Found", words), environ, start_response, "websocket")

    def _behind_proxies(self, door: WSGIApp) -> WSGIApp:
        return proxies.behind(door, self._wrapped, self._settings.trusted_proxies)

    def _echo(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answer = _check_upgrade(environ)
        if isinstance(answer, handshake.Refusal):
            return _refuse(answer, start_response)
        self._state.worker().serve_echo(*environ[UPGRADE].accept(answer.headers))
        return []

    def _text(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            room = text_page.room_of(environ["PATH_INFO"], self._text_path)
            check_text_room(self._settings.text_rooms, room)
        except ChatError as error:
            return self._turn_away(_refusal(error), environ, start_response, "text")
        return self._open(environ, start_response, room)

    def _chat(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return self._open(environ, start_response)

    def _open(self, environ: Environ, start_response: StartResponse, text_room: str | None = None) -> Iterable[bytes]:
        """Serve the socket, or say why not."""
        transport = "websocket" if text_room is None else "text"
        answer = _check_upgrade(environ)
        if isinstance(answer, handshake.Acceptance) and not origins.is_own(environ, self._settings):
            answer = handshake.Refusal("403 Forbidden", hints.foreign(environ))
        if isinstance(answer, handshake.Refusal):
            return self._turn_away(self._explained(answer, environ), environ, start_response, transport)
        address = _address(environ)
        worker = self._state.worker()
        try:
            worker.check_room(address, None)
            with worker.asking() as ended:
                member = self._member(environ)
            if any(notice.ends(member) for notice in ended):
                raise NotLoggedIn(_NOBODY)
            if text_room is not None and member is None:  # there, nobody could log in later
                raise NotLoggedIn(_NOBODY)
            worker.check_room(address, member)
        except ChatError as error:
            if isinstance(error, Forbidden) and text_room is None:
                return self._keep_out(error, answer, environ, address)
            return self._turn_away(_refusal(error), environ, start_response, transport)
        socket, received = environ[UPGRADE].accept(answer.headers)
        if text_room is not None and member is not None:
            worker.serve_text(socket, received, member, address, text_room)
        else:
            worker.serve(socket, received, member, address, speaker.remember(self._state, environ, member))
        return []

    def view(self) -> Response:
        """The socket's address as a view of the site's app: for sites whose own middleware, behind this one, takes a
        folder from the path. Their `ProxyFix` may have been at work already.
        """
        known = "werkzeug.proxy_fix.orig" in request.environ
        door = self._chat if known else self._doors[self._settings.prefix + SOCKET_PATH]
        refused: list[tuple[str, Any]] = []
        body = door(request.environ, lambda status, headers, exc_info=None: refused.append((status, headers)))
        return Response(b"".join(body), *refused[0]) if refused else _Taken()

    def _keep_out(
        self, error: ChatError, answer: handshake.Acceptance, environ: Environ, address: str | None
    ) -> Iterable[bytes]:
        """The site does not want this person: said by a close code, as no script sees the status of a handshake."""
        refusals.note(self._state.parts.counts, environ, "websocket", error.status, error.reason)
        socket, _ = environ[UPGRADE].accept(answer.headers)
        self._state.worker().send_away(socket, address, error)
        return []

    def _turn_away(
        self, refusal: handshake.Refusal, environ: Environ, start_response: StartResponse, transport: str
    ) -> Iterable[bytes]:
        refusals.note(self._state.parts.counts, environ, transport, int(refusal.status[:3]), refusal.reason)
        return _refuse(refusal, start_response)

    def _explained(self, refusal: handshake.Refusal, environ: Environ) -> handshake.Refusal:
        """What a proxy made of the handshake is told to the client and to the operator."""
        fault = hints.missing(environ)
        if fault or (refusal.status.startswith("403") and hints.proxied(environ)):
            self._complaints.tell(fault or refusal.message, environ)
        return refusal._replace(message=fault or refusal.message)

    def _member(self, environ: Environ) -> Member | None:
        token = parse_qs(environ.get("QUERY_STRING", "")).get("token")
        if token:
            return self._state.tokens.verify(token[0])
        return self._state.identify(environ)


class _Taken(Response):
    """The socket is taken over: all was said with the 101."""

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return []


def _check_upgrade(environ: Environ) -> handshake.Acceptance | handshake.Refusal:
    answer = handshake.answer(environ)
    if isinstance(answer, handshake.Acceptance) and UPGRADE not in environ:
        return handshake.Refusal("501 Not Implemented", _NO_SUPPORT)
    return answer


def _refusal(error: ChatError) -> handshake.Refusal:
    retry = () if error.retry_after is None else (("Retry-After", whole_seconds(error.retry_after)),)
    status = f"{error.status} {HTTPStatus(error.status).phrase}"
    return handshake.Refusal(status, error.message, retry, error.reason)


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
