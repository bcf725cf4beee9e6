"""A client during one of its polls, as the requests see it (`requests.Client`).

Nothing of it stays here: what has to be known at its next poll is its `Place`, which travels in the cursor.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from ..core import frames
from ..core.model import Conversation, Member, Message, Snapshot, event_room_key
from ..core.poll import EVERYBODY, Ended, Kept, Place, client_key, ended_key, person_key
from ..core.session import Session
from ..errors import ChatError, NotLoggedIn, Refused
from ..storage import notices, rooms
from ..storage.database import Connection
from .parts import Parts
from .presence import News

# Client ids of connections count up from 1001 in each process; these are drawn, far above and exact in JavaScript.
_FIRST_ID, _IDS = 1 << 40, 1 << 52


class Over(Exception):
    """The client's session ends, or does not begin: `code` is a close code."""

    def __init__(self, code: int, error: ChatError):
        super().__init__(error.message)
        self.code, self.error = code, error


class Told(NamedTuple):
    """A frame that answers this client, and what it is in the answer."""

    event: frames.Event
    raw: msgspec.Raw


class PollClient:
    """`place` is where its cursor says it stands; before its login that is None, and `member` whose cookie came.

    `notice` is the last notice there was before anybody was asked who that is.
    """

    def __init__(self, parts: Parts, place: Place | None, member: Member | None, notice: int = 0):
        self._parts = parts
        self.place = place
        self.touched = place.touched if place else 0
        self.admit: Callable[[Member], None] = lambda _: None
        self.client_id = place.client_id if place else _FIRST_ID + secrets.randbelow(_IDS - _FIRST_ID)
        self.session = Session(place.member if place else member, None)
        self.session.open = place is not None
        self.session.rooms = frozenset(place.rooms if place else ())
        self.session.away = place is not None and place.away
        self.out: list[Told] = []
        self.size = 0  # bytes of all that was told
        self.said: dict[tuple[int, int], str | None] = {}  # what it said in this poll: (conversation, seq) → request id
        self.refused: Over | None = None
        self.fresh = place is None
        self.came: list[News] = []  # of its person, for the rooms that the first login brings them into as well
        self.spoke = False
        self.moved = False  # into or out of an event room, which only the next cursor knows
        self.rooms: list[str] = []  # keys of its rooms
        self._notice = notice

    @property
    def here(self) -> Place:
        """Its place, once it is logged in."""
        assert self.place is not None  # noqa: S101 - `Polling.carry_out` saw to it
        return self.place

    def send(self, event: frames.Event) -> None:
        raw = frames.encode(event)
        self.size += len(raw)
        self.out.append(Told(event, msgspec.Raw(raw)))

    def stored(self, where: Conversation, message: Message) -> None:
        self.said[message.conversation, message.seq] = message.request_id

    def room(self, gid: str) -> Conversation | None:
        assert self.session.member is not None  # noqa: S101 - `check` let the request through
        uid = self.session.member.uid

        def query(connection: Connection) -> Conversation | None:
            room = rooms.find_room(connection, gid)
            return Conversation(room.id, gid=room.gid) if room and rooms.is_member(connection, room.id, uid) else None

        return self._parts.read(query)

    def subscribe(self, snapshot: Snapshot) -> None:
        member = self.session.member
        assert member is not None  # noqa: S101 - a login without identity is refused before
        seqs = {m.id: m.seq for m in snapshot.memberships}
        notice = self.place.notice if self.place else self._notice
        event_rooms = self.place.rooms if self.place else {}
        self.place = Place(member, self.client_id, seqs, notice, rooms=event_rooms)
        self._parts.mailbox.came(member.uid, [m.key for m in snapshot.memberships if m.gid is not None])

    def set_away(self, away: bool) -> None:
        self.session.away = away

    def enter(self, room: str) -> None:
        place = self.here
        place.rooms = {**place.rooms, room: self._parts.read(notices.newest)}
        self.moved = True

    def exit(self, room: str) -> None:
        self._leave(room)
        self._parts.mailbox.end(client_key(self.client_id), Ended(0, "left", room=room))

    def refuse(self, error: ChatError, code: int) -> None:
        self.refused = Over(code, error)

    def close(self, code: int, reason: str = "") -> None:
        self.refuse(Refused(f"The connection was ended: {reason or code}."), code)
        self._parts.mailbox.end(client_key(self.client_id), Ended(code, reason))

    # -- what the store has for it --------------------------------------------------------------------------------

    @property
    def ends(self) -> list[str]:
        """Under these keys stands what ended for it: older cursors of it do not know."""
        return [ended_key(self.here.member.uid), client_key(self.client_id)]

    @property
    def keys(self) -> list[str]:
        """Under these keys news for it is announced, as of the last look."""
        event_rooms = map(event_room_key, self.here.rooms)
        return [person_key(self.here.member.uid), *self.ends, EVERYBODY, *self.rooms, *event_rooms]

    def heed(self, kept: list[Kept]) -> list[Kept]:
        """What is news of these notices; nothing is news of an event room that was left before. Raises `Over`."""
        left: dict[str, int] = {}
        for notice in kept:
            if notice.key in self.ends:
                left |= self._heed_end(notice)
        self.session.rooms = frozenset(self.here.rooms)
        return [n for n in kept if n.key not in self.ends and n.id <= left.get(n.key, n.id)]

    def _heed_end(self, notice: Kept) -> dict[str, int]:
        """The key of the event room that it was about, if its place is still in there, and the number of the notice."""
        ended, place = msgspec.json.decode(notice.frame, type=Ended), self.here
        if ended.room is None:
            if ended.device is None or ended.device == place.member.device:
                raise Over(ended.code, NotLoggedIn(f"Your session has ended: {ended.reason}."))
            return {}
        if notice.id <= place.rooms.get(ended.room, notice.id):
            return {}
        self._leave(ended.room)
        return {event_room_key(ended.room): notice.id}

    def _leave(self, room: str) -> None:
        self.here.rooms = {name: notice for name, notice in self.here.rooms.items() if name != room}
        self.moved = True
