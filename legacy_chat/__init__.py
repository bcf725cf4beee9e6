"""Chat for the Flask site you already have."""

from .actions.current import current, disconnect, emit, join_room, leave_room, rooms, send
from .core.model import Member
from .errors import ChatError, Refused, SettingsError
from .extension import Chat
from .site import create_app

__all__ = [
    "Chat",
    "ChatError",
    "Member",
    "Refused",
    "SettingsError",
    "create_app",
    "current",
    "disconnect",
    "emit",
    "join_room",
    "leave_room",
    "rooms",
    "send",
]
