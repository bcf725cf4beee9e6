"""Whether a client has ended, and the one condition that all of its threads wait on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .errors import Closed


class Life:
    """`changed` guards what the parts of a client share; whoever changes any of it notifies."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.end: Closed | None = None

    def finish(self, end: Closed) -> None:
        """The first end is the one that is told."""
        with self.changed:
            self.end = self.end or end
            self.changed.notify_all()

    def check(self) -> None:
        """Raises `Closed` after the end."""
        if self.end:
            raise Closed(self.end.code, self.end.reason)

    def wait(self, condition: Callable[[], object], seconds: float | None = None) -> bool:
        """Until the condition holds or the end has come (true), or so many seconds have passed."""
        with self.changed:
            return bool(self.changed.wait_for(lambda: self.end or condition(), seconds))

    def rest(self, seconds: float) -> None:
        self.wait(lambda: False, seconds)
