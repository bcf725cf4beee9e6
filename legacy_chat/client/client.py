"""One person's connection, over reconnects.

One background thread reads. It alone touches the stream (what comes next in each conversation), tells the requests of
their answers, and fills the inbox that `receive` empties. It comes back by itself until a close code says not to.
"""

from __future__ import annotations

import logging
import random
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from ..core import close, frames
from ..core.text import check_text
from .errors import Closed, NotConnected
from .inbox import Inbox
from .life import Life
from .requests import Request, Requests
from .stream import Step, Stream

log = logging.getLogger(__name__)

# Silence after which the server is asked for a sign of life; twice that long and the connection counts as dead.
QUIET_SECONDS = 10.0
_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 2.0
# The least and the most that a delay may reach before the next attempt, and what a flood costs on top.
_BACKOFF, _BACKOFF_MOST, _FLOOD = 0.2, 10.0, 1.0
# A server that restarts is back within seconds: the first attempts, about half a minute of them, stay close together.
_YOUNG, _BACKOFF_YOUNG = 30, 2.0
# A page of history may hold 100 long messages; the library's own limit of 1 MiB is below that.
_FRAME_BYTES = 2**26
_HTTP = {401: close.NOT_LOGGED_IN, 403: close.FORBIDDEN}


class Client:
    """`url` is the chat's address (`https://host/chat`) or its socket (`wss://host/chat/ws`).

    `token` is a connect token, or a function that makes one, called at every login since tokens expire; `cookie` is
    the header of a logged-in browser. With `resume`, an earlier `cursor`, it goes on where that stood.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | Callable[[], str] | None = None,
        cookie: str | None = None,
        resume: frames.Resume | None = None,
        ack_seconds: float = 5.0,
        ssl: SSLContext | None = None,
    ) -> None:
        self._address, site = _addresses(url)
        self._token, self._ack_seconds = token, ack_seconds
        self._how: dict[str, Any] = {"ssl": ssl} if ssl else {}
        if cookie:
            self._how.update(additional_headers={"Cookie": cookie}, origin=site)
        self._life = Life()
        self._requests = Requests(self._life)
        self._inbox = Inbox(self._life, resume, urgent=lambda: len(self._requests))
        self._thread: threading.Thread | None = None
        self._ws: ClientConnection | None = None
        self._login: frames.LoggedIn | None = None
        self._trouble = "no answer"
        self.online = False
        # The rest is the background thread's alone.
        self._stream = Stream(resume)
        self._fills: dict[str, str] = {}  # history on its way: request id → conversation
        self._login_id = ""
        self._drain: float | None = None

    # -- life -----------------------------------------------------------------------------------------------

    def connect(self, timeout: float = 10.0) -> Client:
        """Start, and wait for the first login. Raises `Closed` or, after `timeout`, `NotConnected`."""
        with self._life.changed:
            if self._thread is None and self._life.end is None:
                self._thread = threading.Thread(target=self._run, name="legacy_chat client", daemon=True)
                self._thread.start()
        self._life.wait(lambda: self._login, timeout)
        if self._login is None:
            self._life.check()
            self.close()
            raise NotConnected(f"no login within {timeout} s: {self._trouble}")
        return self

    def close(self) -> None:
        """Leave for good; what waits for an answer raises `Closed`. Events that came before can still be received."""
        self._life.finish(Closed(close.DONE, "closed"))
        with self._life.changed:
            ws, thread = self._ws, self._thread
        if ws:
            ws.close()
        if thread and thread is not threading.current_thread():
            thread.join()

    def __enter__(self) -> Client:
        return self.connect()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def login(self) -> frames.LoggedIn:
        """The newest answer to a login: rooms, private conversations, who is online."""
        if self._login is None:
            raise NotConnected("call `connect` first")
        return self._login

    @property
    def uid(self) -> str:
        return self.login.uid

    @property
    def name(self) -> str:
        return self.login.name

    @property
    def client_id(self) -> int:
        return self.login.client_id

    # -- say ------------------------------------------------------------------------------------------------

    def group(self, gid: str, content: str, *, id: str | None = None, timeout: float | None = None) -> frames.Ack:
        """Say something in a room. Returns once it is committed.

        Until `timeout` it is sent again after every reconnect, with the same `id`, so it is there once; then it raises
        `NotSent`. Raises `Refused` where the server says no.
        """
        return self._ask(Request("group", {"gid": str(gid), "content": content}, id), timeout)

    def pm(self, uid: str, content: str, *, id: str | None = None, timeout: float | None = None) -> frames.Ack:
        """Say something to one person; otherwise as `group`."""
        return self._ask(Request("pm", {"uid": str(uid), "content": content}, id), timeout)

    def request(self, type: str, /, *, timeout: float | None = None, **fields: Any) -> frames.Ack:
        """Any other frame of the protocol: `request("join", gid="lobby")`; the answer is in the ack's fields."""
        return self._ask(Request(type, fields), timeout)

    def _ask(self, request: Request, timeout: float | None) -> frames.Ack:
        if self._login is None:
            self._life.check()
            raise NotConnected("call `connect` first")
        return self._requests.ask(request, self._ack_seconds if timeout is None else timeout)

    # -- hear -----------------------------------------------------------------------------------------------

    def receive(self, timeout: float | None = None) -> frames.Event | None:
        """The next event, or None after `timeout` seconds.

        Messages of a conversation come in the order of their `seq`, each once, also one's own. Raises `Closed` when
        the client has ended and everything was handed out.
        """
        return self._inbox.get(timeout)

    def __iter__(self) -> Iterator[frames.Event]:
        """Events until the client has ended."""
        while True:
            try:
                event = self.receive()
            except Closed:
                return
            if event is not None:
                yield event

    @property
    def cursor(self) -> frames.Resume:
        """Where `receive` stands; stored and given as `resume` to another client, that one goes on from there."""
        return self._inbox.cursor

    # -- the background thread: connections -----------------------------------------------------------------

    def _run(self) -> None:
        failures = 0
        while self._life.end is None:
            self._drain = None
            before = self._login
            end = self._live()
            failures = 0 if self._login is not before else failures + 1
            if close.is_final(end.code):
                self._life.finish(end)
            self._life.rest(_delay(failures, end.code, self._drain))

    def _live(self) -> Closed:
        """One connection from its handshake to its end."""
        try:
            with connect(
                self._address,
                compression=None,
                open_timeout=_OPEN_SECONDS,
                close_timeout=_CLOSE_SECONDS,
                max_size=_FRAME_BYTES,
                **self._how,
            ) as ws:
                self._serve(ws)
            end = Closed(close.DONE, "closed")
        except InvalidStatus as error:
            status = error.response.status_code
            end = Closed(_HTTP.get(status, close.ABNORMAL), f"HTTP {status}")
        except ConnectionClosed as error:
            end = Closed(error.rcvd.code, error.rcvd.reason) if error.rcvd else Closed(close.ABNORMAL, str(error))
        except Exception as error:  # the network, TLS, a token that could not be made: all may be over soon
            end = Closed(close.ABNORMAL, f"{type(error).__name__}: {error}")
        log.info("connection ended: %s", end)
        self._offline(str(end))
        return end

    def _serve(self, ws: ClientConnection) -> None:
        with self._life.changed:
            if self._life.end:
                return
            self._ws = ws
        self._fills.clear()
        self._login_id = uuid.uuid4().hex
        token = self._token() if callable(self._token) else self._token
        login = frames.Login(id=self._login_id, resume=self._stream.resume())
        if token:
            login.token = token
        ws.send(frames.encode(login).decode())
        while self._life.end is None:
            event = frames.decode_event(self._read(ws))
            if event is not None:
                self._react(event, ws)
            self._fill(ws)

    def _read(self, ws: ClientConnection) -> str:
        """The next frame. A silent server is asked once for a sign of life; raises `TimeoutError`."""
        for asked in (False, True):
            try:
                return str(ws.recv(timeout=QUIET_SECONDS))
            except TimeoutError:
                if asked or not self.online:
                    break
                ws.send('{"type":"ping"}')
        try:
            ws.socket.shutdown(socket.SHUT_RDWR)  # so that no thread goes on waiting to write
        except OSError:
            pass
        raise TimeoutError("the server is silent")

    def _offline(self, why: str) -> None:
        with self._life.changed:
            self._ws, self.online, self._trouble = None, False, why
        self._requests.disconnected()

    # -- the background thread: frames ----------------------------------------------------------------------

    def _react(self, event: frames.Event, ws: ClientConnection) -> None:
        if isinstance(event, frames.Ack):
            self._acked(event)
        elif isinstance(event, frames.Error) and isinstance(event.id, str):
            self._erred(event, event.id)
        elif isinstance(event, frames.LoggedIn):
            self._logged_in(event, ws)
        elif isinstance(event, frames.Hello):
            self._requests.greeted(event.limits)
        elif isinstance(event, frames.Drain):
            self._drain = event.retry_after / 1000
        elif isinstance(event, frames.Pong):
            if isinstance(event.id, str):
                self._requests.settle(event.id, frames.ack(event.id))
        else:
            self._inbox.put(self._stream.take(event))

    def _logged_in(self, login: frames.LoggedIn, ws: ClientConnection) -> None:
        self._inbox.put(self._stream.logged_in(login))
        with self._life.changed:
            self._login, self.online = login, True
            self._life.changed.notify_all()
        self._requests.connected(ws)

    def _acked(self, ack: frames.Ack) -> None:
        if ack.id == self._login_id:
            self._stream.replayed()
        elif ack.id in self._fills:
            key = self._fills.pop(ack.id)
            for step in self._stream.page(key, ack.messages or ()):
                self._inbox.put(step)
        else:
            self._inbox.put(self._follow(ack))
            self._requests.settle(ack.id, ack)

    def _follow(self, ack: frames.Ack) -> Step | None:
        """What an ack itself tells: where a new room starts; one's own private message, which comes no other way."""
        if isinstance(ack.room, frames.RoomEntry):
            return self._stream.joined(ack.room)
        request = self._requests.find(ack.id)
        if request is None or request.private is None or not isinstance(ack.seq, int):
            return None
        text = check_text(request.private["content"], len(request.text))
        own = frames.PrivatePm(
            self.uid, request.private["uid"], self.name, text, ack.seq, ack.ts or 0, ack.mid or "", ack.id
        )
        return self._stream.take(own)

    def _erred(self, error: frames.Error, id: str) -> None:
        if id == self._login_id:
            raise ConnectionError(f"{error.code}: {error.message}")
        if id not in self._fills:
            self._requests.settle(id, error)
            return
        key = self._fills.pop(id)
        if error.code in ("unknown_room", "not_member"):
            self._inbox.put(self._stream.forget(key))
        else:
            self._stream.failed(key)
            self._life.rest(error.retry_after or 1.0)

    def _fill(self, ws: ClientConnection) -> None:
        """Ask for the history of conversations with a hole."""
        for key, after in self._stream.asks():
            where, name = ("gid", key[2:]) if key.startswith("g:") else ("uid", key[2:])
            id = uuid.uuid4().hex
            self._fills[id] = key
            request = {"type": "history", "id": id, where: name, "after": after, "limit": 100}
            ws.send(frames.encode(request).decode())


def _addresses(url: str) -> tuple[str, str]:
    """The socket's address, and the site's as a browser would name it in `Origin`."""
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "wss")
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.netloc:
        raise ValueError(f"{url!r} must be like https://host/chat or wss://host/chat/ws")
    path = parts.path if parts.scheme.startswith("ws") else parts.path.rstrip("/") + "/ws"
    return f"{'wss' if secure else 'ws'}://{parts.netloc}{path}", f"{'https' if secure else 'http'}://{parts.netloc}"


def _delay(failures: int, code: int, drain: float | None) -> float:
    """Seconds until the next attempt: what the server asked for, else back-off with full jitter."""
    if drain is not None:
        return drain
    longest = _BACKOFF_YOUNG if failures < _YOUNG else _BACKOFF_MOST
    most = min(longest, _BACKOFF * 2 ** min(failures, 10))
    delay = random.uniform(0, most)  # noqa: S311 - no secret
    return delay + _FLOOD if code == close.FLOOD else delay
