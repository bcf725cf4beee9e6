"""What a client has of each conversation, and what comes next. No I/O.

    a message ── the next of its conversation ───▶ handed out, the cursor moves
        ├── one it had (a replay, a double) ─────▶ nothing
        └── one beyond (a hole, or after a gap) ─▶ left aside: `history` brings what lies before it, then itself

A conversation is `g:<gid>` or `p:<uid of the other person>`, as in `resume`. What was left aside is not kept: the
server commits before it delivers, so history has it. Nothing can be lost or doubled that way, and nothing piles up.

Every change leaves as a `Step`. The stream moves its own cursor at once, since that is what the next connection goes
on from; whoever hands the steps out moves another one as they go out, since that is what the next process goes on from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..core.frames import Event, Gap, GroupPm, Joined, Left, LoggedIn, PrivatePm, Resume, RoomEntry
from ..core.model import room_key

# What the server takes in one `resume`.
_NAMED = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """An event to hand out (None: there is nothing to see) and where the cursor moves with it (None: forget)."""

    event: Event | None
    moves: Mapping[str, int | None] = field(default_factory=dict)
    epoch: str | None = None


class Cursor:
    """The newest `seq` of each conversation, within one `epoch` of the server's history."""

    def __init__(self, resume: Resume | None = None):
        self.epoch = resume.epoch if resume else None
        self.seqs = dict(resume.seqs) if resume else {}

    def move(self, step: Step) -> None:
        self.epoch = step.epoch or self.epoch
        for key, seq in step.moves.items():
            if seq is None:
                self.seqs.pop(key, None)
            else:
                self.seqs[key] = seq

    def resume(self) -> Resume:
        return Resume(self.epoch, dict(self.seqs))


class Stream:
    def __init__(self, resume: Resume | None = None):
        self._had = Cursor(resume)
        self._begun = resume is not None
        self._uid = ""
        self._heads: dict[str, int] = {}  # what the newest login said there is
        self._behind: dict[str, int] = {}  # conversations with a hole: the newest number known of each
        self._asked: dict[str, int] = {}  # those whose history is on its way: the number it must reach
        self._entered: set[str] = set()  # rooms joined on this connection that said nothing yet
        self._renumbered = False

    def resume(self) -> Resume | None:
        """What to log in with. Rooms first: the server replays a private talk that is not named, a room it does not."""
        if not self._begun:
            return None
        named = sorted(self._had.seqs, key=lambda key: key.startswith("p:"))[:_NAMED]
        return Resume(self._had.epoch, {key: self._had.seqs[key] for key in named})

    # -- the session ----------------------------------------------------------------------------------------

    def logged_in(self, login: LoggedIn) -> Step:
        """A new connection: everything on the way to the old one is void."""
        self._uid = login.uid
        self._heads = {room_key(room.gid): room.seq for room in login.groups}
        self._heads.update({f"p:{peer.uid}": peer.seq for peer in login.peers})
        self._behind, self._asked = {}, {}
        self._renumbered = self._begun and self._had.epoch not in (None, login.epoch)
        if self._begun and not self._renumbered:
            moves = self._compare(login)
        else:
            moves = dict.fromkeys(self._had.seqs, None) | self._heads
        self._begun, self._entered = True, set()
        return self._moved(Step(None, moves, login.epoch))

    def _compare(self, login: LoggedIn) -> dict[str, int | None]:
        """What is new since, and the rooms one belongs to no more."""
        moves: dict[str, int | None] = {}
        for key in self._had.seqs:
            if key.startswith("g:") and key not in self._heads:
                moves[key] = None
        for room in login.groups:
            key = room_key(room.gid)
            if key not in self._had.seqs:
                moves[key] = room.read if key in self._entered else room.seq
        for peer in login.peers:
            if f"p:{peer.uid}" not in self._had.seqs:
                moves[f"p:{peer.uid}"] = 0
        return moves

    def replayed(self) -> None:
        """The login is acked, so all that is replayed has come: what is still missing is for `history`."""
        for key, seq in self._heads.items():
            self._miss(key, seq)

    def joined(self, room: RoomEntry) -> Step | None:
        """A `join` or `create` is acked. Everything before counts as read, so `read` is where one came in."""
        key = room_key(room.gid)
        if key in self._had.seqs:
            return None
        self._entered.discard(key)
        return self._moved(Step(None, {key: room.read}))

    # -- frames ---------------------------------------------------------------------------------------------

    def take(self, event: Event) -> Step | None:
        """What to hand out for a frame, if anything."""
        if isinstance(event, GroupPm | PrivatePm):
            return self._message(event)
        if isinstance(event, Gap):
            return self._gap(event)
        if isinstance(event, Joined) and event.uid == self._uid:
            self._entered.add(room_key(event.gid))
        if isinstance(event, Left) and event.uid == self._uid:
            return self._forgotten(room_key(event.gid), event)
        return Step(event)

    def key_of(self, message: GroupPm | PrivatePm) -> str:
        if isinstance(message, GroupPm):
            return room_key(message.gid)
        return f"p:{message.to if message.uid == self._uid else message.uid}"

    def _message(self, message: GroupPm | PrivatePm) -> Step | None:
        key = self.key_of(message)
        had = self._had.seqs.get(key)
        if had is None:
            # A room that one came into just now starts here, a private talk at its beginning.
            had = message.seq - 1 if key.startswith("g:") else 0
            self._had.seqs[key] = had
        if message.seq == had + 1:
            return self._moved(Step(message, {key: message.seq}))
        self._miss(key, message.seq)
        return None

    def _gap(self, gap: Gap) -> Step | None:
        """Too much to replay is history's business; only where the numbers themselves went is it the app's."""
        key = room_key(gap.gid) if isinstance(gap.gid, str) else f"p:{gap.uid}"
        if self._renumbered:
            return Step(gap)
        if gap.after > gap.seq:
            return self._moved(Step(gap, {key: gap.seq}))
        self._miss(key, gap.seq)
        return None

    # -- holes ----------------------------------------------------------------------------------------------

    def asks(self) -> list[tuple[str, int]]:
        """`(conversation, after)` of the history pages to ask for now; each is asked for once at a time."""
        wanted = [key for key in self._behind if key not in self._asked]
        self._asked.update({key: self._behind[key] for key in wanted})
        return [(key, self._had.seqs[key]) for key in wanted]

    def page(self, key: str, messages: Iterable[GroupPm | PrivatePm]) -> list[Step]:
        """A page that was asked for. History is the truth: what it skips is not there."""
        reach = self._asked.pop(key, None)
        if reach is None or key not in self._had.seqs:
            return []
        page = list(messages)
        steps = [self._moved(Step(m, {key: m.seq})) for m in page if m.seq > self._had.seqs[key]]
        if not page and reach > self._had.seqs[key]:
            steps.append(self._moved(Step(None, {key: reach})))
        return steps

    def failed(self, key: str) -> None:
        """The page did not come: it is to be asked for again."""
        self._asked.pop(key, None)

    def forget(self, key: str) -> Step:
        """One belongs there no more."""
        return self._forgotten(key, None)

    def _forgotten(self, key: str, event: Event | None) -> Step:
        for known in (self._behind, self._asked, self._heads):
            known.pop(key, None)
        self._entered.discard(key)
        return self._moved(Step(event, {key: None}))

    def _miss(self, key: str, seq: int) -> None:
        if seq > self._had.seqs.get(key, seq):
            self._behind[key] = max(seq, self._behind.get(key, 0))

    def _moved(self, step: Step) -> Step:
        self._had.move(step)
        for key in step.moves:
            if self._behind.get(key, 0) <= self._had.seqs.get(key, 0):
                self._behind.pop(key, None)
        return step
