"""One person's place in the chat, over reconnects and over transports.

    whoever asks ──▶ Requests ──▶ Socket or Polling ──▶ Reader ──▶ Inbox ──▶ whoever receives
                        ▲                                 │
                        └──────── acks, errors ───────────┘

One background thread reads. It alone touches the stream (what comes next in each conversation), tells the requests of
their answers, and fills the inbox that `receive` empties. It comes back by itself until a close code says not to.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from ssl import SSLContext
from typing import Any

from ..core import close, frames
from . import address, choice
from .backoff import delay
from .choice import Choice, Upgrade
from .errors import Closed, NotConnected
from .inbox import Inbox
from .life import Life
from .polling import Polling
from .reader import Reader
from .requests import Request, Requests
from .socket import Socket
from .wire import OPEN_SECONDS, Ended, How, Wire

log = logging.getLogger(__name__)

# What cannot be cut short, the look-up of a name or of a token, is not waited for: its thread ends by itself.
_FAREWELL = 1.5


class Client:
    """`url` is the chat's address (`https://host/chat`) or its socket (`wss://host/chat/ws`).

    `token` is a connect token, or a function that makes one, called at every login since tokens expire; `cookie` is
    the header of a logged-in browser. With `resume`, an earlier `cursor`, it goes on where that stood. `transport` is
    `"websocket"`, `"polling"`, or `"auto"`: WebSocket where it gets through, polling where it does not.
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
        transport: str = "auto",
    ) -> None:
        self._choice = Choice(transport)
        patience = choice.OPEN_SECONDS if self._choice.automatic else OPEN_SECONDS
        self._how = How(address.read(url), cookie, ssl, patience)
        self._token, self._ack_seconds = token, ack_seconds
        self._life = Life()
        self._requests = Requests(self._life)
        self._inbox = Inbox(self._life, resume, urgent=lambda: len(self._requests))
        self._reader = Reader(self._life, self._requests, self._inbox, resume)
        self._thread: threading.Thread | None = None
        self._wire: Wire | None = None
        self._opening: Wire | None = None
        self._upgrade: Upgrade | None = None
        self._trouble = "no answer"

    # -- life -----------------------------------------------------------------------------------------------

    def connect(self, timeout: float = 10.0) -> Client:
        """Start, and wait for the first login. Raises `Closed` or, after `timeout`, `NotConnected`."""
        with self._life.changed:
            if self._thread is None and self._life.end is None:
                self._thread = threading.Thread(target=self._run, name="legacy_chat client", daemon=True)
                self._thread.start()
        self._life.wait(lambda: self._reader.login, timeout)
        if self._reader.login is None:
            self._life.check()
            trouble = self._trouble
            self.close()
            raise NotConnected(f"no login within {timeout} s: {trouble}")
        return self

    def close(self) -> None:
        """Leave for good; what waits for an answer raises `Closed`. Events that came before can still be received."""
        self._life.finish(Closed(close.DONE, "closed"))
        with self._life.changed:
            wire, thread = self._wire or self._opening, self._thread
        if wire:
            wire.close()
        if thread and thread is not threading.current_thread():
            thread.join(_FAREWELL)

    def __enter__(self) -> Client:
        return self.connect()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def login(self) -> frames.LoggedIn:
        """The newest answer to a login: rooms, private conversations, who is online."""
        if self._reader.login is None:
            raise NotConnected("call `connect` first")
        return self._reader.login

    @property
    def uid(self) -> str:
        return self.login.uid

    @property
    def name(self) -> str:
        return self.login.name

    @property
    def client_id(self) -> int:
        return self.login.client_id

    @property
    def online(self) -> bool:
        """Logged in, and the server was within reach when it was last asked."""
        wire = self._wire
        return wire is not None and wire.online

    @property
    def transport(self) -> str | None:
        """What is in use, `"websocket"` or `"polling"`; None while there is no connection."""
        wire = self._wire
        return wire.name if wire else None

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
        if self._reader.login is None:
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

    # -- the background thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        failures = 0
        while self._life.end is None:
            before = self._reader.login
            end = self._session(self._next_wire())
            log.info("session ended: %s", end.closed)
            if close.is_final(end.code):
                self._life.finish(end.closed)
            logged_in = self._reader.login is not before
            failures = 0 if logged_in else failures + 1
            if not (self._choice.ended(end, logged_in) or self._is_upgraded()):
                self._life.rest(delay(failures, end.code, end.retry_after))
        opened = self._upgrade and self._upgrade.take()
        if opened:
            opened.close()

    def _is_upgraded(self) -> bool:
        return self._upgrade is not None and self._upgrade.socket is not None

    def _next_wire(self) -> Wire:
        """The socket that was opened while polling went on, or a new session over the transport whose turn it is."""
        upgrade, self._upgrade = self._upgrade, None
        opened = upgrade and upgrade.take()
        if opened:
            self._choice.upgraded()
            return opened
        if self._choice.name == "websocket":
            return Socket(self._how)
        if self._choice.automatic:
            self._upgrade = Upgrade(self._life, self._how, self._choice)
        return Polling(self._how, self._life, self._requests.lose, self._is_upgraded)

    def _session(self, wire: Wire) -> Ended:
        """From the handshake to the end."""
        self._reader.drain = None
        try:
            self._serve(wire)
            end = Ended(close.DONE, "closed")
        except Ended as ended:
            end = ended
        except Exception as error:  # a token that could not be made, a server that is not ours: all may be over soon
            end = Ended(reason=f"{type(error).__name__}: {error}")
        wire.close()
        with self._life.changed:
            self._wire, self._opening, self._trouble = None, None, str(end.closed)
        self._requests.disconnected()
        if self._reader.drain is not None:
            end.retry_after = self._reader.drain
        return end

    def _serve(self, wire: Wire) -> None:
        with self._life.changed:
            if self._life.end:
                return
            self._opening = wire
        wire.open()
        with self._life.changed:
            self._wire, self._opening = wire, None
        self._reader.begin(wire, self._token() if callable(self._token) else self._token)
        while self._life.end is None:
            event = wire.receive()
            if event is not None:
                self._reader.take(event, wire)
