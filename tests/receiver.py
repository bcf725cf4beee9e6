"""The other end of a webhook: an HTTP server that remembers what it was sent and answers as a test says."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from standardwebhooks import Webhook


class Got(NamedTuple):
    path: str
    headers: dict[str, str]
    body: str
    connection: int  # counts connections, from 1

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict:
        return json.loads(self.body)

    def verified(self, secret: str) -> dict:
        """The event, if the signature is right and of now; raises otherwise."""
        return Webhook(secret).verify(self.body, self.headers)


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Who hangs up amid a handshake or an answer is part of some tests."""


class Receiver:
    """`answers` are given one after the other, then `204` for ever.

    An answer is a status, a status with headers, or a function of the handler that does all by itself.
    """

    def __init__(
        self,
        *answers: object,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        name: str | None = None,
    ):
        self.got: list[Got] = []
        self._answers = list(answers)
        self._connections = 0
        self._server = _Server((host, port), self._handler())
        self._server.daemon_threads = True
        if tls:  # the handshake happens in the connection's own thread
            listener = self._server.socket
            self._server.socket = tls.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{name or host}:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, count: int, seconds: float = 20.0) -> list[Got]:
        """What came, as soon as that is so much."""
        ends = time.monotonic() + seconds
        while len(self.got) < count:
            assert time.monotonic() < ends, f"only {len(self.got)} of {count} came in {seconds} s: {self.got}"
            time.sleep(0.01)
        return list(self.got)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                receiver._connections += 1
                self.number = receiver._connections
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append(Got(self.path, headers, body, self.number))
                _answer(self, receiver._answers.pop(0) if receiver._answers else 204)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _answer(handler: BaseHTTPRequestHandler, answer: object) -> None:
    if isinstance(answer, Callable):
        answer(handler)
        return
    status, headers = answer if isinstance(answer, tuple) else (answer, {})
    handler.send_response(status)
    for name, value in {"Content-Length": "0", **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()


def certify(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS under this name, and the file of certificates with which others believe it."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name}"
    names = ["-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
