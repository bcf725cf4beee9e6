"""`POST /chat/poll`: the chat where no WebSocket gets through, on any WSGI worker.

It is caught before Flask, like the socket, so no session is opened or written by a poll. The cursor is signed and
stands for the login of the first poll.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any

from itsdangerous import BadSignature, TimestampSigner

from ..actions.poll_client import Over, PollClient
from ..actions.polling import InTurns, Polling
from ..core import close, frames, poll
from ..core.metrics import ERRORS, FRAMES_RECEIVED, FRAMES_SENT, POLLS
from ..core.poll import Answer, Place, Poll
from ..errors import (
    BadCursor,
    BadRequest,
    ChatError,
    Forbidden,
    Internal,
    RateLimited,
    TooLarge,
    Unavailable,
    whole_seconds,
)
from ..storage import notices
from . import origins, refusals, speaker
from .bodies import Body

if TYPE_CHECKING:
    from ..realtime.holds import Holds
    from ..realtime.worker import Worker
    from ..state import State

POLL_PATH = "/poll"

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Headers = list[tuple[str, str]]

_SALT = "legacy_chat.cursor"
# Seconds after which a client that was silent has to log in again.
_LIFE = 600
# Milliseconds between the polls of a client that this worker cannot make wait.
_PAUSE = 1000
_LARGEST = 1 << 20


class Cursors:
    """Places as signed text."""

    def __init__(self, secret_key: str | bytes):
        self._signer = TimestampSigner(secret_key, salt=_SALT)

    def sign(self, place: Place) -> str:
        return self._signer.sign(poll.pack(place)).decode()

    def read(self, cursor: str) -> Place:
        """Raises `BadCursor`, or `Over` for one that is too old."""
        try:
            return poll.unpack(self._signer.unsign(cursor, max_age=_LIFE))
        except BadSignature:  # too old ones as well
            raise BadCursor("This cursor is not one of this site, or too old: log in again.") from None


@dataclass(frozen=True)
class _Turn:
    """One poll of a client; `ends` is when it is to be answered. Who answers is looked up once, which takes a while."""

    client: PollClient
    polling: Polling
    worker: Worker | None
    address: str | None
    ends: float


class PollDoor:
    """Answers polls; `member` says whose cookie came with a request, `address` whose address counts."""

    def __init__(self, state: State, member: Callable[[Environ], Any], address: Callable[[Environ], str | None]):
        self._state = state
        self._settings = state.settings
        self._member = member
        self._address = address
        self._cursors = Cursors(state.app.secret_key or "")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        headers = self._cors(environ)
        if environ["REQUEST_METHOD"] == "OPTIONS" and headers:
            return _preflight(start_response, headers)
        error: ChatError | None = None
        try:
            answer, status = self._answer(environ), 200
        except Over as over:
            error = over.error
            answer, status = _error(error, over.code), error.status
            headers += _retry_after(error)
        except BadCursor as bad:
            error = bad
            answer, status = _error(error, close.RESTART), error.status
        except ChatError as refusal:
            error = refusal
            answer, status = _error(error, close.FORBIDDEN if isinstance(error, Forbidden) else None), error.status
            headers += _retry_after(error)
        except _NotAPoll as other:
            error = BadRequest(str(other), reason=refusals.reason_of(other.status))
            answer, status = _error(error, other.close), other.status
            headers += other.headers
        self._count(environ, answer, status, error)
        return _send(start_response, status, poll.encode(answer), headers)

    def _count(self, environ: Environ, answer: Answer, status: int, error: ChatError | None) -> None:
        counts = self._state.parts.counts
        counts[FRAMES_SENT] += len(answer.frames)
        if error is None:
            counts[POLLS["news" if answer.frames else "empty"]] += 1
        else:
            counts[POLLS["refused"]] += 1
            counts[ERRORS[error.code]] += 1
            refusals.note(counts, environ, "polling", status, error.reason)

    def _answer(self, environ: Environ) -> Answer:
        self._check_request(environ)
        asked = poll.decode(_body(environ, min(_LARGEST, 16 * self._settings.max_message_bytes)))
        self._check_frames(asked)
        self._state.parts.counts[FRAMES_RECEIVED] += len(asked.frames)
        client = self._client(environ, asked)
        worker = self._state.chat_worker()
        if worker is not None:
            worker.holds.supersede(client.client_id)
            worker.check_drain()
        wait = min(asked.wait, poll.LONGEST) if worker else 0.0
        turn = _Turn(client, self._state.polling, worker, self._address(environ), monotonic() + wait)
        try:
            turns: InTurns = worker.in_turns if worker else iter
            turn.polling.carry_out(client, map(bytes, asked.frames), turn.address, turns)
            turn.polling.touch(client, wait)
            return self._wait(turn, wait)
        except Unavailable as error:
            if asked.frames:
                raise Internal("What you said may be carried out: send the same again.", error.retry_after) from error
            raise

    def _check_frames(self, asked: Poll) -> None:
        """Each is as large as over a socket at the most: reading one holds up everybody."""
        most = self._settings.max_message_bytes
        if any(len(memoryview(frame)) > most for frame in asked.frames):
            raise TooLarge(f"A frame has at most {most} bytes (CHAT_MAX_MESSAGE_BYTES).")

    def _client(self, environ: Environ, asked: Poll) -> PollClient:
        parts = self._state.parts
        if asked.cursor is not None:
            place = self._cursors.read(asked.cursor)
            client = PollClient(parts, place, None)
            client.session.request = partial(speaker.keep_if_same, self._state, environ, place.member)
        else:
            before = parts.read(notices.newest)  # a session that ends while the site is asked is over as well
            member = self._member(environ)
            client = PollClient(parts, None, member, before)
            client.session.request = speaker.remember(self._state, environ, member)
        return client

    # -- waiting ------------------------------------------------------------------------------------------------

    def _wait(self, turn: _Turn, wait: float) -> Answer:
        client, worker = turn.client, turn.worker
        before, mark = copy(client.here), worker.holds.news if worker else 0
        found, more = turn.polling.collect(client)
        if worker and not found and wait > 0 and not client.moved:
            try:
                held = self._held(turn, worker.holds, mark)
            except Unavailable:
                if not client.spoke:
                    raise
                return Answer([], self._cursors.sign(client.here), _PAUSE)
            if held is None:
                return Answer([], self._cursors.sign(before), 0)
            found, more = held
        found += turn.polling.count(client)
        return Answer(found, self._cursors.sign(client.here), 0 if more or worker else _PAUSE)

    def _held(self, turn: _Turn, holds: Holds, mark: int) -> tuple[list[Any], bool] | None:
        """What comes first: news, the end of the time or of the worker; None where its client has come again."""
        client, polling, member = turn.client, turn.polling, turn.client.session.member
        assert member is not None  # noqa: S101 - it is logged in by now
        found: list[Any] = []
        more = False
        with holds.hold(client.client_id, member.uid, turn.address) as hold:
            while not hold.superseded:
                if holds.ended:
                    return [*found, frames.Drain(retry_after=holds.come_back())], more
                holds.listen(hold, client.keys, mark)
                if found or not hold.wait(turn.ends - monotonic()):
                    return found, more
                mark = holds.news
                found, more = polling.collect(client)
        return None

    # -- what is a poll -----------------------------------------------------------------------------------------

    def _check_request(self, environ: Environ) -> None:
        if environ["REQUEST_METHOD"] != "POST":
            raise _NotAPoll(405, "Send a POST with JSON.", headers=[("Allow", "POST")])
        if not origins.is_own(environ, self._settings):
            message = "This origin may not poll: list it in CHAT_ALLOWED_ORIGINS."
            raise _NotAPoll(403, message, close.FORBIDDEN)
        # A form of a foreign site can send no JSON without being asked first (Fetch, CORS-safelisted request headers).
        if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != "application/json":
            raise _NotAPoll(415, "Send JSON, with Content-Type: application/json.")

    def _cors(self, environ: Environ) -> Headers:
        """A page of another origin that is allowed may read the answer; it comes with a token, not with a cookie."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is None or origins.is_own(environ, self._settings, allowed=()):
            return []
        if not origins.is_own(environ, self._settings):
            return []
        return [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]


class _NotAPoll(Exception):
    def __init__(self, status: int, message: str, close: int | None = None, headers: Headers | None = None):
        super().__init__(message)
        self.status, self.close, self.headers = status, close, headers or []


def _body(environ: Environ, most: int) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdigit():
        raise _NotAPoll(411, "Send the length of the body.")
    if int(length) > most:
        raise TooLarge(f"A poll has at most {most} bytes: send fewer frames at a time.")
    try:
        return Body(environ, most).read(int(length)) or b""
    except BadRequest as cut_off:
        raise _NotAPoll(400, cut_off.message, headers=[("Connection", "close")]) from None


def _error(error: ChatError, close: int | None = None) -> Answer:
    answer = Answer([frames.error_frame(error)])
    if close is not None:
        answer.close = close
    return answer


def _retry_after(error: ChatError) -> Headers:
    if error.retry_after is None and not isinstance(error, Unavailable | RateLimited):
        return []
    return [("Retry-After", whole_seconds(error.retry_after or 1))]


def _preflight(start_response: StartResponse, headers: Headers) -> Iterable[bytes]:
    allowed = [("Access-Control-Allow-Methods", "POST"), ("Access-Control-Allow-Headers", "content-type")]
    start_response("204 No Content", [*headers, *allowed, ("Access-Control-Max-Age", "600")])
    return []


def _send(start_response: StartResponse, status: int, body: bytes, headers: Headers) -> Iterable[bytes]:
    own = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    start_response(f"{status} {HTTPStatus(status).phrase}", [*own, *headers])
    return [body]
