"""Messages that the site stores in somebody's name: the sender was named by a back end and belongs anywhere."""

from __future__ import annotations

import threading

from ..core import access
from ..core.api import NewMessage
from ..core.model import Conversation, Member, Message
from ..core.text import check_name, check_text, check_uid
from ..errors import ChatError
from ..storage import people, rooms
from ..storage.database import Connection
from .messages import Messages
from .parts import Parts


class SiteMessages:
    def __init__(self, parts: Parts):
        self._parts = parts
        self._messages = Messages(parts)

    def to_room(self, gid: str, new: NewMessage, request_id: str | None = None) -> Message:
        """Raises `UnknownRoom`, `Empty`, `TooLong`, `BadText` or `Unavailable`."""

        def job(connection: Connection) -> Conversation:
            room = rooms.find_room(connection, gid)
            if room is None:
                raise access.unknown_room(gid)
            return Conversation(room.id, gid=room.gid)

        sender = self._introduced(new)
        return self._post(self._parts.read(job), sender, new, request_id)

    def to_person(self, uid: str, new: NewMessage, request_id: str | None = None) -> Message:
        """The private talk of the sender and `uid`. Raises `Empty`, `TooLong`, `BadText` or `Unavailable`."""
        check_uid(uid)
        sender = self._introduced(new)
        return self._post(self._messages.private(sender.uid, uid), sender, new, request_id)

    def _introduced(self, new: NewMessage) -> Member:
        """The sender, whose name is kept where it was not known; the text is checked before anything is stored."""
        check_text(new.content, self._parts.settings.text_chars)
        uid = check_uid(str(new.sender.uid))
        check_name(new.sender.shown(None), limit=200)

        def job(connection: Connection) -> Member:
            name = new.sender.shown(people.find_name(connection, uid))
            people.introduce(connection, uid, name)
            return Member(uid, name)

        return self._parts.writer.call(job)

    def _post(self, where: Conversation, sender: Member, new: NewMessage, request_id: str | None) -> Message:
        answers: list[Message | ChatError] = []
        answered = threading.Event()

        def done(result: Message | ChatError) -> None:
            answers.append(result)
            answered.set()

        self._messages.post(where, sender, new.content, done, request_id)
        answered.wait()
        if isinstance(answers[0], ChatError):
            raise answers[0]
        return answers[0]
