"""What each client frame does, and what answers it: the same for every transport."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any, Protocol

from msgspec import UNSET, UnsetType

from ..core import close, frames
from ..core.metrics import ERRORS
from ..core.model import Conversation, Member, Membership, Message, Snapshot, Submission
from ..core.presence import PersonState
from ..core.session import Session
from ..errors import BadFrame, ChatError, Internal, RateLimited
from .events import Events
from .login import Login
from .messages import Messages
from .parts import Parts
from .presence import Presence
from .rooms import Rooms

log = logging.getLogger(__name__)


class Client(Protocol):
    """A connection as the requests see it."""

    client_id: int
    session: Session

    def send(self, event: frames.Event) -> None:
        """Hand a frame to this connection; nothing happens where it is closed already."""

    def stored(self, where: Conversation, message: Message) -> None:
        """What this client said is committed; its ack follows."""

    def room(self, gid: str) -> Conversation | None:
        """The room, if this connection is subscribed to it."""

    def subscribe(self, snapshot: Snapshot) -> None:
        """From now on this connection gets what its person gets."""

    def set_away(self, away: bool) -> None:
        """The page is hidden or idle, or seen again."""

    def enter(self, room: str) -> None:
        """From now on this connection gets what is said in an event room; `session.rooms` has it."""

    def exit(self, room: str) -> None:
        """The opposite of `enter`."""

    def admit(self, member: Member) -> None:
        """The identity is known only now. Raises `Unavailable` where this person has too many connections."""

    def refuse(self, error: ChatError, code: int) -> None:
        """Tell why and close with `code`."""

    def close(self, code: int, reason: str = "") -> None:
        """End this connection."""


class Online(Protocol):
    """Who is here now."""

    def is_online(self, uid: str) -> bool: ...

    def count(self) -> tuple[int, int]:
        """People and connections."""


class Requests:
    """Carries out the frames of all clients of one app. `verify` turns a connect token into a member."""

    def __init__(
        self,
        parts: Parts,
        online: Online,
        verify: Callable[[str], Member],
        presence: Presence | None = None,
        events: Events | None = None,
    ):
        self.events = events or Events(parts)
        self.messages = Messages(parts)
        self.rooms = Rooms(parts)
        self.login = Login(parts)
        self._counts = parts.counts
        self._online = online
        self._presence = presence or Presence(parts)
        self._verify = verify
        self._handlers: dict[type, Callable[[Client, Any], None]] = {
            frames.Login: self._login,
            frames.Group: self._group,
            frames.Pm: self._pm,
            frames.Join: self._join,
            frames.Leave: self._leave,
            frames.Create: self._create,
            frames.Invite: self._invite,
            frames.Rooms: self._rooms,
            frames.History: self._history,
            frames.Members: self._members,
            frames.Typing: self._typing,
            frames.Read: self._read,
            frames.Away: self._away,
            frames.Emit: self._emit,
            frames.Ping: self._ping,
        }

    def handle(self, client: Client, raw: bytes, wait: float = 0.0) -> None:
        """Carry out one frame; whatever goes wrong becomes a coded `error` to this client alone.

        Returns before a message is committed (its ack follows), after everything else is done. `wait` seconds
        are missing in the rate limit: above 0 the frame is refused.
        """
        request_id: str | UnsetType = UNSET
        try:
            request = frames.decode(raw)
            request_id = request.id
            if wait:
                raise RateLimited("Too many frames: slow down.", retry_after=math.ceil(wait * 100) / 100)
            client.session.check(request)
            self._handlers[type(request)](client, request)
        except BadFrame as error:
            self._refuse(client, error, error.request_id or request_id)
        except ChatError as error:
            self._refuse(client, error, request_id)
        except Exception:
            log.exception("a request failed")
            self._refuse(client, Internal("Something went wrong here; it is in the log."), request_id)

    def _refuse(self, client: Client, error: ChatError, request_id: str | UnsetType) -> None:
        self._counts[ERRORS[error.code]] += 1
        client.send(frames.error_frame(error, request_id))

    def _ack(self, client: Client, request: frames.Request, **produced: Any) -> None:
        if request.id is not UNSET:
            client.send(frames.ack(request.id, **produced))

    # -- session ----------------------------------------------------------------------------------------

    def _login(self, client: Client, request: frames.Login) -> None:
        member = client.session.member or self._identify(client, request)
        if member is None:
            return
        if request.token is not UNSET:
            client.session.identify(self._verify(request.token))
        first = not client.session.open

        def opened(snapshot: Snapshot) -> None:
            client.subscribe(snapshot)
            client.session.opened()
            for frame in self._state(client, member, snapshot):
                client.send(frame)

        self.login.open(member, request.resume or None, opened)
        self._ack(client, request)
        if first:
            self.events.came(client)

    def _identify(self, client: Client, request: frames.Login) -> Member | None:
        """Who this is, by the token of the first login; nobody's connection ends here."""
        try:
            named = self._verify(request.token) if request.token is not UNSET else None
            member = client.session.identify(named)
        except ChatError as error:
            client.refuse(error, close.NOT_LOGGED_IN)
            return None
        try:
            client.admit(member)
        except ChatError as error:
            client.session.member = None
            client.refuse(error, close.FULL)
            return None
        return member

    def _state(self, client: Client, member: Member, snapshot: Snapshot) -> list[frames.Event]:
        """The `login` frame, then what was missed, in order."""
        belongs = snapshot.memberships
        groups = [self._room_entry(m) for m in belongs if m.gid is not None]
        peers = [self._peer_entry(m, snapshot.peers) for m in belongs if m.gid is None]
        online = frames.Online(*self._online.count())
        login = frames.LoggedIn(member.uid, member.name, client.client_id, snapshot.epoch, groups, peers, online)
        login.avatar, login.roles = member.avatar, member.roles
        answer: list[frames.Event] = [login]
        for m in belongs:
            where = _conversation(m, member)
            answer += [frames.message_frame(where, message) for message in snapshot.missed.get(m.id, ())]
            if m.id in snapshot.gaps:
                answer.append(_gap(m, snapshot.gaps[m.id]))
        return answer

    def _peer_entry(self, m: Membership, found: dict[str, PersonState]) -> frames.PeerEntry:
        uid = m.uid or ""
        return frames.PeerEntry(
            uid, m.name, m.seq, m.read, m.unread, m.ts, *self._how(self._presence.seen_here(uid, found)), m.avatar
        )

    def _how(self, state: PersonState) -> tuple[bool, bool, int | None]:
        """`online`, `away` and `seen` of an entry; somebody who came this moment is online already."""
        if self._online.is_online(state.uid):
            return True, state.away, None
        return state.online, state.away, state.seen

    def _away(self, client: Client, request: frames.Away) -> None:
        client.set_away(request.away)
        self._ack(client, request)

    def _emit(self, client: Client, request: frames.Emit) -> None:
        self._ack(client, request, data=self.events.said(client, request))

    def _ping(self, client: Client, request: frames.Ping) -> None:
        client.send(frames.Pong(request.id))

    # -- messages ---------------------------------------------------------------------------------------

    def _group(self, client: Client, request: frames.Group) -> None:
        where = self._room(client, str(request.gid))
        self._post(client, where, request, self._permitted(client, request, gid=where.gid))

    def _pm(self, client: Client, request: frames.Pm) -> None:
        uid = str(request.uid)
        content = self._permitted(client, request, uid=uid)  # before a talk is begun
        self._post(client, self.messages.private(_member(client).uid, uid), request, content)

    def _permitted(self, client: Client, request: frames.Group | frames.Pm, **to: str | None) -> str:
        id_ = None if request.id is UNSET else request.id
        return self.messages.permitted(Submission(_member(client), request.content, id=id_, **to))

    def _post(self, client: Client, where: Conversation, request: frames.Group | frames.Pm, content: str) -> None:
        def done(result: Message | ChatError) -> None:
            if isinstance(result, ChatError):
                self._refuse(client, result, request.id)
            else:
                client.stored(where, result)
                # By a rule of the site, now or when it came for the first time.
                altered = ruled and result.content != request.content
                words = result.content if altered else UNSET
                self._ack(client, request, seq=result.seq, mid=result.mid, ts=result.ts, content=words)

        ruled = self.messages.ruled(where)
        request_id = None if request.id is UNSET else request.id
        author = _member(client)
        self.messages.post(where, author, content, done, request_id, client.client_id)

    def _history(self, client: Client, request: frames.History) -> None:
        where = self._where(client, request)
        before = None if request.before is UNSET else request.before
        after = None if request.after is UNSET else request.after
        messages, more = self.messages.history(where, before, after, request.limit)
        self._ack(client, request, messages=messages, more=more)

    def _read(self, client: Client, request: frames.Read) -> None:
        where = self._where(client, request)
        self.messages.mark_read(where, _member(client), request.seq, client.client_id)
        self._ack(client, request)

    def _typing(self, client: Client, request: frames.Typing) -> None:
        self.messages.typing(self._where(client, request), _member(client), client.client_id)
        self._ack(client, request)

    def _where(self, client: Client, request: frames.History | frames.Read | frames.Typing) -> Conversation:
        if request.gid is not UNSET:
            return self._room(client, str(request.gid))
        return self.messages.find_private(_member(client).uid, str(request.uid))

    def _room(self, client: Client, gid: str) -> Conversation:
        return client.room(gid) or self.rooms.find(_member(client), gid)

    # -- rooms ------------------------------------------------------------------------------------------

    def _join(self, client: Client, request: frames.Join) -> None:
        joined = self.rooms.join(_member(client), str(request.gid))
        self._ack(client, request, room=self._room_entry(joined))

    def _leave(self, client: Client, request: frames.Leave) -> None:
        self.rooms.leave(_member(client), str(request.gid))
        self._ack(client, request)

    def _create(self, client: Client, request: frames.Create) -> None:
        founded = self.rooms.found(_member(client), request.name, request.private)
        self._ack(client, request, room=self._room_entry(founded))

    def _invite(self, client: Client, request: frames.Invite) -> None:
        self.rooms.invite(_member(client), str(request.gid), str(request.uid))
        self._ack(client, request)

    def _room_entry(self, membership: Membership) -> frames.RoomEntry:
        return frames.room_entry(membership, ruled=self.rooms.ruled_invitations)

    def _rooms(self, client: Client, request: frames.Rooms) -> None:
        self._ack(client, request, rooms=self.rooms.public(_member(client)))

    def _members(self, client: Client, request: frames.Members) -> None:
        belong = self.rooms.members(self._room(client, str(request.gid)))
        states = self._presence.state([member.uid for member in belong])
        entries = [
            frames.MemberEntry(m.uid, m.name, *self._how(state), m.avatar)
            for m, state in zip(belong, states, strict=True)
        ]
        self._ack(client, request, members=entries)


def _member(client: Client) -> Member:
    member = client.session.member
    assert member is not None  # noqa: S101 - `check` let the request through
    return member


def _conversation(m: Membership, member: Member) -> Conversation:
    if m.gid is not None:
        return Conversation(m.id, gid=m.gid)
    one, other = sorted((member.uid, m.uid or ""))
    return Conversation(m.id, pair=(one, other))


def _gap(m: Membership, had: int) -> frames.Gap:
    if m.gid is not None:
        return frames.Gap(had, m.seq, gid=m.gid)
    return frames.Gap(had, m.seq, uid=m.uid or "")
