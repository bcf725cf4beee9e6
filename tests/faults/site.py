"""The real server, and what is done to it: killed, its store locked, full or read-only."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from live.raw import eventually
from live.server import Server

from .checker import Entry, read_history

# The faults are to be met by the chat itself, not by its limits for strangers.
OPEN = {"max_per_user": "0", "max_per_address": "0", "rate": "0"}


class Site(Server):
    @property
    def chat(self) -> str:
        return f"{self.url}{self.prefix}"

    @property
    def file(self) -> Path:
        return self.folder / "chat.sqlite"

    def history(self) -> dict[str, list[Entry]]:
        return read_history(self.file)

    def at_rest(self) -> int:
        """Sockets of the worker, once their number stays the same: the last look of `start` may still be there."""
        readings: list[int] = []

        def steady() -> bool:
            readings.append(self.sockets())
            return len(readings) >= 10 and len(set(readings[-10:])) == 1

        eventually(steady, what="a steady number of sockets")
        return readings[-1]

    # -- its process ------------------------------------------------------------------------------------------

    def worker(self) -> int:
        """The pid of the one worker, once there is one."""
        eventually(lambda: len(self.workers()) == 1, what="one worker")
        return self.workers()[0]

    def kill_worker(self) -> None:
        """SIGKILL; gunicorn's master starts the next one by itself."""
        os.kill(self.worker(), signal.SIGKILL)

    # -- its store --------------------------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Another process (this one) is writing and does not come to an end."""
        connection = sqlite3.connect(self.file, isolation_level=None, timeout=10)
        try:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("ROLLBACK")
        finally:
            connection.close()

    @contextmanager
    def no_more_bytes(self) -> Iterator[None]:
        """The disk takes nothing beyond what the write-ahead log has: writes to it fail with an I/O error."""
        size = os.path.getsize(f"{self.file}-wal")
        assert size > os.path.getsize(self.folder / "log") + 8192  # the log shares the limit, and shall not fail
        _, most = resource.prlimit(self.worker(), resource.RLIMIT_FSIZE)
        resource.prlimit(self.worker(), resource.RLIMIT_FSIZE, (size, most))
        try:
            yield
        finally:
            resource.prlimit(self.worker(), resource.RLIMIT_FSIZE, (most, most))


class FailingSite(Site):
    """With fail points (`env={"FAIL_AT": "after_commit:7"}`) and illnesses of the store."""

    app = "tests.faults.failing:app"

    @property
    def died(self) -> bool:
        return (self.folder / "died").exists()

    @contextmanager
    def ill(self, illness: str) -> Iterator[None]:
        """`full` or `read_only`."""
        mark = self.folder / "illness"
        mark.write_text(illness)
        try:
            yield
        finally:
            mark.unlink()

    def counts(self) -> dict[str, int]:
        return json.loads(self.browser().open("/faults/counts")[1])
