"""A poll: chat over single HTTP requests, with no session on the server.

Everything that a server has to know of a client stands in its `Place`: who it is and how far it has read. The client
carries it along as a signed cursor, so that any process of the site can answer any poll.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ..errors import BadCursor, BadFrame, BadJSON, BadShape
from .model import Conversation, Member, Message

# Seconds that an answer may be held back.
LONGEST = 25.0
# Frames in one poll.
MOST_FRAMES = 100

_ZIPPED = b"."
_WORTH_ZIPPING = 300
# A cursor that unpacks to more is none of ours.
_LARGEST = 1 << 20


class Poll(msgspec.Struct):
    """The body of a request: client frames as over a WebSocket; `wait` is in seconds."""

    cursor: str | None = None
    frames: Annotated[list[msgspec.Raw], Meta(max_length=MOST_FRAMES)] = []
    wait: Annotated[float, Meta(ge=0)] = 0


class Answer(msgspec.Struct, omit_defaults=True):
    """The body of the answer: server frames; `pause` ms until the next poll where nothing calls for an earlier one.

    With `close` the client has to log in again or to stay away, as after a close frame with that code.
    """

    frames: list[Any]
    cursor: str | UnsetType = UNSET
    pause: int | UnsetType = UNSET
    close: int | UnsetType = UNSET


class Told(msgspec.Struct):
    """An answer as a client reads it; the frames are for `frames.decode_event`."""

    frames: list[msgspec.Raw] = []
    cursor: str | None = None
    pause: int = 0
    close: int | None = None


class Place(msgspec.Struct, array_like=True):
    """Where a client stands.

    `seqs` is the number of the last message by conversation id, `notice` the last of the notices; `online` the people
    and connections it was told; `touched` (ms) when its presence was last noted. `rooms` are its event rooms, each with
    the last notice before it came in.
    """

    member: Member
    client_id: int
    seqs: dict[int, int]
    notice: int = 0
    online: tuple[int, int] = (0, 0)
    away: bool = False
    touched: int = 0
    rooms: dict[str, int] = {}


class Heading(msgspec.Struct, frozen=True, gc=False):
    """A conversation that somebody belongs to: its newest message, the last they read, the newest as they came in."""

    where: Conversation
    seq: int
    read: int
    since: int


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A notice kept for people who poll: an encoded frame under the `key` of a room, a person or everybody."""

    key: str
    frame: str
    ts: int
    about: str | None = None
    skip: int | None = None
    id: int = 0


class News(msgspec.Struct, frozen=True):
    """What a poll finds: messages in their order, notices, and the number of the last notice there is.

    `more` messages wait for the next poll.
    """

    headings: list[Heading]
    messages: list[tuple[Conversation, list[Message]]]
    notices: list[Kept]
    newest: int
    more: bool


EVERYBODY = "*"


def person_key(uid: str) -> str:
    return f"u:{uid}"


def ended_key(uid: str) -> str:
    """Under this key stands what ended a person's sessions."""
    return f"x:{uid}"


def client_key(client_id: int) -> str:
    """Under this key stands what ended for one client: it as a whole, or its stay in an event room."""
    return f"c:{client_id:x}"


class Ended(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sessions of a person are over, those of one `device` where one is named; or a client's time in a `room`."""

    code: int
    reason: str
    device: str | None = None
    room: str | None = None


_decode_poll = msgspec.json.Decoder(Poll).decode
_decode_told = msgspec.json.Decoder(Told).decode
_decode_place = msgspec.json.Decoder(Place).decode
_encode = msgspec.json.Encoder().encode


def decode(raw: bytes) -> Poll:
    """Raises `BadJSON` or `BadShape`."""
    try:
        return _decode_poll(raw)
    except msgspec.ValidationError as error:
        raise BadShape(f"The poll does not fit: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadJSON('Send one JSON object, such as {"cursor": null, "frames": [], "wait": 0}.') from None


def encode(answer: Answer) -> bytes:
    return _encode(answer)


def decode_answer(raw: bytes) -> Told:
    """For clients. Raises `BadFrame` for what no chat says."""
    try:
        return _decode_told(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFrame(f"This is no answer to a poll: {error}.") from None


def pack(place: Place) -> bytes:
    """For a signature: URL-safe, and zipped where that is worth it."""
    raw = _encode(place)
    if len(raw) < _WORTH_ZIPPING:
        return base64.urlsafe_b64encode(raw)
    return _ZIPPED + base64.urlsafe_b64encode(zlib.compress(raw, 1))


def unpack(packed: bytes) -> Place:
    """Raises `BadCursor`."""
    try:
        raw = base64.urlsafe_b64decode(packed.removeprefix(_ZIPPED))
        if packed.startswith(_ZIPPED):
            raw = zlib.decompressobj().decompress(raw, _LARGEST)
        return _decode_place(raw)
    except (binascii.Error, zlib.error, msgspec.DecodeError, UnicodeDecodeError):
        raise BadCursor("This is no cursor of this chat: log in again.") from None
