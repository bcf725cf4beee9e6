"""What the server's frames mean for a client, whichever transport brings them. The background thread's alone."""

from __future__ import annotations

import uuid

from ..core import frames
from ..core.text import check_text
from .inbox import Inbox
from .life import Life
from .requests import Request, Requests
from .stream import Step, Stream
from .wire import Wire


class Reader:
    """Moves the stream, tells the requests of their answers, fills the inbox and asks for what is missing.

    `login` is the newest answer to one; `drain` how many seconds a server that restarts wants to be left alone.
    """

    def __init__(self, life: Life, requests: Requests, inbox: Inbox, resume: frames.Resume | None):
        self._life, self._requests, self._inbox = life, requests, inbox
        self._stream = Stream(resume)
        self._fills: dict[str, str] = {}  # history on its way: request id → conversation
        self._login_id = ""
        self.login: frames.LoggedIn | None = None
        self.drain: float | None = None

    def begin(self, wire: Wire, token: str | None) -> None:
        """A new session: log in and go on where the stream stands."""
        self._fills.clear()
        login: dict[str, object] = {"resume": self._stream.resume()}
        if token:
            login["token"] = token
        request = Request("login", login)
        self._login_id = request.id
        wire.send(request)

    def take(self, event: frames.Event, wire: Wire) -> None:
        """One frame. Raises `ConnectionError` where the login did not work out for now."""
        self._react(event, wire)
        self._fill(wire)

    def _react(self, event: frames.Event, wire: Wire) -> None:
        if isinstance(event, frames.Ack):
            self._acked(event)
        elif isinstance(event, frames.Error) and isinstance(event.id, str):
            self._erred(event, event.id)
        elif isinstance(event, frames.LoggedIn):
            self._logged_in(event, wire)
        elif isinstance(event, frames.Hello):
            self._requests.greeted(event.limits)
        elif isinstance(event, frames.Drain):
            self.drain = event.retry_after / 1000
        elif isinstance(event, frames.Pong):
            if isinstance(event.id, str):
                self._requests.settle(event.id, frames.ack(event.id))
        else:
            self._inbox.put(self._stream.take(event))

    def _logged_in(self, login: frames.LoggedIn, wire: Wire) -> None:
        self._inbox.put(self._stream.logged_in(login))
        with self._life.changed:
            self.login = login
            self._life.changed.notify_all()
        self._requests.connected(wire)

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
        request, login = self._requests.find(ack.id), self.login
        if request is None or request.private is None or login is None or not isinstance(ack.seq, int):
            return None
        text = check_text(request.private["content"], request.size)
        own = frames.PrivatePm(
            login.uid, request.private["uid"], login.name, text, ack.seq, ack.ts or 0, ack.mid or "", ack.id
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

    def _fill(self, wire: Wire) -> None:
        """Ask for the history of conversations with a hole."""
        for key, after in self._stream.asks():
            where, name = ("gid", key[2:]) if key.startswith("g:") else ("uid", key[2:])
            request = Request("history", {where: name, "after": after, "limit": 100}, uuid.uuid4().hex)
            self._fills[request.id] = key
            wire.send(request)
