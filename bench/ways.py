"""What a message costs over polling, long polling and a WebSocket: requests, bytes, CPU and delay.

python bench/ways.py               writes the table and the picture of docs/explanation/why-websocket.md
python bench/ways.py --users 20 --seconds 12 --dry

Everybody sits in one room and somebody says a word every ten seconds. The server runs on core 0, the clients, which
send the headers that a browser sends, on core 1. Bytes are those of requests, answers and frames, without TCP's own.
"""

import argparse
import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from statistics import median
from time import monotonic

import picture
from report import END, START, machine, own_versions, table
from servers import ROOT, ours, started
from works import LOAD_CORE

DOCUMENT = ROOT / "docs/explanation/why-websocket.md"
PICTURE = ROOT / "docs/images/ways.svg"
PORT = 9300
ROOM = "bench-0"
EVERY = 10.0  # seconds between two words
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")

# As Chromium sends them to a site with a session cookie.
HEADERS = (
    "Host: chat.example\r\nConnection: keep-alive\r\nsec-ch-ua-platform: \"Linux\"\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
    "Safari/537.36\r\n"
    'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"\r\nsec-ch-ua-mobile: ?0\r\nAccept: */*\r\n'
    "Origin: http://chat.example\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
    "Referer: http://chat.example/chat/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-US,en;q=0.9\r\n"
    "Cookie: session=.eJwlzjEOwjAMAMC_ZGawHcdO-hkU27Fg7YQQf6cS6w33KXse83yV7X1c8aj7M8rW2Wd0sFptuJ4."
    "aUZ5bg.xP0sK3pXJ3eO5rYkS1\r\n"
)  # fmt: skip


@dataclass
class Counts:
    requests: int = 0
    bytes: int = 0
    delays: list = field(default_factory=list)


class Client:
    """One person with one connection. `run` goes on until it is cancelled."""

    def __init__(self, token, counts):
        self.counts = counts
        self._login = {"type": "login", "token": token}

    async def open(self):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", PORT)

    async def close(self):
        self._writer.close()
        await self._writer.wait_closed()

    def send(self, data):
        self.counts.bytes += len(data)
        self._writer.write(data)

    async def head(self):
        head = await self._reader.readuntil(b"\r\n\r\n")
        self.counts.bytes += len(head)
        return head

    async def exactly(self, count):
        data = await self._reader.readexactly(count)
        self.counts.bytes += count
        return data

    def hear(self, frame):
        if frame["type"] == "groupPm":
            self.counts.delays.append(monotonic() - float(frame["content"]))


class Polling(Client):
    """Asks again after `pause` seconds; with `wait` the server may hold the answer back that long."""

    def __init__(self, token, counts, pause, wait):
        super().__init__(token, counts)
        self._pause, self._wait = pause, wait
        self._cursor = None

    async def enter(self):
        await self.open()
        await self.ask(self._login, {"type": "join", "gid": ROOM}, wait=0)

    async def ask(self, *frames, wait):
        body = json.dumps({"cursor": self._cursor, "frames": frames, "wait": wait}, separators=(",", ":"))
        self.counts.requests += 1
        self.send(
            f"POST /chat/poll HTTP/1.1\r\n{HEADERS}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = (await self.head()).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        body = await self.exactly(length)
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"a poll was answered with {head!r} {body!r}")
        answer = json.loads(body)
        self._cursor = answer["cursor"]
        for frame in answer["frames"]:
            self.hear(frame)

    async def run(self, offset):
        await asyncio.sleep(offset)
        while True:
            due = monotonic() + self._pause
            await self.ask(wait=self._wait)
            await asyncio.sleep(max(0, due - monotonic()))

    async def say(self, text):
        await self.ask({"type": "group", "gid": ROOM, "content": text, "id": text}, wait=0)


class WebSocket(Client):
    async def enter(self):
        await self.open()
        self.send(
            f"GET /chat/ws HTTP/1.1\r\n{HEADERS.replace('keep-alive', 'Upgrade')}Upgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        self.counts.requests += 1
        await self.head()
        self._tell(self._login)
        self._tell({"type": "join", "gid": ROOM, "id": "j"})
        while (await self._frame()).get("id") != "j":
            pass

    def _tell(self, frame):
        payload = json.dumps(frame, separators=(",", ":")).encode()
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
        self.send(b"\x81" + size + bytes(4) + payload)  # masked with zeros

    async def _frame(self):
        first, length = await self.exactly(2)
        if length > 125:
            length = int.from_bytes(await self.exactly(2 if length == 126 else 8), "big")
        payload = await self.exactly(length)
        if first & 0x0F == 0x9:
            self.send(b"\x8a\x80" + bytes(4))
            return {}
        return json.loads(payload)

    async def run(self, offset):
        while True:
            frame = await self._frame()
            if frame:
                self.hear(frame)

    async def say(self, text):
        self._tell({"type": "group", "gid": ROOM, "content": text, "id": text})


@dataclass(frozen=True)
class Way:
    title: str
    client: object


WAYS = (
    Way("polling, every second", lambda token, counts: Polling(token, counts, pause=1, wait=0)),
    Way("long polling", lambda token, counts: Polling(token, counts, pause=0, wait=25)),
    Way("WebSocket", WebSocket),
)


def cpu_seconds(running):
    total = 0
    for pid in running.pids():
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / CLOCK_TICKS


async def phase(running, clients, seconds, speaker=None):
    """(counts, server's CPU seconds) of so many seconds; with a speaker somebody says a word every ten seconds."""
    counts = Counts()
    for client in clients:
        client.counts = counts
    before, ends = cpu_seconds(running), monotonic() + seconds
    while monotonic() < ends:
        if speaker:
            await speaker.say(repr(monotonic()))
        await asyncio.sleep(min(EVERY, max(0, ends - monotonic())))
    return counts, cpu_seconds(running) - before


async def measure(way, running, users, seconds):
    with open(running.extra[1]) as file:
        tokens = file.read().split()
    clients = [way.client(token, Counts()) for token in tokens[:users]]
    speaker = WebSocket(tokens[users], Counts())
    for client in [*clients, speaker]:
        await client.enter()
    tasks = [asyncio.create_task(client.run(number / users)) for number, client in enumerate(clients)]
    tasks.append(asyncio.create_task(speaker.run(0)))
    await asyncio.sleep(3)  # until everybody knows that everybody is here
    quiet = await phase(running, clients, seconds / 2)
    busy = await phase(running, clients, seconds, speaker)
    for task in tasks:
        task.cancel()
    failed = [
        task
        for task in await asyncio.gather(*tasks, return_exceptions=True)
        if not isinstance(task, asyncio.CancelledError)
    ]
    if failed:
        raise RuntimeError(f"{way.title}: {failed[0]!r}")
    for client in [*clients, speaker]:
        await client.close()
    return figures(users, seconds, quiet, busy)


def figures(users, seconds, quiet, busy):
    """Per delivered message, and per user and second where nobody speaks."""
    counts, cpu = busy
    expected = users * len(range(0, round(seconds), round(EVERY)))
    if len(counts.delays) != expected:
        raise RuntimeError(f"{len(counts.delays)} messages were delivered instead of {expected}")
    deliveries, quiet_counts, quiet_cpu = len(counts.delays), *quiet
    return {
        "requests": counts.requests / deliveries,
        "bytes": counts.bytes / deliveries,
        "cpu_ms": cpu * 1000 / deliveries,
        "delay_ms": median(counts.delays) * 1000,
        "idle_bytes": quiet_counts.bytes / users / (seconds / 2),
        "idle_cpu_ms": quiet_cpu * 1000 / users / (seconds / 2),
    }


COLUMNS = (
    ("requests", "requests", 2),
    ("bytes", "bytes", 0),
    ("cpu_ms", "server CPU, ms", 2),
    ("delay_ms", "median delay, ms", 1),
    ("idle_bytes", "idle: bytes/s per person", 1),
    ("idle_cpu_ms", "idle: CPU ms/s per person", 3),
)


def rows(results):
    yield ["per delivered message", *(title for _, title, _ in COLUMNS)]
    for title, figure in results.items():
        yield [title, *(f"{figure[name]:,.{digits}f}" for name, _, digits in COLUMNS)]


def write(results, options):
    text = "\n\n".join([
        f"Measured by `python bench/ways.py --users {options.users} --seconds {options.seconds:g}`: {machine()}. "
        f"{own_versions()}.",
        table(list(rows(results))),
    ])  # fmt: skip
    document = DOCUMENT.read_text()
    before, _, rest = document.partition(START)
    DOCUMENT.write_text(f"{before}{START}\n\n{text}\n\n{END}{rest.partition(END)[2]}")
    PICTURE.write_text(
        picture.bars(results, [("bytes", "bytes"), ("requests", "requests"), ("delay_ms", "median delay, ms")])
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=40.0, help="with messages; half of it without")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    results = {}
    for way in WAYS:
        with started(ours(), PORT, options.users + 1) as running:
            results[way.title] = asyncio.run(measure(way, running, options.users, options.seconds))
        print(way.title, results[way.title], flush=True)
    print(table(list(rows(results))))
    if not options.dry:
        write(results, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
