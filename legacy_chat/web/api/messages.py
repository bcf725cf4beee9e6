"""`/rooms/{gid}/messages` and `/people/{uid}/messages`: read what was said, say something that is stored."""

from __future__ import annotations

from ...core.api import UNSET, MessageInfo, MessagePage, Messages, NewMessage
from ...core.model import Message
from ...errors import BadText, Empty, TooLong, Unavailable, UnknownRoom
from ...storage import messages as stored
from .operation import Call, Operations
from .rooms import ROOM, stored_room

operations = Operations()


@operations("GET", f"{ROOM}/messages", "messages", query=Messages, answer=MessagePage, errors=(UnknownRoom,))
def list_messages(call: Call) -> MessagePage:
    """What was said in a room, ascending by `seq`

    Without `after` the newest page, and `next` leads to older ones; with it what came after that `seq`, and `next`
    leads to newer ones.
    """
    gid, query = call.path["gid"], call.query
    before, after = _window(query)
    page, more = call.services.parts.read(
        lambda c: stored.page(c, stored_room(c, gid).id, before, after, query.limit)
    )  # fmt: skip
    going_on = "" if not more else f"b{page[0].seq}" if after is None else f"a{page[-1].seq}"
    return MessagePage(messages=[_info(message) for message in page], next=going_on or UNSET)


@operations(
    "POST",
    f"{ROOM}/messages",
    "messages",
    body=NewMessage,
    answer=MessageInfo,
    status=201,
    errors=(UnknownRoom, Empty, TooLong, BadText, Unavailable),
    once=True,
)
def post_to_room(call: Call) -> MessageInfo:
    """Say something in a room

    The answer comes after the commit. The same `id` from the same sender is stored once, for good.
    """
    return _info(call.services.messages.to_room(call.path["gid"], call.body, _request_id(call)))


@operations(
    "POST",
    "/people/<uid>/messages",
    "messages",
    body=NewMessage,
    answer=MessageInfo,
    status=201,
    errors=(Empty, TooLong, BadText, Unavailable),
    once=True,
)
def post_to_person(call: Call) -> MessageInfo:
    """Say something to a person, in their private talk with the sender

    Somebody who never came finds it at the first login.
    """
    return _info(call.services.messages.to_person(call.path["uid"], call.body, _request_id(call)))


def _request_id(call: Call) -> str | None:
    given: str = call.body.id
    return given if given is not UNSET else call.request_id


def _window(query: Messages) -> tuple[int | None, int | None]:
    """`(before, after)`; a cursor goes on in its own direction."""
    if query.cursor is not UNSET:
        seq = int(query.cursor[1:])
        return (seq, None) if query.cursor[0] == "b" else (None, seq)
    return None, None if query.after is UNSET else query.after


def _info(message: Message) -> MessageInfo:
    m = message
    id_ = UNSET if m.request_id is None else m.request_id
    return MessageInfo(uid=m.uid, name=m.name, content=m.content, seq=m.seq, ts=m.ts, mid=m.mid, id=id_)
