"""A thousand sockets of 300 people lose the server at one moment and all come back as soon as they may.

They come as the clients do, with back-off and full jitter, each with a cursor; one asyncio loop plays them all, since
a thousand threads would be measured and not the server.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from live import fixtures
from live.server import Server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from legacy_chat.client.backoff import delay

SOCKETS, PEOPLE = 1000, 300
SECONDS = 15.0


class WatchedServer(Server):
    app = "tests.faults.watched:app"


@pytest.fixture
def site(serve, monkeypatch):
    monkeypatch.setattr(fixtures, "Server", WatchedServer)
    return serve(max_per_user="0", max_per_address="0")


class Page:
    """One open page: what it has, and when it was logged in again."""

    def __init__(self, site: Server, uid: str):
        self._url, self._token = f"ws://127.0.0.1:{site.port}{site.prefix}/ws", site.token(uid)
        self.resume: dict | None = None
        self.socket: ClientConnection | None = None
        self.back = 0.0
        self.attempts = 0

    async def come(self) -> None:
        """Connect and log in, as often as it takes."""
        self.attempts = 0
        while True:
            try:
                await self._try()
                return
            except (OSError, WebSocketException, TimeoutError):
                self.attempts += 1
                await asyncio.sleep(delay(self.attempts))

    async def _try(self) -> None:
        self.socket = await connect(self._url, compression=None, proxy=None, ping_interval=None, max_queue=None)
        login = {"type": "login", "token": self._token, "resume": self.resume}
        await self.socket.send(json.dumps(login))
        answer = await self.expect("login")
        self.back = time.monotonic()
        seqs = {f"g:{room['gid']}": room["seq"] for room in answer["groups"]}
        self.resume = {"epoch": answer["epoch"], "seqs": seqs}

    async def expect(self, type: str) -> dict:
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
            if frame["type"] == type:
                return frame

    async def lost(self) -> None:
        await self.socket.wait_closed()

    async def leave(self) -> None:
        await self.socket.close()


async def _all(step: str, pages: list[Page], at_once: int = SOCKETS) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one(page: Page) -> None:
        async with gate:
            await getattr(page, step)()

    await asyncio.gather(*(one(page) for page in pages))


async def storm(site: Server, pages: list[Page]) -> float:
    """Kill and start again; the seconds from the kill until the last page was logged in again."""
    await _all("come", pages, at_once=50)
    began = time.monotonic()
    site.kill()
    await _all("lost", pages)
    start = asyncio.get_running_loop().run_in_executor(None, site.start)
    await asyncio.wait_for(_all("come", pages), 60)
    await start
    return max(page.back for page in pages) - began


async def talk(pages: list[Page]) -> None:
    """One of them speaks, and all hear it: they are not only back but subscribed."""
    speaker = random.choice(pages)
    await speaker.socket.send(json.dumps({"type": "group", "gid": "lobby", "content": "all here?"}))
    heard = await asyncio.gather(*(page.expect("groupPm") for page in pages))
    assert {(frame["seq"], frame["content"]) for frame in heard} == {(1, "all here?")}


def test_a_thousand_sockets_are_back_soon_and_cost_two_queries_each(site, figures):
    pages = [Page(site, f"p{number % PEOPLE}") for number in range(SOCKETS)]

    async def story() -> tuple[float, dict]:
        seconds = await storm(site, pages)
        queries = json.loads(await asyncio.to_thread(lambda: site.browser().open("/faults/queries")[1]))
        await talk(pages)
        await _all("leave", pages)
        return seconds, queries

    with ThreadPoolExecutor(1) as thread:  # the tests' own thread may have a loop already: Playwright's
        seconds, queries = thread.submit(asyncio.run, story()).result()
    figures("storm: seconds until all thousand are logged in again", [seconds])
    asked = sum(count for kind, count in queries.items() if kind != "other")
    figures("storm: queries for each socket", [asked / SOCKETS])
    assert seconds < SECONDS
    # Beside them: the epoch, asked once, the login of a page or two that had given up waiting, and presence, which
    # takes a few statements a second for all together.
    assert 0 < asked <= 2 * SOCKETS + 60, queries
