"""For a host site's own tests: people who chat, time that passes on demand, and what to assert.

pytest finds the fixtures by itself (`chat_people`, `chat_clock`, `chat_server`); see `docs/howto/testing.md`.
"""

from .asserting import assert_delivered, assert_nothing_leaked, assert_online, assert_ordered, wait_for
from .clock import Clock
from .people import People
from .server import Server

__all__ = [
    "Clock", "People", "Server", "assert_delivered", "assert_nothing_leaked", "assert_online", "assert_ordered",
    "wait_for",
]  # fmt: skip
