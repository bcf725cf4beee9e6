"""A server that plays a script: one scene for each connection."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from legacy_chat.client import Client

LIMITS = {"message_bytes": 2000, "text_chars": 4000, "rate": [50, 200]}


class Peer:
    """The server's end of one connection."""

    def __init__(self, socket_: ServerConnection):
        self.ws = socket_

    def send(self, **frame) -> None:
        self.ws.send(json.dumps(frame))

    def hear(self, type: str | None = None) -> dict:
        """The next frame, which must be of this type."""
        frame = json.loads(self.ws.recv(timeout=10))
        assert type in (None, frame["type"])
        return frame

    def login(self, epoch: str = "e1", rate: tuple[float, float] = (50, 200), **heads: int) -> dict:
        """Greet and let in; `lobby=3` is a room with its newest message. What the client logged in with."""
        self.send(type="hello", client_id=1001, version=1, limits=LIMITS | {"rate": rate}, ping=25)
        asked = self.hear("login")
        groups = [
            {"gid": gid, "name": gid, "seq": seq, "read": 0, "unread": seq, "private": False, "ts": 0}
            for gid, seq in heads.items()
        ]
        who = {"uid": "1", "name": "ada", "client_id": 1001, "epoch": epoch}
        self.send(type="login", **who, groups=groups, peers=[], online={"users": 1, "connections": 1})
        self.send(type="ack", id=asked["id"], ok=True)
        return asked

    def say(self, seq: int, gid: str = "lobby", content: str = "") -> None:
        self.send(**message(seq, gid, content))

    def ack(self, id: str, seq: int = 1) -> None:
        self.send(type="ack", id=id, ok=True, seq=seq, mid=f"1.{seq}", ts=5)

    def vanish(self) -> None:
        """No close frame, as after a kill -9."""
        self.ws.socket.shutdown(socket.SHUT_RDWR)

    def stay(self) -> None:
        """Until the client leaves."""
        while True:
            self.ws.recv()  # its end ends the scene


def message(seq: int, gid: str = "lobby", content: str = "") -> dict:
    text = content or f"text {seq}"
    return {"type": "groupPm", "gid": gid, "uid": "2", "name": "ben", "content": text, "seq": seq, "ts": 0, "mid": "1"}


@pytest.fixture
def play():
    """`play(first, second, ...)`: each connection in turn gets its scene, a function of `Peer`. Gives the address."""
    servers, failures = [], []

    def begin(*scenes: Callable[[Peer], None], refuse: HTTPStatus | None = None, retry_after: str | None = None) -> str:
        waiting = iter(scenes)

        def serve_one(ws: ServerConnection) -> None:
            try:
                next(waiting)(Peer(ws))
            except ConnectionClosed:
                pass
            except BaseException as error:
                failures.append(error)

        def first_look(ws: ServerConnection, _):
            if refuse is None:
                return None
            answer = ws.protocol.reject(refuse, "no")
            if retry_after:
                answer.headers["Retry-After"] = retry_after
            return answer

        server = serve(serve_one, "127.0.0.1", 0, process_request=first_look, compression=None)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.socket.getsockname()[1]}/chat"

    yield begin
    for server, thread in servers:
        server.shutdown()
        thread.join(10)
    assert failures == []


@pytest.fixture
def ada():
    """`ada(url)` is a connected client, closed after the test."""
    clients = []

    def come(url: str, **how) -> Client:
        clients.append(Client(url, **how).connect())
        return clients[-1]

    yield come
    for client in clients:
        client.close()


def numbers(client: Client, count: int) -> list[int]:
    return [client.receive(10).seq for _ in range(count)]
