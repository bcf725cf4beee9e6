"""The end of a login: whatever the person has open is closed at once."""

from __future__ import annotations

from ..backplane.contract import Disconnect
from ..core import close
from .parts import Parts


def end(parts: Parts, uid: str | int, device: str | None = None, by: str = "the site") -> None:
    """Close the sockets and polls of `uid`, those of one `device` where given; `by` is for the log."""
    parts.backplane.publish(Disconnect(str(uid), close.SESSION_ENDED, "logged out", device, by))
