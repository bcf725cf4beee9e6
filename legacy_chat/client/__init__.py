"""A client for bots, back ends and tests: say something, and hear everything once and in order, over reconnects.

with Client("https://shop.example/chat", token=token) as chat:
    chat.group("lobby", "hello")
    for event in chat:
        ...
"""

from .client import Client
from .errors import ClientError, Closed, NotConnected, NotSent, Refused

__all__ = ["Client", "ClientError", "Closed", "NotConnected", "NotSent", "Refused"]
