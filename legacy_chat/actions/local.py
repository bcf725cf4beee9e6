"""People of this process without sockets, for tests of a site: `chat.test_client(uid)`.

Everything that a page does goes through the same requests, in the process of the caller: in a test that is also its
thread, so an answer is there when a call returns.
"""

from __future__ import annotations

import itertools
import json
import secrets
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from .. import errors
from ..backplane.contract import Disconnect, Notice, Reach, Subscribe, ToAll, ToAudience, ToPeople, ToRoom, Unsubscribe
from ..core import close, frames
from ..core.model import Conversation, Member, Message, Snapshot, event_room_key, room_key
from ..core.session import Session
from ..errors import ChatError, NotLoggedIn, TooLong, Unavailable
from .parts import Parts
from .requests import Online, Requests

# Apart from the numbers of sockets, which count up from 1001, and of those who poll. Drawn, as those are: what is
# stored under a request's id is stored for good, so no other process may come to the same ids again.
_FIRST_ID, _IDS = 1 << 39, 1 << 39

# Seconds for an answer, where another greenlet or thread gives it.
_PATIENCE = 5.0

_ANSWERS = ("ack", "error", "pong")

Frame = dict[str, Any]


class Local:
    """All people of one app and process who have no socket. `make_requests` is told who is here.

    It hears the backplane as a worker's registry does, so pushes, other people of this process and, in a chat worker,
    those with sockets reach them.
    """

    def __init__(self, parts: Parts, make_requests: Callable[[Online], Requests]):
        self.clients: list[LocalClient] = []
        self.parts = parts
        self.requests = make_requests(self)
        parts.backplane.subscribe(self._receive, self._reach)

    def client(self, member: Member | None, request: bytes | None = None) -> LocalClient:
        """A page of somebody that is not connected yet; of nobody, where a `token` is to say who it is."""
        return LocalClient(self, member, request)

    def is_online(self, uid: str) -> bool:
        return any(client.uid == uid for client in self.clients)

    def count(self) -> tuple[int, int]:
        return len({client.uid for client in self.clients}), len(self.clients)

    def _receive(self, notice: Notice) -> None:
        for client in list(self.clients):
            client.hear(notice)

    def _reach(self, notice: Notice) -> Reach:
        reached = [client.uid for client in self.clients if client.concerned(notice)]
        return Reach(len(set(reached)), len(reached))


class LocalClient:
    """One page of one person: `connect`, `request` or `emit`, look at what came, `disconnect`.

    - `connect()` logs in; its answer is the `login` frame.
    - `request(type, **fields)` carries out a frame of the protocol and returns its `ack`; an `error` is raised as the
      `ChatError` of its code. `say(**frame)` carries one out as it is, and answers are collected like all else.
    - `emit(name, data)` is the client half of `@chat.on(name)`: what the handler returned, or the error.
    - `frames` is everything that came but the answers to `request`, as dicts, the oldest first. `take(type, **fields)`
      takes out and returns those that fit, `get_received(name)` the site's events as `{"name", "data"}`.
    - `closed` is the close code, None while it is open. `disconnect()` leaves as a page does that is closed.

    The rest of its methods are what the requests ask of a client (`requests.Client`). Limits on frames a second and on
    connections are not applied; the size of a frame is.
    """

    def __init__(self, local: Local, member: Member | None, request: bytes | None = None):
        self.client_id = _FIRST_ID + secrets.randbelow(_IDS)
        self.session = Session(member, None)
        self.session.request = request
        self.frames: list[Frame] = []
        self.closed: int | None = None
        self._local = local
        self._rooms: dict[str, Conversation] = {}
        self._ids = (f"{secrets.token_hex(8)}-{number}" for number in itertools.count(1))
        self._waiting: dict[str, threading.Event] = {}
        self._answers: dict[str, Frame] = {}

    @property
    def uid(self) -> str:
        """Raises `NotLoggedIn` while nobody knows who it is."""
        if self.session.member is None:
            raise NotLoggedIn("Nobody has logged in here.")
        return self.session.member.uid

    # -- what a page does -------------------------------------------------------------------------------------

    def connect(self, **fields: Any) -> Frame:
        """Log in, with `token` or `resume` where given; the `login` frame. Raises a `ChatError`."""
        self.request("login", **fields)
        return self.take("login")[-1]

    def request(self, type: str, /, timeout: float = _PATIENCE, **fields: Any) -> Frame:
        """The `ack` of a frame (or `pong`). Raises the `ChatError` that its `error` tells."""
        id_ = str(fields.pop("id", None) or next(self._ids))
        answered = self._waiting[id_] = threading.Event()
        try:
            self.say(type=type, id=id_, **fields)
            if id_ not in self._answers and self.closed is None:
                answered.wait(timeout)
        finally:
            del self._waiting[id_]
        answer = self._answers.pop(id_, None)
        if answer is None:
            raise self._why_none(timeout)
        if answer["type"] == "error":
            raise _error(answer)
        return answer

    def _why_none(self, timeout: float) -> ChatError:
        if self.closed is None:
            return Unavailable(f"No answer came within {timeout} s.")
        told = [frame for frame in self.frames if frame["type"] == "error"]
        return _error(told[-1]) if told else NotLoggedIn(f"The connection was closed with {self.closed}.")

    def say(self, **frame: Any) -> None:
        """Carry out a frame as it is. Raises `NotLoggedIn` after the end, `TooLong` above CHAT_MAX_MESSAGE_BYTES."""
        raw, limit = json.dumps(frame, ensure_ascii=False).encode(), self._local.parts.settings.max_message_bytes
        if self.closed is not None:
            raise NotLoggedIn(f"The connection was closed with {self.closed}.")
        if len(raw) > limit:
            raise TooLong(f"A frame has at most {limit} bytes; this one has {len(raw)}.")
        self._local.requests.handle(self, raw)

    def emit(self, name: str, data: Any = None, timeout: float = _PATIENCE) -> Any:
        """What the handler of the event returned. Raises what it refused, `UnknownEvent`, `Internal`."""
        return self.request("event", timeout, name=name, data=data)["data"]

    def take(self, type: str | None = None, **fields: Any) -> list[Frame]:
        """Frames that came, which are forgotten here: all, or those of a type and with these fields."""
        fields = fields if type is None else {"type": type, **fields}
        fit = [frame for frame in self.frames if fields.items() <= frame.items()]
        self.frames = [frame for frame in self.frames if frame not in fit]
        return fit

    def get_received(self, name: str | None = None) -> list[Frame]:
        """The site's events that came since the last call, all or those of one name: `{"name", "data"}` each."""
        came = self.take("event") if name is None else self.take("event", name=name)
        return [{"name": frame["name"], "data": frame.get("data")} for frame in came]

    def disconnect(self) -> None:
        """The page is closed; doing so twice changes nothing."""
        self.close(close.GOING_AWAY)

    # -- what the requests ask of a client ----------------------------------------------------------------------

    def send(self, event: frames.Event) -> None:
        if self.closed is None:
            self._came(frames.encode(event))

    def _came(self, raw: bytes) -> None:
        frame = msgspec.json.decode(raw)
        answered = self._waiting.get(frame.get("id", "")) if frame["type"] in _ANSWERS else None
        if answered is None:
            self.frames.append(frame)
        else:
            self._answers[frame["id"]] = frame
            answered.set()

    def stored(self, where: Conversation, message: Message) -> None:
        """Its frame has come already."""

    def room(self, gid: str) -> Conversation | None:
        return self._rooms.get(gid)

    def subscribe(self, snapshot: Snapshot) -> None:
        self._rooms = {m.gid: Conversation(m.id, gid=m.gid) for m in snapshot.memberships if m.gid is not None}
        if self not in self._local.clients and self.closed is None:
            self._local.clients.append(self)

    def set_away(self, away: bool) -> None:
        self.session.away = away

    def enter(self, room: str) -> None:
        """`session.rooms` says it."""

    def exit(self, room: str) -> None:
        """`session.rooms` says it."""

    def admit(self, member: Member) -> None:
        """There is no limit here."""

    def refuse(self, error: ChatError, code: int) -> None:
        self.send(frames.error_frame(error))
        self.close(code)

    def close(self, code: int, reason: str = "") -> None:
        if self.closed is not None:
            return
        self.closed = code
        for answered in self._waiting.values():
            answered.set()
        if self in self._local.clients:
            self._local.clients.remove(self)
        if self.session.open:
            self._local.requests.events.went(self)

    # -- notices ------------------------------------------------------------------------------------------------

    def hear(self, notice: Notice) -> None:
        """What a worker's registry does with a notice, for this page."""
        if isinstance(notice, Subscribe) and notice.uid == self.uid:
            self._rooms[notice.room.gid or ""] = notice.room
        elif isinstance(notice, Unsubscribe) and notice.uid == self.uid:
            self._rooms = {gid: room for gid, room in self._rooms.items() if room.key != notice.key}
        elif isinstance(notice, Disconnect):
            self._end(notice)
        elif isinstance(notice, ToRoom | ToPeople | ToAudience | ToAll) and self.concerned(notice):
            self._came(notice.frame)

    def _end(self, notice: Disconnect) -> None:
        device = self.session.member and self.session.member.device
        if notice.uid == self.uid and notice.device in (None, device):
            self.close(notice.code, notice.reason)

    def concerned(self, notice: Notice) -> bool:
        """Whether the frame of a notice is for this page."""
        if getattr(notice, "skip", None) == self.client_id:
            return False
        if isinstance(notice, ToRoom):
            return notice.key in self._keys()
        if isinstance(notice, ToPeople):
            return self.uid in notice.uids
        if isinstance(notice, ToAudience):
            return notice.about != self.uid and (self.uid in notice.uids or not self._keys().isdisjoint(notice.keys))
        return isinstance(notice, ToAll)

    def _keys(self) -> set[str]:
        return {*map(room_key, self._rooms), *map(event_room_key, self.session.rooms)}


def _error(frame: Frame) -> ChatError:
    """The error as it was raised, as far as its class is one of ours."""
    kinds = {kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    error: ChatError = kinds.get(frame["code"], ChatError)(frame["message"], frame.get("retry_after"))
    error.code = frame["code"]
    return error
