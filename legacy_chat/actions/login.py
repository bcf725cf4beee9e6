"""Open a session: who one is, where one belongs, what one missed."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UNSET

from ..backplane.contract import Subscribe, ToRoom
from ..core import frames
from ..core.frames import Resume
from ..core.model import Conversation, Member, Membership, Message, Room, Snapshot, room_key
from ..storage import messages, people, presence, rooms
from ..storage.database import Connection
from .parts import Parts

# Bytes of text that are replayed at most; what does not fit is a gap, so that a login never fills an outbox.
_REPLAY_BYTES = 192 * 1024


class Login:
    def __init__(self, parts: Parts):
        self._parts = parts
        self._epoch: str | None = None  # never changes while this process has the history open

    def open(self, member: Member, resume: Resume | None, opened: Callable[[Snapshot], None]) -> Snapshot:
        """Read everything a login is answered from, at one point between two commits.

        `opened` is called at that point: a caller that subscribes there gets every later message and none twice.
        """

        forbidden = self._forbidden(member)

        def job(connection: Connection) -> Snapshot:
            joined = self._remember(connection, member, forbidden)
            return self._snapshot(connection, member, resume, joined)

        def committed(snapshot: Snapshot) -> None:
            opened(snapshot)
            for room in snapshot.joined:
                self._welcome(room, member)

        return self._parts.writer.call(job, committed)

    def _remember(self, connection: Connection, member: Member, forbidden: set[str]) -> list[Room]:
        """Keep the person's name and picture; a newcomer joins the default rooms, which are returned.

        A token that bears no picture does not say that there is none.
        """
        avatar = UNSET if member.device is None and member.avatar is None else member.avatar
        if not people.remember(connection, member.uid, member.name, self._parts.clock(), avatar):
            return []
        joined = []
        for gid in self._parts.settings.default_rooms:
            room = rooms.find_room(connection, gid) if gid not in forbidden else None
            if room and rooms.add_member(connection, room.id, member.uid, read=room.seq):
                joined.append(room)
        return joined

    def _forbidden(self, member: Member) -> set[str]:
        """The default rooms that the site's own rules keep a newcomer out of; they are not asked inside the writer."""
        if not self._parts.rules.for_joining:
            return set()
        default = self._parts.settings.default_rooms

        def query(connection: Connection) -> list[Room]:
            if people.came(connection, member.uid):
                return []
            return [room for gid in default if (room := rooms.find_room(connection, gid))]

        found = self._parts.read(query)
        allowed = {room.gid for room in self._parts.rules.joinable(member, found)} if found else set()
        return {room.gid for room in found} - allowed

    def _welcome(self, room: Room, member: Member) -> None:
        self._parts.backplane.publish(Subscribe(member.uid, Conversation(room.id, gid=room.gid)))
        event = frames.Joined(room.gid, member.uid, member.name, room.name, member.avatar)
        self._parts.backplane.publish(ToRoom(room_key(room.gid), frames.encode(event), about=member.uid))

    def _snapshot(self, connection: Connection, member: Member, resume: Resume | None, joined: list[Room]) -> Snapshot:
        epoch = self._epoch = self._epoch or rooms.epoch(connection)
        belongs = rooms.memberships(connection, member.uid)
        missed: dict[int, list[Message]] = {}
        gaps: dict[int, int] = {}
        if resume:
            missed, gaps = self._missed(connection, belongs, resume, resume.epoch in (None, epoch))
        peers = presence.find(connection, [m.uid for m in belongs if m.uid is not None])
        return Snapshot(epoch, belongs, missed, gaps, joined, peers)

    def _missed(
        self, connection: Connection, belongs: list[Membership], resume: Resume, same_epoch: bool
    ) -> tuple[dict[int, list[Message]], dict[int, int]]:
        missed, gaps, left = {}, {}, _REPLAY_BYTES
        for membership, had in _behind(belongs, resume.seqs):
            replayable = same_epoch and 0 < membership.seq - had <= self._parts.settings.replay
            page = messages.since(connection, membership.id, had) if replayable and left > 0 else []
            left -= sum(len(message.content.encode()) + 160 for message in page)
            if page and left >= 0:
                missed[membership.id] = page
            elif membership.seq != had or (had and not same_epoch):
                gaps[membership.id] = had
        return missed, gaps


def _behind(belongs: list[Membership], seqs: dict[str, int]) -> list[tuple[Membership, int]]:
    """Each conversation that is to be replayed, with the number the client has.

    A private talk that `seqs` does not name counts as 0, since it may have begun meanwhile; a room does not.
    """
    known = [(m, seqs.get(m.client_key, None if m.gid is not None else 0)) for m in belongs]
    return [(m, had) for m, had in known if had is not None]
