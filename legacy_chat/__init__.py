"""Chat for the Flask site you already have."""

from .errors import ChatError, SettingsError
from .extension import Chat
from .site import create_app

__all__ = ["Chat", "ChatError", "SettingsError", "create_app"]
