"""What every action works with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..backplane.contract import Backplane
from ..backplane.relay import Relay
from ..core.metrics import Counts, new_counts
from ..settings import Settings
from ..storage.database import Connection, Database
from ..storage.writer import Inline, Offload, Writer
from .mailbox import Mailbox
from .rules import Rules

T = TypeVar("T")


def now_ms() -> int:
    """Milliseconds since the epoch: the time on every message."""
    return time.time_ns() // 1_000_000


@dataclass
class Parts:
    """One app's store, its writer and what its workers share; `offload` says where blocking work runs."""

    settings: Settings
    database: Database
    backplane: Backplane
    offload: Offload = field(default_factory=Inline)
    clock: Callable[[], int] = now_ms
    relay: Relay | None = None  # to the chat worker, for processes that are not it
    rules: Rules = field(default_factory=Rules)
    counts: Counts = field(default_factory=new_counts)  # of this process, for its metrics

    def __post_init__(self) -> None:
        self.writer = Writer(self.database, self.offload, self.counts)
        self.backplane = self.mailbox = Mailbox(self.backplane, self)

    def read(self, query: Callable[[Connection], T]) -> T:
        """A query in the offload: only the caller waits."""
        return self.offload.call(lambda: self.database.read(query))
