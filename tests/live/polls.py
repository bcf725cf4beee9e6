"""Polls by hand: `http.client` and JSON, no code of the product."""

from __future__ import annotations

import json
import os
import select
import threading
from http.client import HTTPConnection
from typing import NamedTuple

from .raw import TIMEOUT, eventually

JSON = "application/json"
DRAWN = ("ack", "error", "pong")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: dict

    @property
    def frames(self) -> list[dict]:
        return self.body["frames"]

    @property
    def types(self) -> list[str]:
        return [frame["type"] for frame in self.frames]

    @property
    def error(self) -> tuple:
        """`(status, code of the first error, close or None)`."""
        [error] = self.frames
        return self.status, error["code"], self.body.get("close")

    def of(self, type: str) -> list[dict]:
        return [frame for frame in self.frames if frame["type"] == type]


class Page:
    """Somebody who polls. `poll` and `ask` move the cursor on; `post` does not. What was not asked for is `waiting`."""

    def __init__(self, server, uid: str | None = None, name: str | None = None, cookie: str | None = None, **headers):
        self.server, self.cursor, self.waiting = server, None, list[dict]()
        self.pause = 0
        self._token = {"token": server.token(uid, name)} if uid else {}
        self._headers = {"Cookie": cookie} if cookie else {}
        self._headers |= {key.replace("_", "-"): value for key, value in headers.items()}
        self._connection = dial(server)

    def post(self, *frames: dict, wait: float = 0, cursor: str | None = None, **headers) -> Answer:
        """One request with this page's cursor, or another one."""
        body = {"cursor": cursor or self.cursor, "frames": frames, "wait": wait}
        return self.send(json.dumps(body).encode(), **headers)

    def send(
        self, body: bytes, *, method="POST", type: str | None = JSON, path: str | None = None, **headers
    ) -> Answer:
        given = {"Content-Type": type} if type else {}
        given |= self._headers | {key.replace("_", "-"): value for key, value in headers.items()}
        if _ended(self._connection):
            self._connection.close()  # the request opens it anew
        self._connection.request(method, path or f"{self.server.prefix}/poll", body, given)
        return read(self._connection)

    def move(self, answer: Answer) -> Answer:
        """Take an answer for the newest one."""
        assert answer.status == 200, answer
        self.cursor, self.pause = answer.body["cursor"], answer.body["pause"]
        self.waiting += answer.frames
        return answer

    def login(self, *frames: dict, **fields) -> dict:
        self.cursor = None
        self.move(self.post({"type": "login", **self._token, **fields}, *frames))
        return self.expect("login")

    def poll(self, wait: float = 0) -> Answer:
        return self.move(self.post(wait=wait))

    def say(self, **fields) -> dict:
        """Post one frame with an id; its `ack`, `error` or `pong`."""
        fields.setdefault("id", os.urandom(6).hex())
        self.move(self.post(fields))
        return self.take(lambda frame: frame.get("id") == fields["id"] and frame["type"] in DRAWN)

    def expect(self, type: str, **fields) -> dict:
        """The next frame of this type with these fields, polling until it comes."""
        return self.take(lambda frame: frame["type"] == type and fields.items() <= frame.items())

    def take(self, fits) -> dict:
        found: list[dict] = []

        def look() -> bool:
            for index, frame in enumerate(self.waiting):
                if fits(frame):
                    found.append(self.waiting.pop(index))
                    return True
            self.poll(wait=1)
            return False

        eventually(look, what="the frame")
        return found[0]

    def nothing(self, type: str) -> None:
        """No frame of this type has come by now."""
        self.poll()
        assert [frame for frame in self.waiting if frame["type"] == type] == []

    def hold(self, wait: float = 25) -> Held:
        return Held(self, wait)

    def close(self) -> None:
        self._connection.close()


class Held:
    """A poll on a connection of its own, with the page's cursor, that is read in a thread."""

    def __init__(self, page: Page, wait: float):
        self._page = page
        self._answer: Answer | None = None
        self._error: Exception | None = None
        self.connection = dial(page.server, timeout=wait + TIMEOUT)
        body = json.dumps({"cursor": page.cursor, "frames": [], "wait": wait}).encode()
        headers = {"Content-Type": JSON, **page._headers}
        self.connection.request("POST", f"{page.server.prefix}/poll", body, headers)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            self._answer = read(self.connection)
        except Exception as error:
            self._error = error

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def answer(self, timeout: float = TIMEOUT) -> Answer:
        """The answer as it came; it moves nothing."""
        self._thread.join(timeout)
        assert self.over, "the poll is still held"
        self.connection.close()
        if self._error:
            raise self._error
        return self._answer

    def frames(self) -> list[dict]:
        """The page goes on from this answer."""
        return self._page.move(self.answer()).frames


def dial(server, timeout: float = TIMEOUT) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    connection.connect()
    return connection


def _ended(connection: HTTPConnection) -> bool:
    """The server has ended a connection that it kept for a while, as all do."""
    return connection.sock is not None and bool(select.select([connection.sock], [], [], 0)[0])


def read(connection: HTTPConnection) -> Answer:
    answer = connection.getresponse()
    body = answer.read()
    return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, json.loads(body) if body else {})


def held(server) -> int:
    """How many polls the server holds back, in its own words."""
    _, text = server.browser().open(f"{server.prefix}/metrics")
    [line] = [line for line in text.splitlines() if line.startswith('legacy_chat_connections{transport="polling"}')]
    return int(float(line.split()[1]))
