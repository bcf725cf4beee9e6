"""Peer: the websockets library on asyncio, with its own `broadcast`."""

import asyncio
import sys
from collections import defaultdict

from websockets.asyncio.server import broadcast, serve

rooms = defaultdict(set)
people = {}


async def login(socket, text):
    _, uid, room = text.split(" ")
    rooms[room].add(socket)
    people[uid] = socket
    await socket.send("L")
    return uid, room


async def private(socket, text):
    _, uid, number, _ = text.split(" ", 3)
    await people[uid].send(text)
    await socket.send("A " + number)


async def talk(socket):
    async for text in socket:
        if text[0] == "G":
            broadcast(rooms[text.split(" ", 2)[1]], text)
        else:
            await private(socket, text)


async def handle(socket):
    uid, room = await login(socket, await socket.recv())
    try:
        await talk(socket)
    finally:
        rooms[room].discard(socket)
        people.pop(uid, None)


async def main(port):
    async with serve(handle, "127.0.0.1", port, backlog=2048):
        await asyncio.get_running_loop().create_future()


asyncio.run(main(int(sys.argv[1])))
