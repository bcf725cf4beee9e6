"""100,000 random frames and JSON bodies: the same in every run, a coded end for each, and nobody else notices."""

from __future__ import annotations

import json
import math
import random
import struct

from .bystander import Bystander
from .raw import CLOSE, CONTINUATION, PING, PONG, TEXT, Person, frame

MIB = 2**20
BODIES, FRAMES = 60_000, 40_000
ENDS = {1000, 1002, 1003, 1007, 1008, 1009, 4401, 4429}

TYPES = (
    "login", "group", "pm", "groupPm", "join", "leave", "history", "members", "typing", "read", "edit", "delete",
    "react", "event", "ping", "create", "invite", "rooms", "hello", "ack", "error", "drain",
)  # fmt: skip
FIELDS = (
    "type", "id", "gid", "uid", "content", "before", "after", "limit", "seq", "emoji", "name", "data", "token",
    "resume", "private", "ts", "mid", "__proto__", "constructor",
)  # fmt: skip
WORDS = (
    "lobby", "1", "nowhere", "", " ", "\0", "\ud800", "\u202e", "\u2028", "é" * 70, "𝕏" * 300, "x" * 5000, "null",
    "</script>", "%s%n", "' OR 1=1 --", "../../etc/passwd", "\ufeff", "z" + "\u0301" * 60, "1e999", "g:lobby",
)  # fmt: skip
NUMBERS = (
    0,
    -0.0,
    1,
    -1,
    1.5,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    -(2**63) - 1,
    10**400,
    1e308,
    math.nan,
    math.inf,
)


class Monkey:
    """Writes JSON, nearly."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def value(self, depth: int = 0):
        kind = self.random.randrange(10 if depth < 3 else 7)
        if kind < 3:
            return self.random.choice(WORDS)
        if kind < 5:
            return self.random.choice(NUMBERS)
        if kind < 7:
            return self.random.choice((None, True, False, [], {}, ""))
        if kind < 9:
            return {self.random.choice(WORDS + FIELDS): self.value(depth + 1) for _ in range(3)}
        return [self.value(depth + 1) for _ in range(self.random.randrange(5))]

    def request(self) -> dict:
        """Something with the name of a frame and some of the fields of one."""
        fields = self.random.sample(FIELDS, self.random.randrange(1, 6))
        made = {field: self.value() for field in fields}
        if self.random.random() < 0.9:
            made["type"] = self.random.choice(TYPES)
        if self.random.random() < 0.5:
            made.update(gid=self.random.choice(("lobby", "1", 1)), content=self.random.choice(WORDS))
        return made

    def body(self) -> bytes:
        text = json.dumps(self.request() if self.random.random() < 0.9 else self.value(), ensure_ascii=True)
        kind = self.random.random()
        if kind < 0.1:  # cut
            text = text[: self.random.randrange(len(text) + 1)]
        elif kind < 0.2:  # a character changed
            at = self.random.randrange(len(text))
            text = text[:at] + self.random.choice('{}[]",:\\0\x01\x7f9e-ü') + text[at + 1 :]
        elif kind < 0.25:  # twice
            text += text
        return text.encode()

    def payload(self) -> bytes:
        size = self.random.choice((0, 1, 2, 5, 20, 125, 126, 200, 3000))
        return self.random.randbytes(size) if self.random.random() < 0.1 else b"a" * size

    def frame(self) -> bytes:
        """A frame that is right, mostly: the wrong ones end the connection."""
        if self.random.random() < 0.97:
            opcode = self.random.choice((TEXT, PING, PONG, CONTINUATION))
            payload = self.payload()
            if opcode == TEXT and self.random.random() < 0.3:
                cut = self.random.randrange(len(payload) + 1)
                return frame(TEXT, payload[:cut], fin=False) + frame(CONTINUATION, payload[cut:])
            if opcode == CONTINUATION:
                return frame(TEXT, b"", fin=False) + frame(PING) + frame(CONTINUATION, payload)
            return frame(opcode, payload[:125] if opcode != TEXT else payload)
        return frame(
            self.random.randrange(16),
            self.payload(),
            fin=self.random.random() < 0.5,
            mask=self.random.random() < 0.5,
            rsv=self.random.choice((0, 0, 0, 1, 2, 4, 7)),
        )

    def header(self) -> bytes:
        """A frame with any first two bytes and any length."""
        return self.random.randbytes(2) + self.random.randbytes(12) + bytes(66000)


def test_random_bodies_are_answered_and_the_connection_goes_on(serve):
    server = serve(rate="0", max_rooms="20", max_per_user="0")
    monkey = Monkey(20_240_607)
    batch = 250

    def talk(batches: int) -> None:
        person = Person(server, "1", "mallory")
        person.login()
        for _ in range(batches):
            person.client.send_bytes(b"".join(frame(TEXT, monkey.body()) for _ in range(batch)))
            assert person.ask(type="ping")["type"] == "pong"
            errors = [frame for frame in person.waiting if frame["type"] == "error"]
            assert all(error["code"] and error["code"] != "internal" for error in errors)
            person.waiting.clear()
        person.close()

    talk(20)  # the first rounds fill caches
    before = server.resident()
    with Bystander(server) as ada:
        talk(BODIES // batch - 20)
    assert ada.p99() < 0.250
    assert server.resident() - before < 16 * MIB


def test_random_frames_end_with_a_code(serve):
    server = serve(rate="0", max_per_user="0", frame_seconds="1")
    monkey = Monkey(20_240_608)
    before, sent, ends = 0, 0, []
    with Bystander(server) as ada:
        while sent < FRAMES:
            person = Person(server, "1", "mallory")
            person.login()
            frames = [monkey.frame() for _ in range(200)]
            person.client.send_bytes(b"".join(frames))
            person.client.send(CLOSE, struct.pack("!H", 1000))
            ends.append(person.closed().code)
            person.close()
            sent += len(frames)
            before = before or server.resident()
    assert set(ends) <= ENDS
    assert {1002, 1003} <= set(ends)
    assert ada.p99() < 0.250
    assert server.resident() - before < 16 * MIB


def test_random_headers_end_with_a_code(serve):
    server = serve(rate="0", max_per_user="0", max_per_address="0", frame_seconds="1")
    monkey = Monkey(20_240_609)
    people = []
    for _ in range(200):
        people.append(Person(server, "1", "mallory"))
        people[-1].client.send_bytes(monkey.header())
    ends = [person.closed().code for person in people]
    for person in people:
        person.close()
    assert set(ends) <= ENDS
