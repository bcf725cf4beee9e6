"""The plain-text rooms of this worker: whatever text one socket sends goes to all in its room, without any JSON.

A room is there as long as somebody is in it. Nothing waits for the store, so what came is carried out at once, in the
hub; the writes are the channel's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..backplane.contract import ToText
from ..core import close
from ..core.model import Conversation, Member
from ..errors import ChatError, RateLimited
from . import framing
from .admitted import Admitted
from .channel import Channel
from .multisend import Multisend
from .transport import Transport
from .websocket import Limits

if TYPE_CHECKING:
    from .worker import Worker


class Text(Admitted):
    __slots__ = ("_apart", "_number", "member", "room")
    transport = "text"

    def __init__(
        self,
        worker: Worker,
        transport: Transport,
        limits: Limits,
        client_id: int,
        member: Member,
        address: str | None,
        room: str,
    ):
        super().__init__(worker, transport, limits, client_id, member, address)
        self.session.opened()
        self.member = member
        self.room = room
        self._apart = False
        self._number = 0  # of the text that came last

    def enter(self) -> None:
        """Hear the welcome, and what is said from now on."""
        if welcome := self._worker.settings.text_welcome:
            self._tell(welcome)
        if self.closing is None:
            self._worker.registry.enter_text(self)

    def received(self, opcode: int, payload: bytes, wait: float) -> None:
        if opcode == framing.BINARY:
            self.close(close.UNSUPPORTED_DATA, "send text frames: plain text in UTF-8")
            return
        self._number += 1
        try:
            if wait:
                raise RateLimited(f"Too many frames: wait {math.ceil(wait)} s.")
            self._say(payload.decode())
        except ChatError as error:
            # It overtakes what waits to be written together, so it has to say itself which text it is about.
            self._tell(f"error:{error.code}:{error.message} (text {self._number})")

    def _say(self, content: str) -> None:
        if not self._worker.settings.text_echo and not self._apart:
            self._apart = True
            self.directed()
        self._worker.text_rooms.say(self.room, self.client_id, content)

    def _tell(self, line: str) -> None:
        """To this one alone."""
        self.write(framing.frame(framing.TEXT, f"{line}\n".encode()))

    @property
    def direct(self) -> bool:
        """Who gets something else than the others, all but the own words, is written to apart from them."""
        return not self._apart and super().direct

    def directed(self) -> None:
        self._worker.registry.texts.replace(self)

    def left(self, code: int) -> None:
        self._worker.registry.remove_text(self)
        super().left(code)


class TextChannels:
    """The rooms that somebody is in, by name."""

    def __init__(self, sender: Multisend):
        self._sender = sender
        self._channels: dict[str, Channel[Text]] = {}

    def __len__(self) -> int:
        return len(self._channels)

    def enter(self, text: Text) -> None:
        if text.room not in self._channels:
            self._channels[text.room] = Channel(Conversation(0, gid=text.room), self._sender)
        self._channels[text.room].enter(text)

    def leave(self, text: Text) -> None:
        channel = self._channels.get(text.room)
        if channel is not None:
            channel.leave(text)
            if not len(channel):
                del self._channels[text.room]

    def replace(self, text: Text) -> None:
        """The socket is full, or free again, or written to apart from now on."""
        channel = self._channels.get(text.room)
        if channel is not None:
            channel.replace(text)

    def receive(self, notice: ToText) -> None:
        channel = self._channels.get(notice.room)
        if channel is not None:
            channel.send(framing.frame(framing.TEXT, notice.line), notice.skip)
