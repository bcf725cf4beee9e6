"""A server of polls that plays a script: the scene takes the posts one by one and answers them as it likes."""

from __future__ import annotations

import json
import queue
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .script import LIMITS


class Over(Exception):
    """Nobody will come any more."""


class Asked:
    """One post that waits for its answer."""

    def __init__(self, path: str, headers, body: dict, connection: tuple):
        self.path, self.headers, self.connection = path, headers, connection
        self.cursor, self.frames, self.wait = body["cursor"], body["frames"], body["wait"]
        self._answer: tuple[int, bytes, dict] | None = None
        self._ready = threading.Event()
        self.ended = threading.Event()  # the client has ended the connection, as an answer told it to

    def say(self, *frames: dict, cursor: str = "next", pause: int = 0) -> None:
        self.refuse(200, *frames, cursor=cursor, pause=pause)

    def refuse(self, status: int, *frames: dict, headers: dict | None = None, **more) -> None:
        self.answer(status, json.dumps({"frames": frames, **more}).encode(), headers)

    def answer(self, status: int, body: bytes, headers: dict | None = None) -> None:
        self._answer = status, body, headers or {}
        self._ready.set()

    def vanish(self) -> None:
        """The connection ends without an answer."""
        self._ready.set()

    def result(self) -> tuple[int, bytes, dict] | None:
        self._ready.wait()
        return self._answer


class Desk:
    """`hear` is the next post, in the order in which they came."""

    def __init__(self) -> None:
        self._asked: queue.Queue[Asked | None] = queue.Queue()
        self._open: list[Asked] = []

    def put(self, asked: Asked) -> None:
        self._open.append(asked)
        self._asked.put(asked)

    def hear(self, timeout: float = 10) -> Asked:
        asked = self._asked.get(timeout=timeout)
        if asked is None:
            raise Over
        return asked

    def both(self) -> tuple[Asked, Asked]:
        """A poll to be held and what is said meanwhile; which of them comes first is open."""
        one, other = self.hear(), self.hear()
        return (one, other) if one.wait else (other, one)

    def hears_nothing(self, seconds: float) -> None:
        with pytest.raises(queue.Empty):
            self.hear(seconds)

    def login(self, *frames: dict, cursor: str = "c1", pause: int = 0, rate=(50, 200), **heads: int) -> Asked:
        """Let the client in; `lobby=3` is a room with its newest message."""
        asked = self.hear()
        self.let_in(asked, *frames, cursor=cursor, pause=pause, rate=rate, **heads)
        return asked

    @staticmethod
    def let_in(asked: Asked, *frames: dict, cursor="c1", pause=0, rate=(50, 200), epoch="e1", **heads: int) -> None:
        assert asked.cursor is None
        [login] = asked.frames
        groups = [
            {"gid": gid, "name": gid, "seq": seq, "read": 0, "unread": seq, "private": False, "ts": 0}
            for gid, seq in heads.items()
        ]
        who = {"uid": "1", "name": "ada", "client_id": 1001, "epoch": epoch}
        hello = {"type": "hello", "client_id": 1001, "version": 1, "limits": LIMITS | {"rate": rate}, "ping": 25}
        login_ = {"type": "login", **who, "groups": groups, "peers": [], "online": {"users": 1, "connections": 1}}
        done = {"type": "ack", "id": login["id"], "ok": True}
        asked.say(hello, login_, *frames, done, cursor=cursor, pause=pause)

    def release(self) -> None:
        """Nothing is answered any more."""
        for asked in self._open:
            asked.vanish()
        self._asked.put(None)


def ack(id: str, seq: int = 1) -> dict:
    return {"type": "ack", "id": id, "ok": True, "seq": seq, "mid": f"1.{seq}", "ts": 5}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = Asked(self.path, self.headers, body, self.client_address)
        self.server.desk.put(asked)
        answer = asked.result()
        if answer is None:
            self.close_connection = True
            return
        status, content, headers = answer
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        if self.close_connection:
            self._linger(asked)

    def _linger(self, asked: Asked) -> None:
        """As gunicorn's sync worker does: nobody else is served until the client's end has come."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        while self.connection.recv(4096):
            pass
        asked.ended.set()

    def do_GET(self) -> None:
        """A WebSocket's handshake: this server knows none."""
        self.server.upgrades += 1
        self.send_error(501)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    upgrades = 0

    def __init__(self, desk: Desk, port: int = 0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.desk = desk

    def handle_error(self, *_: object) -> None:
        """Who asked has gone."""

    def get_request(self):
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address


@pytest.fixture
def desk():
    """`desk(scene)`: the scene, a function of `Desk`, answers all posts. Gives the address. `desk.finish()` waits."""
    servers: list[tuple[_Server, threading.Thread, threading.Thread]] = []
    failures: list[BaseException] = []

    def begin(scene: Callable[[Desk], None]) -> str:
        server = _Server(Desk())
        server.connections = []

        def play() -> None:
            try:
                scene(server.desk)
            except Over:
                pass
            except BaseException as error:
                failures.append(error)
                server.desk.release()

        threads = threading.Thread(target=server.serve_forever), threading.Thread(target=play)
        for thread in threads:
            thread.start()
        servers.append((server, *threads))
        return f"http://127.0.0.1:{server.server_port}/chat"

    def finish() -> None:
        """Until every scene has come to its end."""
        for _, _, playing in servers:
            playing.join(10)
            assert not playing.is_alive()

    begin.finish = finish
    yield begin
    for server, serving, playing in servers:
        server.desk.release()
        server.shutdown()
        for connection in server.connections:
            with_end(connection)
        server.server_close()
        serving.join(10)
        playing.join(15)
    assert failures == []


def with_end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
