"""What tests of a chat assert; each waits a while where that makes sense, and fails with what it saw."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

# Seconds until something that does not happen is a failure, and between two looks.
PATIENCE = 5.0
_PAUSE = 0.01

_MESSAGES = ("groupPm", "pm")


class Listener(Protocol):
    """Somebody in this process (`chat_people`) or with a socket (`chat_server`): everything they heard, as dicts."""

    @property
    def frames(self) -> list[dict[str, Any]]: ...


def wait_for(condition: Callable[[], T], what: str = "", timeout: float = PATIENCE) -> T:
    """The first true answer of `condition`. Raises `AssertionError` where none comes within `timeout` seconds."""
    ends = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= ends:
            what = what or getattr(condition, "__name__", "answer")
            raise AssertionError(f"within {timeout:g} s there was no {what}")
        time.sleep(_PAUSE)


def assert_delivered(person: Listener, content: str, timeout: float = PATIENCE, **fields: Any) -> dict[str, Any]:
    """The message that came to `person`, such as `assert_delivered(ben, "hi", gid="lobby", uid="ada")`."""
    wanted = {"content": content, **fields}

    def found() -> dict[str, Any] | None:
        return next((frame for frame in messages(person) if wanted.items() <= frame.items()), None)

    try:
        return wait_for(found, timeout=timeout) or {}
    except AssertionError:
        heard = [frame["content"] for frame in messages(person)]
        raise AssertionError(f"{wanted} was not delivered within {timeout:g} s; what came: {heard}") from None


def assert_ordered(person: Listener) -> None:
    """Every conversation came in its order: numbers one after the other, each once, without a hole."""
    seqs: dict[str, list[int]] = {}
    for frame in messages(person):
        where = f"room {frame['gid']}" if "gid" in frame else " and ".join(sorted((frame["uid"], frame["to"])))
        seqs.setdefault(where, []).append(frame["seq"])
    for where, came in seqs.items():
        wanted = list(range(came[0], came[0] + len(came)))
        assert came == wanted, f"{where}: the numbers came as {came}"  # noqa: S101 - that is what it is for


def assert_online(person: Any, uid: str, online: bool = True, timeout: float = PATIENCE) -> None:
    """`person` sees `uid` as online (or not) among the members of a room that both belong to."""

    def seen() -> bool:
        return online in states(person, uid)

    wait_for(seen, f"{uid} {'online' if online else 'offline'} in the eyes of {person.uid}", timeout)


def states(person: Any, uid: str) -> list[bool]:
    """How `uid` stands in each room of `person` that lists them."""
    found = []
    for gid in person.gids:
        members = person.ask("members", gid=gid)["members"]
        found += [member["online"] for member in members if member["uid"] == uid]
    return found


def assert_nothing_leaked(chat: Any, timeout: float = PATIENCE) -> None:
    """Nobody is left: no page of `chat_people`, no connection of a `chat_server`."""
    wait_for(lambda: chat.open_connections() == 0, "end of the last connection", timeout)


def messages(person: Listener) -> list[dict[str, Any]]:
    return [frame for frame in list(person.frames) if frame["type"] in _MESSAGES]
