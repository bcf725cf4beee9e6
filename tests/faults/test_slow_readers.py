"""Slow readers and peers that are gone cost the others nothing, and miss nothing once they are back."""

from __future__ import annotations

import json
import time

from live.raw import TEXT, Person, RawClient, eventually

from legacy_chat.client import Client
from legacy_chat.core import frames

from .checker import Entry, Log
from .people import Crowd
from .proxy import Link, Proxy

OTHERS = 0.250  # seconds from a message's first attempt to its arrival at others (p99)
LONG = "字" * 3900  # 12 KB: sixty of them are more than the socket's buffers and the outbox take


class SlowReader:
    """Reads nothing until it is asked to."""

    def __init__(self, site, uid: str, checker):
        self._site, self.uid = site, uid
        self._person = Person(site, uid, receive_buffer=4096)
        self._login = self._person.login()
        room = self._person.ask(type="join", gid="room0")["room"]
        self.log: Log = checker.log(uid, "room0", room["read"])

    def wake(self) -> int:
        """Read what is there; the close code that ends it (1006: the close came too late for it)."""
        rest, end = self._person.client.rest()
        said = [json.loads(payload) for opcode, payload in rest if opcode == TEXT]
        for m in [*self._person.waiting, *said]:
            if m["type"] == "groupPm" and m["gid"] == "room0":
                self.log.entries.append(Entry(m["seq"], m["uid"], m["id"], m["content"]))
        return end.code

    def come_back(self, newest: int) -> None:
        """Resume, and listen until everything is there."""
        resume = frames.Resume(self._login["epoch"], {"g:room0": self.log.newest})
        with Client(self._site.chat, token=self._site.token(self.uid), resume=resume) as client:
            ends = time.monotonic() + 10
            while self.log.newest < newest and time.monotonic() < ends:
                event = client.receive(timeout=1)
                if isinstance(event, frames.GroupPm) and event.gid == "room0":
                    self.log.entries.append(Entry(event.seq, event.uid, event.id or "", event.content))

    def close(self) -> None:
        self._person.close()


def test_five_slow_readers_in_a_room_of_fifty_cost_the_others_nothing(house, checker, figures):
    site = house()
    with Crowd(site, checker, people=45, rooms=1, share=1) as crowd:
        slow = [SlowReader(site, f"slow{number}", checker) for number in range(5)]
        try:
            for _ in range(60):
                crowd.talkers[0].say("room0", LONG)
                time.sleep(0.05)  # the rate at which somebody may talk, so that others' delays are the server's
            crowd.finish()
            delays = list(crowd.delays)
            assert {reader.wake() for reader in slow} <= {4408, 1006}
            assert max(reader.log.newest for reader in slow) < 60
            for reader in slow:
                reader.come_back(newest=60)
        finally:
            for reader in slow:
                reader.close()
        checker.check(site.history())
        assert len(delays) == 45 * 60
        assert figures("slow readers: seconds until the others had a message", delays) < OTHERS


def test_fifty_peers_that_vanished_are_gone_and_cost_the_others_nothing(house, checker, figures):
    """By default they are asked after 25 seconds, given 10, and offline after 10 more; here it is two and one."""
    site = house(ping_seconds="2", pong_seconds="2", grace_seconds="1")
    with Crowd(site, checker, people=10, rooms=1, share=1) as crowd, Proxy(site.port) as proxy:
        before = site.at_rest()
        ghosts = [Person(_through(proxy, site), f"ghost{number}") for number in range(50)]
        try:
            for ghost in ghosts:  # together, lest the last one is asked for a sign of life before it had its turn
                ghost.send(type="login")
                ghost.send(type="join", gid="room0", id="join")
            for ghost in ghosts:
                ghost.expect("ack", id="join")
            assert site.sockets() == before + 50
            proxy.each(Link.vanish)
            began = time.monotonic()
            crowd.speak(20, pause=0.1)
            eventually(lambda: site.sockets() == before, 10, "the end of those who vanished")
            figures("vanished: seconds until the server let them go", [time.monotonic() - began])
            crowd.finish()
            checker.check(site.history())
            assert crowd.talkers[0].client.login.online.users <= 10

            def online() -> int:
                members = crowd.talkers[0].client.request("members", gid="room0").members
                return sum(member.online for member in members)

            eventually(lambda: online() == 10, what="the end of the ghosts' grace")
            assert figures("vanished: seconds until the others had a message", crowd.delays) < OTHERS
        finally:
            for ghost in ghosts:
                ghost.close()


def _through(proxy: Proxy, site):
    """The site as people see it who come through the proxy."""

    class Door:
        prefix, token = site.prefix, staticmethod(site.token)

        @staticmethod
        def dial(**how) -> RawClient:
            return RawClient(("127.0.0.1", proxy.port), **how)

    return Door
