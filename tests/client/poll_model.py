"""A server of polls small enough to be right, in two processes, and a network that decides what arrives.

It tells messages (numbered, kept) of a room and of a private talk, and notices (each once, to whoever is there) to a
person or to an event room, which stands in the cursor alone.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field

from legacy_chat.client.lane import Answer, Post

from .script import LIMITS

ROOM, TALK = "g:lobby", "p:2"


@dataclass
class Place:
    seqs: dict[str, int]
    notice: int
    rooms: dict[str, int] = field(default_factory=dict)


class Process:
    """Held polls, which only the process knows that holds them."""

    def __init__(self) -> None:
        self.held: list[tuple[FakeLane, Post, str]] = []


class Model:
    def __init__(self) -> None:
        self.messages: dict[str, list[dict]] = {ROOM: [], TALK: []}
        self.notices: list[tuple[str, dict]] = []
        self.processes = [Process(), Process()]
        self.runs: dict[str, int] = {}
        self._acks: dict[str, dict] = {}
        self._cursors: dict[str, Place] = {}

    # -- what happens here without the client -----------------------------------------------------------------

    def say(self, key: str, uid: str, id: str | None = None) -> dict:
        seq = len(self.messages[key]) + 1
        common = {"uid": uid, "name": uid, "content": f"{uid} {seq}", "seq": seq, "ts": 0, "mid": f"{key}.{seq}"}
        where = {"type": "groupPm", "gid": "lobby"} if key == ROOM else {"type": "pm", "to": "2" if uid == "1" else "1"}
        self.messages[key].append({**where, **common, **({"id": id} if id else {})})
        return {"type": "ack", "id": id, "ok": True, "seq": seq, "mid": common["mid"], "ts": 0}

    def emit(self, key: str) -> int:
        """To a person (`u:1`) or an event room."""
        number = len(self.notices) + 1
        self.notices.append((key, {"type": "event", "name": key, "data": number}))
        return number

    # -- a poll -----------------------------------------------------------------------------------------------

    def arrive(self, lane: FakeLane, process: Process) -> None:
        """Carry out the frames of a post, and answer it or hold it."""
        post, lane.arrived = lane.post, True
        asked = json.loads(post.body)
        for held in list(process.held):
            process.held.remove(held)
            held[0].answered(held[1], answer([], held[2]))
        place = deepcopy(self._cursors[asked["cursor"]]) if asked["cursor"] else None
        if place is None:
            lane.answered(post, answer(*self._log_in(asked["frames"][0])))
            return
        before = place.rooms
        said: dict[str, dict] = {}
        out = [self._carry_out(frame, place, said) for frame in asked["frames"]]
        found = self._collect(place, said) + [frame for frame in out if frame["id"] not in said]
        if found or place.rooms != before or not asked["wait"]:
            lane.answered(post, answer(found, self._sign(place)))
        else:
            process.held.append((lane, post, asked["cursor"]))

    def wake(self, process: Process, last: tuple = (), even_so: bool = False) -> None:
        """Held polls with news are answered; all of them where their time is over or the process ends."""
        for held in list(process.held):
            lane, post, cursor = held
            place = deepcopy(self._cursors[cursor])
            found = self._collect(place, {})
            if found or last or even_so:
                process.held.remove(held)
                lane.answered(post, answer([*found, *last], self._sign(place)))

    def _log_in(self, login: dict) -> tuple[list[dict], str]:
        hello = {"type": "hello", "client_id": 1, "version": 1, "limits": LIMITS | {"rate": [0, 0]}, "ping": 25}
        group = {"gid": "lobby", "name": "lobby", "seq": 0, "read": 0, "unread": 0, "private": False, "ts": 0}
        who = {"uid": "1", "name": "ada", "client_id": 1, "epoch": "e"}
        told = {"type": "login", **who, "groups": [group], "peers": [], "online": {"users": 1, "connections": 1}}
        ack = {"type": "ack", "id": login["id"], "ok": True}
        return [hello, told, ack], self._sign(Place({ROOM: 0, TALK: 0}, 0))

    def _carry_out(self, frame: dict, place: Place, said: dict[str, dict]) -> dict:
        id = frame["id"]
        if frame["type"] == "event":
            self.runs[id] = self.runs.get(id, 0) + 1
            place.rooms = {**place.rooms, frame["name"]: len(self.notices)}
            return {"type": "ack", "id": id, "ok": True}
        if id not in self._acks:
            self._acks[id] = self.say(ROOM if frame["type"] == "group" else TALK, "1", id)
            said[id] = self._acks[id]
        return self._acks[id]

    def _collect(self, place: Place, said: dict[str, dict]) -> list[dict]:
        """What came since the place, which moves on; an own private message is its ack."""
        found: list[dict] = []
        for key, messages in self.messages.items():
            for message in messages[place.seqs[key] :]:
                ack = said.get(message.get("id", ""))
                found += [message] * (key == ROOM or not ack) + [ack] * bool(ack)
            place.seqs[key] = len(messages)
        for number, (key, notice) in enumerate(self.notices[place.notice :], place.notice + 1):
            if key == "u:1" or number > place.rooms.get(key, number):
                found.append(notice)
        place.notice = len(self.notices)
        return found

    def _sign(self, place: Place) -> str:
        cursor = f"c{len(self._cursors) + 1}"
        self._cursors[cursor] = deepcopy(place)
        return cursor


def answer(frames: list[dict], cursor: str) -> Answer:
    return Answer(200, None, json.dumps({"frames": frames, "cursor": cursor, "pause": 0}).encode())


class FakeLane:
    """A lane whose posts move when they are told to: on the way, at the server (`reply` None), answered."""

    def __init__(self, *_: object) -> None:
        self.post: Post | None = None
        self.arrived = False
        self.reply: Answer | None = None

    def start(self, post: Post) -> None:
        self.post, self.arrived, self.reply = post, False, None

    def answered(self, post: Post, reply: Answer) -> None:
        if post is self.post:  # otherwise nobody waits for it any more
            self.reply = reply

    def drop(self) -> None:
        self.post = None

    def close(self) -> None:
        self.drop()

    @property
    def state(self) -> str:
        if self.post is None:
            return "idle"
        return "answered" if self.reply else "there" if self.arrived else "on the way"

    def come_home(self) -> None:
        self.post.left = True
        self.post.answer, self.post = self.reply, None

    def break_off(self) -> None:
        self.post.left = True
        self.post.error, self.post = ConnectionError("gone"), None

    def refuse(self, status: int) -> None:
        self.post.left = True
        self.post.answer, self.post = Answer(status, 1.0, b""), None
