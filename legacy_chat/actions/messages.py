"""Say something, read what was said, tell how far one has read."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ..backplane.contract import ToPeople, ToRoom
from ..core import frames
from ..core.metrics import MESSAGES
from ..core.model import Conversation, Draft, Member, Message, Room, Submission, private_key
from ..core.text import check_text
from ..errors import BadText, ChatError
from ..storage import messages as stored
from ..storage import rooms as stored_rooms
from ..storage.database import Connection
from .parts import Parts

Done = Callable[[Message | ChatError], None]

# Private conversations whose id is remembered; a lost one costs a query.
_REMEMBERED = 10_000


class Messages:
    def __init__(self, parts: Parts):
        self._parts = parts
        self._private: dict[str, int] = {}

    def ruled(self, where: Conversation) -> bool:
        """Whether the site has rules for what is said there."""
        return self._parts.rules.for_messages(where.gid is not None)

    def permitted(self, said: Submission) -> str:
        """The text as the site's own rules let somebody say it. Raises as `post`, `Forbidden`, or what a rule raised.

        They were asked about a repeat the first time, so it is answered like that.
        """
        rules, content = self._parts.rules, check_text(said.content, self._parts.settings.text_chars)
        if not rules.for_messages(said.gid is not None):
            return content
        said = replace(said, content=content)
        room, repeated = self._parts.read(lambda c: _context(c, said))
        if repeated:
            return said.content
        if room is not None:
            rules.check_post(said.member, room)
        elif said.uid is not None:
            rules.check_message(said.member, said.uid)
        return rules.passed(said)

    def post(
        self,
        where: Conversation,
        author: Member,
        content: str,
        done: Done,
        request_id: str | None = None,
        sender: int | None = None,
    ) -> None:
        """Store a message and tell everybody; `done(message)` comes after the commit. Never blocks.

        `where` was checked by the caller. In a private talk the connection `sender` gets no frame, as its
        answer is the ack. Raises `Empty`, `TooLong` or `BadText`.
        """
        content = check_text(content, self._parts.settings.text_chars)
        draft = Draft(where.id, author.uid, author.name, content, self._parts.clock(), request_id)

        def committed(result: Message | ChatError) -> None:
            if isinstance(result, Message) and not result.repeated:
                self.announce(where, result, sender)
            done(result)

        self._parts.writer.submit(draft, committed)

    def announce(self, where: Conversation, message: Message, sender: int | None = None) -> None:
        """Tell everybody of a message; called after its commit."""
        self._parts.counts[MESSAGES["private" if where.pair else "room"]] += 1
        frame = frames.encode(frames.message_frame(where, message))
        if where.pair:
            self._parts.backplane.publish(ToPeople(where.pair, frame, skip=sender, stored=True))
        else:
            self._parts.backplane.publish(ToRoom(where.key, frame, stored=True))

    def private(self, one: str, other: str) -> Conversation:
        """The private talk of two people, made if it is their first word; may wait for a commit.

        The site owns its users: a uid that never came here is no error, its messages wait for the first login.
        """
        key = private_key(one, other)
        if key not in self._private:
            if not other.isprintable():
                raise BadText("The uid holds characters that cannot be printed.")
            self._remember(key, self._parts.writer.call(lambda c: stored_rooms.open_private(c, one, other)))
        return Conversation(self._private[key], pair=_pair(one, other))

    def find_private(self, one: str, other: str) -> Conversation:
        """The private talk of two people to read; who only looks begins none (its id is 0, which has no messages)."""
        key = private_key(one, other)
        found = self._private.get(key)
        if found is None:
            found = self._parts.read(lambda c: stored_rooms.find_private(c, one, other))
            if found:
                self._remember(key, found)
        return Conversation(found or 0, pair=_pair(one, other))

    def _remember(self, key: str, conversation: int) -> None:
        if len(self._private) >= _REMEMBERED:
            self._private.clear()
        self._private[key] = conversation

    def history(
        self, where: Conversation, before: int | None, after: int | None, limit: int
    ) -> tuple[list[frames.GroupPm | frames.PrivatePm], bool]:
        """A page in ascending order, and whether there is more beyond it."""
        page, more = self._parts.read(lambda c: stored.page(c, where.id, before, after, limit))
        return [frames.message_frame(where, message) for message in page], more

    def mark_read(self, where: Conversation, reader: Member, seq: int, sender: int | None = None) -> None:
        """Move the reader's marker; the reader's other pages hear of it, in a private talk the other person too."""

        def job(connection):
            return stored_rooms.mark_read(connection, where.id, reader.uid, seq)

        def announce(marker: int | None) -> None:
            if marker is not None:
                notice = _notice(frames.ReadNotice, where, reader, seq=marker)
                people = where.pair or (reader.uid,)
                self._parts.backplane.publish(ToPeople(people, frames.encode(notice), skip=sender))

        self._parts.writer.call(job, announce)

    def typing(self, where: Conversation, author: Member, sender: int | None = None) -> None:
        """Tell the others; not stored, and the first thing a slow connection does without.

        Nobody sees a stranger type: where no word was said yet, the first one is what rules decide about.
        """
        if not where.id:
            return
        frame = frames.encode(_notice(frames.TypingNotice, where, author))
        if where.pair:
            others = tuple(uid for uid in where.pair if uid != author.uid)
            self._parts.backplane.publish(ToPeople(others, frame, droppable=True))
        else:
            self._parts.backplane.publish(ToRoom(where.key, frame, droppable=True, skip=sender))


def _context(connection: Connection, said: Submission) -> tuple[Room | None, bool]:
    """The room it is meant for, and whether it was said before."""
    repeated = said.id is not None and stored.is_stored(connection, said.member.uid, said.id)
    return (stored_rooms.find_room(connection, said.gid) if said.gid is not None else None), repeated


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)


def _notice(kind, where: Conversation, who: Member, **fields):
    """A `typing` or `read` frame: `gid` names a room, `to` the other person of a private talk."""
    if where.gid is not None:
        return kind(uid=who.uid, name=who.name, gid=where.gid, **fields)
    one, other = where.pair or (who.uid, who.uid)
    return kind(uid=who.uid, name=who.name, to=other if who.uid == one else one, **fields)
