"""One kept-alive HTTP connection with a thread of its own: one post at a time, waited for elsewhere."""

from __future__ import annotations

import threading
from http.client import HTTPConnection, HTTPException
from selectors import EVENT_READ, DefaultSelector
from typing import NamedTuple

from .cord import Cord
from .life import Life
from .route import Route
from .wire import OPEN_SECONDS, seconds_of

# How long an answer may take beyond the time that the server was told to wait.
_PATIENCE = 10.0
# Only the look-up of a name cannot be cut short: then the thread ends by itself.
_FAREWELL = 0.5


class Answer(NamedTuple):
    status: int
    retry_after: float | None
    body: bytes


class Post:
    """A request on its way; it is over once there is an `answer` or an `error`. `left`: the server may have seen it."""

    def __init__(self, body: bytes, wait: float = 0.0):
        self.body, self.wait = body, wait
        self.answer: Answer | None = None
        self.error: Exception | None = None
        self.left = False

    @property
    def over(self) -> bool:
        return self.answer is not None or self.error is not None


class Lane:
    """`life.changed` is notified when a post is over."""

    def __init__(self, life: Life, route: Route, headers: dict[str, str]):
        self._life, self._route = life, route
        self._headers = {"Content-Type": "application/json", **headers, **route.headers}
        self._connection: HTTPConnection | None = None
        self._cord = Cord()
        self._post: Post | None = None
        self._over = False
        self._thread: threading.Thread | None = None

    def start(self, post: Post) -> None:
        """What was under way is given up."""
        with self._life.changed:
            self.drop()
            self._post = post
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="legacy_chat client posts", daemon=True)
                self._thread.start()
            self._life.changed.notify_all()

    def drop(self) -> None:
        """Give up what is under way: nobody waits for its outcome any more."""
        with self._life.changed:
            post, self._post = self._post, None
            if post and not post.over:
                self._cord.cut()

    def close(self) -> None:
        with self._life.changed:
            self._over = True
            self.drop()
            self._life.changed.notify_all()
        if self._thread:
            self._thread.join(_FAREWELL)

    # -- its thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while post := self._next():
            try:
                self._connect(post)
                post.answer = self._carry(post)
            except (OSError, HTTPException, ValueError) as error:  # the last from TLS that was hung up
                self._end()
                post.error = error
            with self._life.changed:
                self._life.changed.notify_all()
        self._end()

    def _next(self) -> Post | None:
        with self._life.changed:
            self._life.changed.wait_for(lambda: self._over or (self._post and not self._post.over))
            return None if self._over else self._post

    def _connect(self, post: Post) -> None:
        if self._connection is not None and _is_stale(self._connection):
            self._end()
        self._check(post)
        assert self._connection is not None  # noqa: S101 - `_check` saw to it
        if self._connection.sock is None:
            self._connection.connect()
        self._check(post)
        post.left = True

    def _check(self, post: Post) -> None:
        """Is it still wanted? Then whoever gives it up from now on finds the cord of its connection."""
        with self._life.changed:
            if self._post is not post:
                raise ConnectionAbortedError("given up")
            if self._connection is None:
                self._cord = Cord()
                self._connection = self._route.dial(OPEN_SECONDS, self._cord)

    def _carry(self, post: Post) -> Answer:
        assert self._connection is not None  # noqa: S101 - `_connect` was here
        self._connection.sock.settimeout(post.wait + _PATIENCE)
        self._connection.request("POST", self._route.target, post.body, self._headers)
        reply = self._connection.getresponse()
        answer = Answer(reply.status, seconds_of(reply.getheader("Retry-After")), reply.read())
        if self._connection.sock is None:  # the server ends it, and may wait for the cord's handle to go too
            self._end()
        return answer

    def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            self._cord.cut()


def _is_stale(connection: HTTPConnection) -> bool:
    """Whether the server has ended a connection that was kept: then there is something to read, its end."""
    if connection.sock is None:
        return False
    with DefaultSelector() as selector:
        selector.register(connection.sock, EVENT_READ)
        return bool(selector.select(0))
