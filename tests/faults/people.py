"""People who speak and listen at the same time while the house burns; a checker writes down what they live through.

Each has one `Client`, a thread that speaks and a thread that listens. Whoever is told "not sent" sends the same again,
under the same id, as the page does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

from legacy_chat.client import Client, Closed, NotSent, Refused
from legacy_chat.core import frames

from .checker import Checker, Entry, Log

TRANSPORTS = ("websocket", "polling")
ACK_SECONDS = 5.0
_PATIENCE = 60.0  # seconds after which a message that is neither acked nor refused is given up: a fault by itself


class Talker:
    """One person. What went wrong in the threads stands in `errors`."""

    def __init__(self, url: str, uid: str, token: str, checker: Checker, random: Random, transport="websocket"):
        self.uid = uid
        self.client = Client(url, token=token, ack_seconds=ACK_SECONDS, transport=transport)
        self.logs: dict[str, Log] = {}
        self.waits: list[float] = []  # seconds from each send to its ack, refusal or "not sent"
        self.delays: list[float] = []  # seconds from somebody's first attempt to its arrival here
        self.not_sent = 0
        self.errors: list[str] = []
        self._checker, self._random = checker, random
        self._said = 0
        self._over = threading.Event()
        self._listener = threading.Thread(target=self._guarded, args=(self._listen,), daemon=True)

    def enter(self, rooms: list[str]) -> None:
        """Connect, belong to the rooms (made if they are new) and listen."""
        self.client.connect(timeout=20)
        for room in rooms:
            entry = self.client.request("join", gid=room, timeout=20).room
            assert isinstance(entry, frames.RoomEntry)
            self.logs[room] = self._checker.log(self.uid, room, entry.read)
        self._listener.start()

    def leave(self) -> None:
        self._over.set()
        self.client.close()
        if self._listener.ident:
            self._listener.join(10)
            assert not self._listener.is_alive()

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except Exception as error:
            if not (self._over.is_set() and isinstance(error, Closed)):
                self.errors.append(f"{self.uid}: {error!r}")

    # -- speaking ---------------------------------------------------------------------------------------------

    def speaking(self, count: int, pause: float, enough: threading.Event) -> threading.Thread:
        """A thread that says at least `count` things, and more until there is `enough`; `pause` is the mean."""
        thread = threading.Thread(target=self._guarded, args=(self._speak, count, pause, enough), daemon=True)
        thread.start()
        return thread

    def _speak(self, count: int, pause: float, enough: threading.Event) -> None:
        rooms = sorted(self.logs)
        while self._said < count or not enough.is_set():
            if self._over.wait(self._random.uniform(0, 2 * pause)):
                return
            self.say(self._random.choice(rooms))

    def say(self, room: str, more: str = "") -> frames.Ack | None:
        """One message, until it is acked (the ack) or refused for good (None)."""
        self._said += 1
        id, began = f"{self.uid}-{self._said}", time.monotonic()
        text = f"{began:.6f} {self._said} from {self.uid} in {room} {more}".rstrip()
        self._checker.attempted(self.uid, id, room, text)
        while time.monotonic() < began + _PATIENCE and not self._over.is_set():
            tried = time.monotonic()
            try:
                ack = self.client.group(room, text, id=id)
                self._checker.acked(self.uid, id, ack.seq)
                return ack
            except NotSent:
                self.not_sent += 1
            except Refused as error:
                if error.retry_after is None:
                    self._checker.failed(self.uid, id, error.code)
                    return None
                self._over.wait(error.retry_after)
            finally:
                self.waits.append(time.monotonic() - tried)
        raise AssertionError(f"{id} was neither acked nor refused")

    # -- listening --------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        while not self._over.is_set():
            event = self.client.receive(timeout=0.2)
            if isinstance(event, frames.GroupPm):
                self._hear(event)
            elif isinstance(event, frames.Gap):
                self.errors.append(f"{self.uid} was handed {event}")

    def _hear(self, event: frames.GroupPm) -> None:
        self.delays.append(time.monotonic() - float(event.content.split(" ", 1)[0]))
        if event.gid in self.logs:
            self.logs[event.gid].entries.append(Entry(event.seq, event.uid, event.id or "", event.content))


class Crowd:
    """`with Crowd(server, checker) as crowd:`; `through` is the port of a proxy."""

    def __init__(
        self, server, checker: Checker, people=30, rooms=5, share=3, through: int | None = None, transport="websocket"
    ):
        self._transport = transport
        url = f"http://127.0.0.1:{through or server.port}{server.prefix}"
        self._server, self._random = server, Random(f"{checker.seed} crowd")
        self._rooms = [f"room{number}" for number in range(rooms)]
        self._share = min(share, rooms)
        self._speakers: list[threading.Thread] = []
        self._enough = threading.Event()
        self.checker = checker
        self.talkers = [
            Talker(url, uid, server.token(uid), checker, Random(f"{checker.seed} {uid}"), transport)
            for uid in (f"p{number}" for number in range(people))
        ]

    def __enter__(self) -> Crowd:
        try:
            self._server.flask("room", *self._rooms)  # those that exist stay as they are
            choices = [self._random.sample(self._rooms, self._share) for _ in self.talkers]
            self._all(lambda pair: pair[0].enter(pair[1]), zip(self.talkers, choices, strict=True))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._all(Talker.leave, self.talkers)

    @staticmethod
    def _all(act: Callable, items) -> None:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(act, items))

    def speak(self, count: int, pause: float) -> None:
        """Everybody begins to speak, and says at least `count` things before `finish` ends."""
        self._speakers = [talker.speaking(count, pause, self._enough) for talker in self.talkers]

    def finish(self, timeout: float = 120) -> None:
        """Wait until everything was said, and everybody has heard what is stored, if that comes at all."""
        self._enough.set()
        ends = time.monotonic() + timeout
        for thread in self._speakers:
            thread.join(max(0.0, ends - time.monotonic()))
            assert not thread.is_alive(), "somebody does not come to an end"
        assert self.errors == []
        newest = {room: entries[-1].seq for room, entries in self._server.history().items()}
        ends = time.monotonic() + 15
        while self._behind(newest) and time.monotonic() < ends:
            time.sleep(0.02)

    def _behind(self, newest: dict[str, int]) -> bool:
        logs = [log for talker in self.talkers for log in talker.logs.values()]
        return any(log.newest < newest.get(log.room, 0) for log in logs)

    def returns(self, fault: Callable[[], object], timeout: float = 20) -> list[float]:
        """Do something that costs everybody the connection; the seconds until each is back."""
        if self._transport == "polling":
            return self._answers(fault, timeout)
        before = [talker.client.login for talker in self.talkers]
        began = time.monotonic()
        fault()
        back: dict[int, float] = {}
        while len(back) < len(before):
            for number, talker in enumerate(self.talkers):
                if number not in back and talker.client.login is not before[number] and talker.client.online:
                    back[number] = time.monotonic() - began
            assert time.monotonic() < began + timeout, f"{len(before) - len(back)} are not back in {timeout} s"
            time.sleep(0.005)
        return list(back.values())

    def _answers(self, fault: Callable[[], object], timeout: float) -> list[float]:
        """There is no connection to lose: the seconds until everybody had an answer again."""
        began = time.monotonic()
        fault()

        def ask(talker: Talker) -> float:
            talker.client.request("ping", timeout=timeout)
            return time.monotonic() - began

        with ThreadPoolExecutor(len(self.talkers)) as pool:
            return list(pool.map(ask, self.talkers))

    @property
    def errors(self) -> list[str]:
        return [error for talker in self.talkers for error in talker.errors]

    @property
    def waits(self) -> list[float]:
        return [seconds for talker in self.talkers for seconds in talker.waits]

    @property
    def delays(self) -> list[float]:
        return [seconds for talker in self.talkers for seconds in talker.delays]

    @property
    def not_sent(self) -> int:
        return sum(talker.not_sent for talker in self.talkers)
