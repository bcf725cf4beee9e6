"""The protocol: every frame that a client may send and may get, one struct each.

Client frames are decoded and validated in one pass by `decode`; server frames are encoded by `encode`.
Field names are the wire's names (`gid` is a room's key, `uid` a person's), a public contract.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ..errors import BadFrame, BadJSON, BadShape, ChatError, UnknownType
from .model import Conversation, Membership, Message

VERSION = 1

RequestId = Annotated[str, Meta(min_length=1, max_length=64)]
# Keys of people and rooms are strings; older front ends send numbers, which mean the same key.
Key = Annotated[str, Meta(min_length=1, max_length=64)] | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1)]


# -- client → server ---------------------------------------------------------------------------------------


class Request(msgspec.Struct, tag_field="type", kw_only=True, gc=False):
    """What all client frames share: an `id` that correlates the answer and makes a send safe to repeat."""

    id: RequestId | UnsetType = UNSET


class _ToRoom(Request):
    gid: Key

    def __post_init__(self) -> None:
        self.gid = str(self.gid)


class _ToPerson(Request):
    uid: Key

    def __post_init__(self) -> None:
        self.uid = str(self.uid)


class _ToEither(Request):
    gid: Key | UnsetType = UNSET
    uid: Key | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.gid is UNSET) == (self.uid is UNSET):
            raise ValueError("Name either `gid` (a room) or `uid` (a person)")
        if self.gid is not UNSET:
            self.gid = str(self.gid)
        else:
            self.uid = str(self.uid)


class Resume(msgspec.Struct):
    """Where a client stood: the newest `seq` it has of each conversation, `g:<gid>` or `p:<uid>`."""

    epoch: str | None = None
    seqs: Annotated[dict[str, Seq], Meta(max_length=1000)] = {}


class Login(Request, tag="login"):
    content: Any = UNSET
    token: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET
    resume: Resume | UnsetType | None = UNSET


class Group(_ToRoom, tag="group"):
    content: str


class Pm(_ToPerson, tag="pm"):
    content: str


class Join(_ToRoom, tag="join"):
    pass


class Leave(_ToRoom, tag="leave"):
    pass


class Create(Request, tag="create"):
    name: str
    gid: Any = UNSET
    private: bool = False

    def __post_init__(self) -> None:
        # Keys that can be foretold are the site's: somebody could open a room under one before the site does.
        if self.gid is not UNSET:
            raise ValueError("The server draws the key of a room that somebody opens: leave out `gid`")


class Invite(Request, tag="invite"):
    gid: Key
    uid: Key

    def __post_init__(self) -> None:
        self.gid = str(self.gid)
        self.uid = str(self.uid)


class Rooms(Request, tag="rooms"):
    pass


class History(_ToEither, tag="history"):
    before: Seq | UnsetType = UNSET
    after: Seq | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=100)] = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.before is not UNSET and self.after is not UNSET:
            raise ValueError("Name `before` or `after`, not both")


class Members(_ToRoom, tag="members"):
    pass


class Typing(_ToEither, tag="typing"):
    pass


class Read(_ToEither, tag="read", kw_only=True):
    seq: Seq


class Away(Request, tag="away", kw_only=True):
    away: bool


class Emit(Request, tag="event", kw_only=True):
    """The site's own event, for its `@chat.on(name)`."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    data: Any = None


class Ping(Request, tag="ping"):
    pass


CLIENT_FRAMES = (
    Login, Group, Pm, Join, Leave, Create, Invite, Rooms, History, Members, Typing, Read, Away, Emit, Ping,
)  # fmt: skip

_TYPES = {frame.__struct_config__.tag for frame in CLIENT_FRAMES}
_decoder = msgspec.json.Decoder(
    Login | Group | Pm | Join | Leave | Create | Invite | Rooms | History | Members | Typing | Read | Away | Emit | Ping
)


class _Envelope(msgspec.Struct):
    """The least that can be read of a frame that is JSON but not ours."""

    type: Any = UNSET
    id: Any = UNSET


_envelope_decoder = msgspec.json.Decoder(_Envelope)


def decode(raw: bytes) -> Request:
    """One client frame from the bytes of one text message.

    Raises `BadJSON` (not strict JSON: RFC 8259, no NaN, no lone surrogates, no key twice), `UnknownType` or
    `BadShape`; each with the `request_id` where it could be read.
    """
    try:
        request = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _explain(raw, error) from None
    # A key given twice adds a colon; so may a text, which then costs one slower look.
    if raw.count(b":") > _fields_set(request):
        _refuse_duplicate_keys(raw, request.id)
    return request


def _fields_set(request: Request) -> int:
    defaults = request.__struct_defaults__
    optional = len(defaults)
    fields = request.__struct_fields__
    required = len(fields) - optional
    given = sum(getattr(request, name) != default for name, default in zip(fields[required:], defaults, strict=True))
    return 1 + required + given


def _refuse_duplicate_keys(raw: bytes, request_id: str | UnsetType) -> None:
    def check(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) != len(pairs):
            raise _bad_json("A key stands twice in one object: send each once.", request_id)

    try:
        json.loads(raw, object_pairs_hook=check)
    except (RecursionError, ValueError):  # too deep, or a number of thousands of digits
        raise _bad_json("Send one JSON object per frame: this one is too deep or too large.", request_id) from None


def _bad_json(message: str, request_id: str | UnsetType) -> BadJSON:
    error = BadJSON(message)
    error.request_id = None if request_id is UNSET else request_id
    return error


def _explain(raw: bytes, error: Exception) -> BadFrame:
    """The coded error for what msgspec could not read."""
    if not isinstance(error, msgspec.ValidationError):
        return BadJSON("Send one JSON object per frame: this is not valid JSON.")
    try:
        envelope = _envelope_decoder.decode(raw)
    except msgspec.ValidationError:
        return BadShape('Send one JSON object per frame, such as {"type": "ping"}.')
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return BadJSON("Send one JSON object per frame: this is not valid JSON.")
    answer: BadFrame
    if isinstance(envelope.type, str) and envelope.type not in _TYPES:
        answer = UnknownType(f"There is no frame of type {envelope.type[:32]!r}; see the protocol reference.")
    elif envelope.type is UNSET:
        answer = BadShape('The frame has no "type".')
    else:
        answer = BadShape(f"The frame does not fit its type: {error}.")
    if isinstance(envelope.id, str) and 0 < len(envelope.id) <= 64:
        answer.request_id = envelope.id
    return answer


# -- server → client ---------------------------------------------------------------------------------------


class Event(msgspec.Struct, tag_field="type", omit_defaults=True, gc=False):
    """A frame from the server; fields that were not set are left out."""


class Limits(msgspec.Struct):
    message_bytes: int
    text_chars: int
    rate: tuple[float, float]


class Hello(Event, tag="hello"):
    client_id: int
    version: int
    limits: Limits
    ping: float
    welcome: str | UnsetType = UNSET


class RoomEntry(msgspec.Struct):
    """A room in the list of somebody who belongs to it; `ts` is the last message's, 0 for none.

    `invite`: its members may bring somebody in, as far as the site's rules let them.
    """

    gid: str
    name: str
    seq: int
    read: int
    unread: int
    private: bool
    ts: int
    invite: bool = True


class PeerEntry(msgspec.Struct, omit_defaults=True):
    """A private conversation in somebody's list; `uid`, `name` and presence are the other person's."""

    uid: str
    name: str
    seq: int
    read: int
    unread: int
    ts: int
    online: bool
    away: bool = False
    seen: int | None = None
    avatar: str | None = None


class Online(msgspec.Struct):
    users: int
    connections: int


class LoggedIn(Event, tag="login"):
    uid: str
    name: str
    client_id: int
    epoch: str
    groups: list[RoomEntry]
    peers: list[PeerEntry]
    online: Online
    avatar: str | None = None
    roles: tuple[str, ...] = ()


class GroupPm(Event, tag="groupPm"):
    gid: str
    uid: str
    name: str
    content: str
    seq: int
    ts: int
    mid: str
    id: str | None = None


class PrivatePm(Event, tag="pm"):
    uid: str
    to: str
    name: str
    content: str
    seq: int
    ts: int
    mid: str
    id: str | None = None


class MemberEntry(msgspec.Struct, omit_defaults=True):
    uid: str
    name: str
    online: bool
    away: bool = False
    seen: int | None = None
    avatar: str | None = None


class PublicRoom(msgspec.Struct):
    gid: str
    name: str
    members: int
    joined: bool


class Ack(Event, tag="ack"):
    """The answer to a request with an `id`: what it produced. `ok` is always true.

    `content` is what was stored, where a rule of the site made that of what was sent.
    """

    id: str
    ok: bool | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    mid: str | UnsetType = UNSET
    ts: int | UnsetType = UNSET
    content: str | UnsetType = UNSET
    messages: list[GroupPm | PrivatePm] | UnsetType = UNSET
    more: bool | UnsetType = UNSET
    members: list[MemberEntry] | UnsetType = UNSET
    rooms: list[PublicRoom] | UnsetType = UNSET
    room: RoomEntry | UnsetType = UNSET
    data: Any = UNSET


class Error(Event, tag="error"):
    code: str
    message: str
    id: str | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET


class Gap(Event, tag="gap"):
    """More was missed than is replayed: the client had `after`, the newest is `seq`; ask `history`."""

    after: int
    seq: int
    gid: str | UnsetType = UNSET
    uid: str | UnsetType = UNSET


class Joined(Event, tag="join"):
    gid: str
    uid: str
    name: str
    room: str
    avatar: str | None = None


class Left(Event, tag="leave"):
    gid: str
    uid: str
    name: str


class RoomChanged(Event, tag="room"):
    """The site gave a room another name, or made it private or public."""

    gid: str
    name: str
    private: bool


class TypingNotice(Event, tag="typing"):
    uid: str
    name: str
    gid: str | UnsetType = UNSET
    to: str | UnsetType = UNSET


class ReadNotice(Event, tag="read"):
    uid: str
    name: str
    seq: int
    gid: str | UnsetType = UNSET
    to: str | UnsetType = UNSET


class Presence(Event, tag="presence"):
    """`away`: all pages are hidden or idle. `seen` (ms) is when somebody who is not here was last here."""

    uid: str
    online: bool
    away: bool = False
    seen: int | None = None


class OnlineNotice(Event, tag="online"):
    users: int
    connections: int


class SiteEvent(Event, tag="event", kw_only=True):
    """Something the site says to open pages; `push` where it gave no other name."""

    name: str
    data: Any = None


class Pong(Event, tag="pong"):
    id: str | UnsetType = UNSET


class Drain(Event, tag="drain"):
    retry_after: int


SERVER_FRAMES = (
    Hello, LoggedIn, GroupPm, PrivatePm, Ack, Error, Gap, Joined, Left, RoomChanged, TypingNotice, ReadNotice, Presence,
    OnlineNotice, SiteEvent, Pong, Drain,
)  # fmt: skip

encode = msgspec.json.Encoder().encode

_event_types = {frame.__struct_config__.tag for frame in SERVER_FRAMES}
# A page keeps free what a later version may say, so that no site's own event stands in its way then.
_LATER = ("edit", "delete", "react")
TYPES = frozenset(map(str, (*_TYPES, *_event_types, *_LATER)))
_event_decoder = msgspec.json.Decoder(
    Hello | LoggedIn | GroupPm | PrivatePm | Ack | Error | Gap | Joined | Left | RoomChanged | TypingNotice | ReadNotice
    | Presence | OnlineNotice | SiteEvent | Pong | Drain
)  # fmt: skip


def decode_event(raw: bytes | str) -> Event | None:
    """One server frame, for clients; None for a type that this version does not know. Raises `BadFrame`."""
    try:
        return _event_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            if _envelope_decoder.decode(raw).type not in _event_types:
                return None
        except msgspec.DecodeError:
            pass
        raise BadFrame(f"The server's frame cannot be read: {error}.") from None


def refuse_nan(data: Any, raw: bytes) -> None:
    """Raises `ValueError` where `raw`, which is `data` as JSON, says null for a NaN or an infinity."""
    if b"null" not in raw:
        return
    try:
        plain = msgspec.to_builtins(data, str_keys=True)
    except TypeError:  # there is a `msgspec.Raw` in it, whose author wrote the JSON
        return
    json.dumps(plain, allow_nan=False)


def ack(request_id: str, **produced: Any) -> Ack:
    return Ack(id=request_id, ok=True, **produced)


def message_frame(conversation: Conversation, message: Message) -> GroupPm | PrivatePm:
    """The frame of a stored message: `groupPm` in a room, `pm` in a private talk."""
    m = message
    if conversation.gid is not None:
        return GroupPm(conversation.gid, m.uid, m.name, m.content, m.seq, m.ts, m.mid, m.request_id)
    one, other = conversation.pair or (m.uid, m.uid)
    to = other if m.uid == one else one
    return PrivatePm(m.uid, to, m.name, m.content, m.seq, m.ts, m.mid, m.request_id)


def room_entry(membership: Membership, ruled: bool = False) -> RoomEntry:
    """`ruled`: the site has rules about who may invite."""
    m = membership
    invite = ruled or m.founder is not None
    return RoomEntry(m.gid or "", m.name, m.seq, m.read, m.unread, m.private, m.ts, invite)


def error_frame(error: ChatError, request_id: str | UnsetType = UNSET) -> Error:
    retry_after = UNSET if error.retry_after is None else error.retry_after
    return Error(error.code, error.message, request_id, retry_after)
