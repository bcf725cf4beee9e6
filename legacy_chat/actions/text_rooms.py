"""The plain-text rooms: what somebody says is checked and told, and nothing is stored."""

from __future__ import annotations

from ..backplane.contract import ToText
from ..core.text import check_line, is_gid
from ..errors import NotFound
from .parts import Parts

_OFF = "The plain-text rooms are off. The site switches them on with CHAT_TEXT_ROOMS (1, or a list of rooms)."
_UNKNOWN = "There is no plain-text room of this name. The site lists them in CHAT_TEXT_ROOMS."
_UNFIT = "A plain-text room's name is 1 to 64 letters, digits or _ . : @ + - characters."


def check_text_room(rooms: tuple[str, ...], name: str) -> None:
    """Whether there is this room; `rooms` is CHAT_TEXT_ROOMS. Raises `NotFound`."""
    if not rooms:
        raise NotFound(_OFF)
    if not is_gid(name):
        raise NotFound(_UNFIT)
    if name not in rooms and "*" not in rooms:
        raise NotFound(_UNKNOWN)


class TextRooms:
    def __init__(self, parts: Parts):
        self._parts = parts

    def say(self, room: str, client_id: int, content: str) -> None:
        """Tell everybody in the room, in one line. Raises `TooLong` or `BadText`."""
        s = self._parts.settings
        line = f"from{client_id}:{check_line(content, s.text_chars)}\n"
        self._parts.backplane.publish(ToText(room, line.encode(), None if s.text_echo else client_id))
