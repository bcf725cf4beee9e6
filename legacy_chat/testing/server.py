"""The site under the real server, in a process of its own, and people with real sockets."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from uuid import UUID

import msgspec

from ..client import Client
from ..core import frames

_WORKER = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"
_START_SECONDS = 20.0
_STOP_SECONDS = 20.0


class SocketPerson:
    """Somebody's connection. `frames` is all that came, as dicts, the oldest first."""

    def __init__(self, client: Client):
        self.client = client
        self.frames: list[dict[str, Any]] = []
        self.uid = client.uid
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        for event in self.client:
            self.frames.append(msgspec.json.decode(frames.encode(event)))

    @property
    def gids(self) -> list[str]:
        """The rooms of the login."""
        return [room.gid for room in self.client.login.groups]

    def ask(self, type: str, /, **fields: Any) -> dict[str, Any]:
        """The `ack` of any frame of the protocol. Raises `Refused`, `NotSent` or `Closed` of `legacy_chat.client`."""
        answer: dict[str, Any] = msgspec.json.decode(frames.encode(self.client.request(type, **fields)))
        return answer

    def say(self, gid: str, content: str) -> dict[str, Any]:
        """A message to a room; its ack."""
        return self.ask("group", gid=gid, content=content)

    def whisper(self, uid: str, content: str) -> dict[str, Any]:
        """A private message; its ack."""
        return self.ask("pm", uid=uid, content=content)

    def leave(self) -> None:
        self.client.close()
        self._listener.join()


class Server:
    """gunicorn with the site `wsgi` (such as "wsgi:app"), started in `folder`; its files are the site's own.

    `env` are further environment variables: CHAT_* settings, the address of a database for tests.
    """

    def __init__(self, wsgi: str, folder: Path, env: dict[str, str] | None = None, log: Path | None = None):
        self._wsgi, self._folder = wsgi, folder
        self._env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]), **(env or {})}
        self._log = log or folder / "chat-server.log"
        self._people: list[SocketPerson] = []
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.prefix = self._env.get("CHAT_PREFIX", "/chat")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """Raises `RuntimeError` with its log where the site does not start."""
        command = [sys.executable, "-m", "gunicorn", "-k", _WORKER, "-b", f"127.0.0.1:{self.port}", self._wsgi]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, env=self._env, stdout=log, stderr=log)
        ends = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise RuntimeError(f"{self._wsgi} does not start:\n{self.log()}")
            time.sleep(0.05)
        return self

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}{self.prefix}/health", timeout=2):  # noqa: S310 - our own
                return True
        except OSError:  # not there, or not ready
            return False

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def token(self, uid: str | int | UUID, name: str | None = None) -> str:
        """A connect token, minted by the site's own command. Raises `TypeError` for what is no uid, `RuntimeError`."""
        if not isinstance(uid, str | int | UUID):
            raise TypeError(f"chat_server knows people by uid alone, not by an object of type {type(uid).__name__}.")
        naming = ["--name", name] if name else []
        command = [sys.executable, "-m", "flask", "--app", self._wsgi, "chat", "token", str(uid), *naming]
        done = subprocess.run(command, cwd=self._folder, env=self._env, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"flask chat token failed:\n{done.stderr}")
        return done.stdout.strip().splitlines()[-1]

    def person(self, uid: str | int | UUID, name: str | None = None, **how: Any) -> SocketPerson:
        """Somebody who is logged in over a socket; `how` goes to `legacy_chat.client.Client`.

        Raises a `ClientError` where the login fails, and as `token`.
        """
        client = Client(f"{self.url}{self.prefix}", token=self.token(uid, name), **how)
        person = SocketPerson(client.connect())
        self._people.append(person)
        return person

    def open_connections(self) -> int:
        """What the server itself counts. Raises RuntimeError where the extra `metrics` is missing."""
        try:
            with urllib.request.urlopen(f"{self.url}{self.prefix}/metrics", timeout=5) as answer:  # noqa: S310 - our own
                text = answer.read().decode()
        except HTTPError as error:
            raise RuntimeError(error.read().decode().strip()) from None
        return round(sum(float(count) for count in re.findall(r"^legacy_chat_connections\{[^}]*\} (\S+)", text, re.M)))

    def stop(self) -> None:
        """Everybody leaves, and the server ends."""
        for person in self._people:
            person.leave()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
