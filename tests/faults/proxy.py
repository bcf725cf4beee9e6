"""A hostile network between clients and the server: it cuts, delays, splits, glues, stalls, and lets peers vanish.

One event loop in a thread of its own, on 127.0.0.1 alone. What it does to its n-th connection depends on the seed and
on n only. Every mode but `vanish` keeps the order of the bytes, and what it delivers it delivers unchanged.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

CHUNK = 65536
GLUE_SECONDS = 0.05
HOSTILE = ("cut_fin", "cut_rst", "delay", "bytes", "glue", "stall", "swallow", "vanish")
MODES = ("plain", *HOSTILE, "mixed")  # mixed: the hostile ones in turn, each for one connection


class Link:
    """One connection through the proxy: two streams, and what the mode does to them."""

    def __init__(self, mode: str, random: Random, after: tuple[float, float], client: tuple, server: tuple):
        self.random = random
        self.mode, self._after = mode, after
        (self._from_client, self.client), (self._from_server, self.server) = client, server
        self._flows = asyncio.Event()
        self._flows.set()
        self._swallows = False

    async def run(self) -> None:
        pump = getattr(self, f"_pump_{self.mode}", self._pump)
        trouble = getattr(self, f"_trouble_{self.mode}", None)
        work: list[Awaitable[None]] = [pump(self._from_client, self.server), pump(self._from_server, self.client)]
        tasks = [asyncio.ensure_future(each) for each in work + ([trouble()] if trouble else [])]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.end()

    def end(self) -> None:
        for writer in (self.client, self.server):
            writer.close()

    def reset(self) -> None:
        for writer in (self.client, self.server):
            _reset(writer)

    # -- how bytes pass ---------------------------------------------------------------------------------------

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await self._flows.wait()
            if not self._swallows:
                writer.write(data)
                await writer.drain()

    async def _pump_delay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await asyncio.sleep(self.random.uniform(0, 0.15))
            writer.write(data)
            await writer.drain()

    async def _pump_bytes(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Each byte is a segment of its own (TCP_NODELAY is asyncio's default)."""
        while data := await reader.read(CHUNK):
            for byte in data:
                writer.write(bytes((byte,)))
                await asyncio.sleep(0)  # lets the other end read it
            await writer.drain()

    async def _pump_glue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            more = asyncio.ensure_future(reader.read(CHUNK))
            ends = asyncio.get_running_loop().time() + GLUE_SECONDS
            while (left := ends - asyncio.get_running_loop().time()) > 0:
                done, _ = await asyncio.wait([more], timeout=left)
                if not done or not more.result():
                    break
                data += more.result()
                more = asyncio.ensure_future(reader.read(CHUNK))
            writer.write(data)
            if not (last := await more):
                return
            writer.write(last)
            await writer.drain()

    async def _pump_vanish(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await self._pump(reader, writer)
        if self._swallows and reader is self._from_client:
            await asyncio.Event().wait()  # the server is not told

    # -- what happens to them -----------------------------------------------------------------------------------

    async def _some_time(self) -> None:
        await asyncio.sleep(self.random.uniform(*self._after))

    async def _trouble_cut_fin(self) -> None:
        await self._some_time()

    async def _trouble_cut_rst(self) -> None:
        await self._some_time()
        self.reset()

    async def _trouble_stall(self) -> None:
        """Nothing is read for a while, then everything goes on."""
        while True:
            await self._some_time()
            self._flows.clear()
            await asyncio.sleep(self.random.uniform(0.3, 1.0))
            self._flows.set()

    async def _trouble_swallow(self) -> None:
        """Bytes are taken and never given, until a reset tells."""
        await self._some_time()
        self._swallows = True
        await asyncio.sleep(self.random.uniform(0.3, 1.0))
        self.reset()

    async def _trouble_vanish(self) -> None:
        """The client's network changes: it notices soon and dials again, the server is told nothing."""
        await self._some_time()
        self.vanish()
        await asyncio.sleep(0.1)
        _reset(self.client)
        await asyncio.Event().wait()

    def vanish(self) -> None:
        """From now on nothing passes either way, and nobody is told."""
        self._swallows = True


def _reset(writer: asyncio.StreamWriter) -> None:
    if not writer.transport.is_closing():
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


class Proxy:
    """`with Proxy(server.port, "cut_rst", seed) as proxy:` and dial `proxy.port`.

    A trouble begins `after` so many seconds, from and to. `mode` may be changed for the connections to come.
    """

    def __init__(self, target: int, mode: str = "plain", seed: object = 0, after: tuple[float, float] = (0.2, 3.0)):
        assert mode in MODES
        self.mode = mode
        self.links: set[Link] = set()
        self.accepted = 0
        self._target, self._seed, self._after = target, seed, after
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        self._tasks: set[asyncio.Task] = set()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def each(self, act: Callable[[Link], None]) -> None:
        """Do something to every connection of this moment, such as `Link.vanish` or `Link.reset`."""
        done = threading.Event()

        def act_on_all() -> None:
            for link in list(self.links):
                act(link)
            done.set()

        self._loop.call_soon_threadsafe(act_on_all)
        assert done.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listener))
        self._loop.run_forever()
        server.close()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0.01))  # transports close in the loop's next turns
        self._loop.close()

    def _stop(self) -> None:
        self._loop.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.accepted += 1
        random = Random(f"{self._seed} {self.accepted}")
        mode = HOSTILE[self.accepted % len(HOSTILE)] if self.mode == "mixed" else self.mode
        try:
            server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
            return
        link = Link(mode, random, self._after, (reader, writer), server)
        self.links.add(link)
        with suppress(asyncio.CancelledError):  # the proxy ends
            await link.run()
        self.links.discard(link)
