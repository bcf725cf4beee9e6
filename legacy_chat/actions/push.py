"""Say something from a back end: to the pages that are open, with `durable` also to those who come later."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
from msgspec import UNSET

from ..backplane.contract import Notice, Reach, ToAll, ToPeople, ToRoom
from ..core import access, frames
from ..core.metrics import PUSHES
from ..core.model import Conversation, Draft, Message, event_room_key, room_key
from ..core.push import DEFAULT_NAME, Errand, Push, Pushed
from ..core.text import check_name, check_text, check_uid
from ..errors import BadShape, BadText, TooLong, Unavailable
from ..storage import messages, people, rooms, schedule
from ..storage.database import Connection
from .messages import Messages
from .parts import Parts

# People whose messages share a transaction: more would keep everybody else's waiting.
_TOGETHER = 64

# Milliseconds by which a planned time may be over when it comes here: a slow way, or clocks that do not agree.
_LEEWAY = 60_000

Placed = list[tuple[Conversation, Message]]
Claim = Callable[[Connection], bool]
Read = Callable[[Callable[[Connection], Any]], Any]


def make_push(to: str | int | Iterable[str | int] | None = None, **fields: Any) -> Push:
    """A push from what was given; None stands for what was not. Raises `BadShape`."""
    if isinstance(to, str | int):
        fields["uid"] = to
    elif to is not None:
        fields["uids"] = list(to)
    fields["at"], fields["every"] = _milliseconds(fields.get("at")), _milliseconds(fields.get("every"))
    try:
        return msgspec.convert({name: value for name, value in fields.items() if value is not None}, Push)
    except msgspec.ValidationError as error:
        raise BadShape(f"{str(error).rstrip('.')}.") from None


def _milliseconds(when: datetime | timedelta | int | None) -> int | None:
    if isinstance(when, datetime):
        return round(when.timestamp() * 1000)
    return when // timedelta(milliseconds=1) if isinstance(when, timedelta) else when


class Pushes:
    def __init__(self, parts: Parts):
        self._parts = parts
        self._messages = Messages(parts)

    def push(self, push: Push) -> Pushed:
        """Carry it out and count whom it reached, or keep it for its time.

        Raises `Empty`, `TooLong`, `BadText`, `UnknownRoom`; `Unavailable` where nobody takes an event.
        """
        return self.run(Errand(self.checked(push), f"push:{secrets.token_hex(12)}"))

    def post(self, gid: str, content: str, uid: str, name: str | None = None) -> Pushed:
        """A message to a room and nothing else, in the name of whoever the site says. Raises as `push`."""
        return self.run(self.errand(gid, content, uid, name, f"post:{secrets.token_hex(12)}"))

    def errand(
        self, gid: str, content: str, uid: str, name: str | None, request_id: str, read: Read | None = None
    ) -> Errand:
        """A message to a room, checked, for `run`. Without a name it bears the one last seen."""
        sender = {"uid": check_uid(uid), **({"name": check_name(name, limit=200)} if name else {})}
        push = make_push(gid=gid, content=content, durable=True, sender=sender)
        return Errand(self.checked(push, read), request_id, quiet=True)

    def to_event_room(self, room: str, name: str, data: Any) -> Pushed:
        """An event for the connections that a handler put into an event room. Raises as `push`."""
        frame = _event(self.checked(make_push(all=True, name=name, data=data)))
        self._look_who_polls()
        return Pushed(*self._parts.backplane.deliver(ToRoom(event_room_key(room.strip()), frame)), 0)

    def unschedule(self, id_: str) -> bool:
        """Forget a push that waits for its time; False where there is none (any more)."""
        return self._parts.writer.call(lambda c: schedule.remove(c, id_))

    def checked(self, push: Push, read: Read | None = None) -> Push:
        """The push as it will be sent."""
        if push.content is not UNSET:
            push = msgspec.structs.replace(push, content=check_text(push.content, self._parts.settings.text_chars))
        if push.at is not UNSET:
            _check_ahead(push.at, self._parts.clock())
        if push.durable:
            for uid in (str(push.sender.uid), *(push.people or ())):
                check_uid(uid)
            check_name(push.sender.shown(None), limit=200)
        limit = self._parts.settings.max_message_bytes
        if len(_event(push)) > limit:
            raise TooLong(f"An event has at most {limit} bytes of JSON.")
        if push.gid is not UNSET:
            (read or self._parts.read)(lambda c: _find_room(c, str(push.gid)))
        return push

    # -- on its way -------------------------------------------------------------------------------------------

    def run(self, errand: Errand) -> Pushed:
        """Carry it out where the connections are; where there are none, messages are stored all the same."""
        if not self._parts.backplane.here and self._parts.relay:
            answer = self._parts.relay.hand_over(errand)
            if answer is not None:
                return answer
        return self.carry_out(errand)

    def carry_out(self, errand: Errand, claim: Claim | None = None) -> Pushed:
        """In this process. Nothing happens where `claim`, in the transaction of the (last) messages, says no.

        Takes no thread of the offload but the writer's: all others may be waiting for us on the relay.
        """
        result = "fail"
        self._look_who_polls()
        try:
            pushed = self._carry_out(errand, claim)
            result = "planned" if isinstance(pushed.id, str) else "ok" if pushed.users else "offline"
        finally:
            if not errand.quiet:
                self._parts.counts[PUSHES[result]] += 1
        return pushed

    def _look_who_polls(self) -> None:
        """A process that has connections looks by itself, all the time."""
        if not self._parts.backplane.here:
            self._parts.mailbox.refresh()

    def _carry_out(self, errand: Errand, claim: Claim | None) -> Pushed:
        if errand.push.at is not UNSET or errand.push.every is not UNSET:
            return self._keep(errand)
        if errand.push.durable:
            return self._store(errand, claim)
        if claim and not self._parts.writer.call(claim):
            return Pushed(0, 0, 0)
        return Pushed(*self._parts.backplane.deliver(_notice(errand.push, _event(errand.push))), 0)

    def _keep(self, errand: Errand) -> Pushed:
        """The row's id comes from the request's: handed over twice, it is still one."""
        push, now = errand.push, self._parts.clock()
        every = None if push.every is UNSET else push.every
        due = push.at if push.at is not UNSET else now + (every or 0)
        text = msgspec.json.encode(msgspec.structs.replace(push, at=UNSET, every=UNSET)).decode()
        id_ = hashlib.sha256(errand.request_id.encode()).hexdigest()[:24]
        self._parts.writer.call(lambda c: schedule.add(c, schedule.Planned(id_, due, every, text), now))
        return Pushed(0, 0, 0, id=id_)

    def _store(self, errand: Errand, claim: Claim | None) -> Pushed:
        reached, stored = Reach(), 0
        portions = list(_portions(errand.push.people))
        for number, uids in enumerate(portions, 1):
            last = number == len(portions)
            placed, more = self._store_portion(errand, uids, claim if last else None)
            reached, stored = Reach(reached.users + more.users, reached.connections + more.connections), stored + placed
        return Pushed(*reached, stored)

    def _store_portion(self, errand: Errand, uids: tuple[str, ...], claim: Claim | None) -> tuple[int, Reach]:
        reached: list[Reach] = []

        def job(connection: Connection) -> Placed:
            return self._write(connection, errand, uids) if claim is None or claim(connection) else []

        def announce(placed: Placed) -> None:
            reached.extend(self._announce(errand, where, message) for where, message in placed if not message.repeated)

        placed = self._parts.writer.call(job, announce)
        return len(placed), Reach(sum(r.users for r in reached), sum(r.connections for r in reached))

    def _write(self, connection: Connection, errand: Errand, uids: tuple[str, ...]) -> Placed:
        sender, push = errand.push.sender, errand.push
        uid, now = str(sender.uid), self._parts.clock()
        name = sender.shown(people.find_name(connection, uid))
        people.introduce(connection, uid, name)
        places = _places(connection, push, uid, uids)
        drafts = [
            Draft(place.id, uid, name, str(push.content), now, f"{errand.request_id}:{place.id}") for place in places
        ]
        return list(zip(places, messages.append(connection, drafts), strict=True))

    def _announce(self, errand: Errand, where: Conversation, message: Message) -> Reach:
        """After the commit: the message as any other, and the event for whom it is for."""
        self._messages.announce(where, message)
        other = _other(where, message)
        notice = ToRoom(where.key, b"") if other is None else ToPeople((other,), b"")
        if errand.quiet:
            return self._parts.backplane.reach(notice)
        place = {"gid": where.gid} if other is None else {"uid": message.uid}
        data = {"content": message.content, **place, "seq": message.seq, "mid": message.mid}
        event = frames.encode(frames.SiteEvent(name=DEFAULT_NAME, data=data))
        try:
            return self._parts.backplane.deliver(msgspec.structs.replace(notice, frame=event))
        except Unavailable:  # it is stored: whoever comes finds it
            return Reach()


def _check_ahead(at: int, now: int) -> None:
    """Raises `BadShape` for a time that is over: nobody plans that."""
    if at < now - _LEEWAY:
        given, here = _in_words(at), _in_words(now)
        raise BadShape(f"`at` is in the past: {given} was given, and it is {here}. It counts milliseconds since 1970.")


def _in_words(ms: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=ms)).isoformat(" ", "seconds")


def _event(push: Push) -> bytes:
    name = DEFAULT_NAME if push.name is UNSET else push.name
    data = {"content": push.content} if push.content is not UNSET else None if push.data is UNSET else push.data
    try:
        raw = frames.encode(frames.SiteEvent(name=name, data=data))
        frames.refuse_nan(data, raw)
        return raw
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadText(f"The data cannot be written as JSON: {error}.") from None


def _notice(push: Push, frame: bytes) -> Notice:
    if push.people is not None:
        return ToPeople(push.people, frame)
    return ToAll(frame) if push.all else ToRoom(room_key(str(push.gid)), frame)


def _portions(uids: tuple[str, ...] | None) -> Iterator[tuple[str, ...]]:
    """A room is one portion without names."""
    if uids is None:
        yield ()
        return
    for start in range(0, len(uids), _TOGETHER):
        yield uids[start : start + _TOGETHER]


def _places(connection: Connection, push: Push, sender: str, uids: tuple[str, ...]) -> list[Conversation]:
    if push.gid is not UNSET:
        return [_find_room(connection, str(push.gid))]
    return [
        Conversation(rooms.open_private(connection, sender, uid), pair=(min(sender, uid), max(sender, uid)))
        for uid in uids
    ]


def _find_room(connection: Connection, gid: str) -> Conversation:
    room = rooms.find_room(connection, gid)
    if room is None:
        raise access.unknown_room(gid)
    return Conversation(room.id, gid=gid)


def _other(where: Conversation, message: Message) -> str | None:
    """Whom a private message is for; None in a room."""
    if where.pair is None:
        return None
    one, other = where.pair
    return other if message.uid == one else one
