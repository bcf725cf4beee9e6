"""The servers that are compared: how each is started, found ready, and ended."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from install import BENCH, BUILD, VENV

ROOT = BENCH.parent
PEERS = BENCH / "peers"
SERVER_CORE = "0"
START_SECONDS = 30
STOP_SECONDS = 15

GEVENT_WEBSOCKET = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@dataclass(frozen=True)
class Server:
    """One contender. `command` may hold {port}; `needs` is the tool without which it is skipped."""

    name: str
    title: str
    protocol: str
    command: tuple
    cwd: Path = PEERS
    path: str = "/"
    needs: str = "cc"


def gunicorn(worker, application):
    """Every gunicorn peer gets room for all connections; the stock limit is 1,000."""
    options = ("--worker-connections", "20000", "--graceful-timeout", "1", "--log-level", "error")
    return (VENV / "bin/gunicorn", "-k", worker, "-b", "127.0.0.1:{port}", "--no-control-socket", *options, application)


def own_program(name):
    """A program of the project's virtual environment, or of the one that runs the benchmark."""
    ours = ROOT / ".venv/bin" / name
    return ours if ours.exists() else Path(sys.executable).parent / name


def ours():
    command = (own_program("gunicorn"), "-k", GEVENT_WEBSOCKET, "wsgi:app")
    return Server("ours", "legacy_chat", "chat", command, cwd=ROOT, path="/chat/ws")


def all_servers():
    python, socketio = VENV / "bin/python", "/socket.io/?EIO=4&transport=websocket"
    return (
        Server("floor", "limit: C, one send per delivery", "plain", (BUILD / "floor", "{port}")),
        Server("joined", "limit: C, joined sends", "plain", (BUILD / "floor", "{port}", "joined")),
        ours(),
        Server("ws", "ws (Node)", "plain", ("node", "ws.mjs", "{port}"), needs="node"),
        Server(
            "socketio", "socket.io (Node)", "socketio", ("node", "socketio.mjs", "{port}"), path=socketio, needs="node"
        ),
        Server("websockets", "websockets (asyncio)", "plain", (python, "websockets_app.py", "{port}")),
        Server("naive", "naive gevent-websocket", "plain", gunicorn(GEVENT_WEBSOCKET, "gevent_naive:app")),
        Server("flask-sock", "Flask-Sock (gevent)", "plain", gunicorn("gevent", "flask_sock_app:app")),
        Server(
            "flask-socketio",
            "Flask-SocketIO (same worker)",
            "socketio",
            gunicorn(GEVENT_WEBSOCKET, "flask_socketio_app:app"),
            path=socketio,
        ),
    )


@dataclass
class Running:
    """A started server: its processes, and what the load generator must know."""

    server: Server
    port: int
    process: subprocess.Popen
    log: Path
    extra: list = field(default_factory=list)

    def pids(self):
        """The process and its children; gunicorn's worker is a child."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [str(pid), *children]

    def check_alive(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.server.name} ended:\n{self.log.read_text()[-2000:]}")

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(UPGRADE.format(path=self.server.path).encode())
                return connection.recv(12).startswith(b"HTTP/1.1 ")
        except OSError:
            return False

    def wait(self):
        limit = time.monotonic() + START_SECONDS
        while not self.answers():
            self.check_alive()
            if time.monotonic() > limit:
                raise RuntimeError(f"{self.server.name} does not answer:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def started(server, port, conns):
    """The server on its core, ready, until the block ends; its files lie in a folder that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="legacy-chat-bench-"))
    try:
        environment, extra = prepare_ours(folder, port, conns) if server.name == "ours" else (dict(os.environ), [])
        running = Running(server, port, spawn(server, port, environment, folder), folder / "log", extra)
        try:
            running.wait()
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder)


def spawn(server, port, environment, folder):
    command = [str(part).format(port=port) for part in server.command]
    with (folder / "log").open("w") as log:
        return subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *command], cwd=server.cwd, env=environment, stdout=log, stderr=log
        )


def prepare_ours(folder, port, conns):
    """A fresh database with the rooms, and a token for each connection; limits that count sockets are off."""
    environment = os.environ | {
        "PORT": str(port),
        "SITE_INSTANCE": str(folder),
        "CHAT_DATABASE_URL": f"sqlite:///{folder}/chat.sqlite",
        "CHAT_RATE": "0",
        "CHAT_MAX_PER_USER": "0",
        "CHAT_MAX_PER_ADDRESS": "0",
    }
    rooms = [f"bench-{number}" for number in range(200)]
    flask_chat(environment, "room", *rooms)
    tokens = folder / "tokens"
    tokens.write_text(flask_chat(environment, "token", *(str(uid) for uid in range(1, conns + 1))))
    return environment, ["--tokens", str(tokens)]


def flask_chat(environment, *arguments):
    command = [str(own_program("flask")), "--app", "wsgi", "chat", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"flask chat {arguments[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout
