"""A WebSocket client written by hand against RFC 6455, byte by byte; it shares no code with the product."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import time

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TIMEOUT = 10.0


class Refused(Exception):
    """The server answered the handshake with something else than 101."""

    def __init__(self, status: int, headers: dict[str, str], body: str):
        super().__init__(f"{status}: {body}")
        self.status, self.headers, self.body = status, headers, body


class Closed(Exception):
    """The server ended the connection: `code` of its close frame, 1006 where none came (RFC 6455 §7.1.5)."""

    def __init__(self, code: int, reason: str = ""):
        super().__init__(code, reason)
        self.code, self.reason = code, reason


def frame(opcode: int, payload: bytes = b"", fin: bool = True, mask: bool = True, rsv: int = 0) -> bytes:
    """The bytes of one frame, as a client must send it (RFC 6455 §5.2)."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit, length = (0x80 if mask else 0), len(payload)
    if length < 126:
        head = struct.pack("!BB", first, bit | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, bit | 127, length)
    if not mask:
        return head + payload
    key = os.urandom(4)
    repeated = int.from_bytes((key * (length // 4 + 1))[:length], "big")
    return head + key + (int.from_bytes(payload, "big") ^ repeated).to_bytes(length, "big")


class RawClient:
    """One TCP connection; `send` and `receive` speak frames once `handshake` was done."""

    def __init__(
        self,
        address,
        timeout: float = TIMEOUT,
        tls: ssl.SSLContext | None = None,
        source: str = "",
        receive_buffer: int = 0,
    ):
        """`source` is the address to come from; `receive_buffer` what the kernel takes while nobody reads."""
        unix = isinstance(address, str)
        self.socket = socket.socket(socket.AF_UNIX if unix else socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(address)
        if not unix:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._buffer = bytearray()

    def request(self, path: str, headers: list[tuple[str, str]], method="GET", version="HTTP/1.1") -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        self.socket.sendall(f"{method} {path} {version}\r\n{lines}\r\n".encode("latin-1"))

    def handshake(self, path: str, extra: list[tuple[str, str]] = (), key: str | None = None) -> dict[str, str]:
        """Upgrade; the headers of the 101. Raises `Refused`."""
        key = key or base64.b64encode(os.urandom(16)).decode()
        headers = [
            ("Host", "127.0.0.1"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", key),
            ("Sec-WebSocket-Version", "13"),
        ]
        given = {name.lower() for name, _ in extra}
        self.request(path, [item for item in headers if item[0].lower() not in given] + list(extra))
        status, answer = self.response()
        if status != 101:
            raise Refused(status, answer, self.body(answer))
        digest = hashlib.sha1((key + GUID).encode()).digest()
        assert answer["sec-websocket-accept"] == base64.b64encode(digest).decode()
        return answer

    def response(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head = self._take(self._buffer.index(b"\r\n\r\n") + 4)
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        return int(first.split()[1]), {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}

    def body(self, headers: dict[str, str]) -> str:
        return self._take(int(headers.get("content-length", 0))).decode()

    def _more(self) -> None:
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(1006)
        self._buffer += data

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._more()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def send_bytes(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send(self, opcode: int, payload: bytes = b"", **how) -> None:
        self.send_bytes(frame(opcode, payload, **how))

    def receive(self) -> tuple[int, bytes]:
        """The next frame. Server frames must be whole, unmasked and without reserved bits."""
        first, second = self._take(2)
        assert first & 0xF0 == 0x80
        assert not second & 0x80
        length = second
        if second == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif second == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        payload, opcode = self._take(length), first & 15
        if opcode == CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if payload else 1005
            raise Closed(code, payload[2:].decode())
        return opcode, payload

    def closed(self) -> Closed:
        """Read on until the server ends the connection."""
        return self.rest()[1]

    def rest(self) -> tuple[list[tuple[int, bytes]], Closed]:
        """What still comes, and how it ends."""
        frames: list[tuple[int, bytes]] = []
        while True:
            try:
                frames.append(self.receive())
            except Closed as end:
                return frames, end

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Gone without a FIN: the other side gets a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Person:
    """Somebody with one page open: frames in and out as JSON."""

    def __init__(
        self,
        server,
        uid: str | None = None,
        name: str | None = None,
        cookie: str | None = None,
        headers: list[tuple[str, str]] = (),
        **socket,
    ):
        self.client = server.dial(**socket)
        self._server, self._ids = server, 0
        self.waiting: list[dict] = []
        path = f"{server.prefix}/ws" + (f"?token={server.token(uid, name)}" if uid else "")
        extra = [("Cookie", cookie)] if cookie else []
        try:
            self.headers = self.client.handshake(path, extra + list(headers))
            self.hello = self.expect("hello")
        except BaseException:
            self.client.close()
            raise

    def login(self, **fields) -> dict:
        self.send(type="login", **fields)
        return self.expect("login")

    def send(self, **fields) -> None:
        self.client.send(TEXT, json.dumps(fields).encode())

    def ask(self, **fields) -> dict:
        """Send with an id and wait for its `ack` or `error`."""
        self._ids += 1
        fields.setdefault("id", f"{os.urandom(4).hex()}-{self._ids}")
        self.send(**fields)
        return self.take(lambda frame: frame.get("id") == fields["id"] and frame["type"] in ("ack", "error", "pong"))

    def expect(self, type: str, **fields) -> dict:
        """The next frame of this type with these fields; what came before it waits for other calls."""
        return self.take(lambda frame: frame["type"] == type and fields.items() <= frame.items())

    def take(self, fits) -> dict:
        for index, frame_ in enumerate(self.waiting):
            if fits(frame_):
                return self.waiting.pop(index)
        while True:
            frame_ = self.next()
            if fits(frame_):
                return frame_
            self.waiting.append(frame_)

    def next(self) -> dict:
        while True:
            opcode, payload = self.client.receive()
            if opcode == TEXT:
                return json.loads(payload)
            if opcode == PING:
                self.client.send(PONG, payload)

    def nothing(self, type: str) -> None:
        """No frame of this type has come by the time the server answers a ping."""
        self.ask(type="ping")
        assert [frame_ for frame_ in self.waiting if frame_["type"] == type] == []

    def closed(self) -> Closed:
        return self.client.closed()

    def close(self) -> None:
        self.client.close()


def eventually(check, timeout: float = TIMEOUT, what: str = "the condition") -> None:
    """Wait until `check()` is true."""
    ends = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < ends, f"{what} did not come true in {timeout} s"
        time.sleep(0.02)
