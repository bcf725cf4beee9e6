"""What a client is told first."""

from __future__ import annotations

from ..core import frames
from ..settings import Settings


def hello(client_id: int, settings: Settings) -> frames.Hello:
    s = settings
    limits = frames.Limits(s.max_message_bytes, s.text_chars, (s.rate.per_second, s.rate.burst))
    welcome = {"welcome": s.welcome} if s.welcome else {}
    return frames.Hello(client_id, frames.VERSION, limits, s.ping_seconds, **welcome)
