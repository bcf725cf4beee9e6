"""What the workers of a host counted, together: each keeps its counts in a file of its own, and whoever asks adds up.

A worker holds the lock of its file as long as it lives, so that everybody sees at once who is gone, however it ended.
The next worker that starts takes over such a file and counts on from there: totals never fall, and there are never
more files than there were workers at one time.

A file is a line with the names of the series and then one number for each, between two equal numbers that tell a
reader that it was not just being written. Its calls block for a moment, as files do.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import struct
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..core import metrics
from ..core.metrics import SERIES, Counts
from .process import Usage

log = logging.getLogger(__name__)

_HEAD = json.dumps(SERIES).encode() + b"\n"

# Looks at a file until one falls between two writes.
_LOOKS = 100


class Ledger:
    """The counts of this process, and of all. Where the folder cannot be written to, all is this process."""

    def __init__(self, folder: Path, counts: Counts):
        self._folder = folder
        self._counts = counts
        self._usage = Usage()
        self._file: int | None = None
        self._written: Counts = []
        self._writes = 0
        self._stale = False
        self._free = [True]  # whoever takes it out, which is one step for threads of any kind, writes
        self._failed = False

    def write(self) -> None:
        """Put down what was counted so far. A thread that finds another at it leaves it to that one."""
        self._stale = True
        while self._stale and self._begin():
            self._stale = False
            try:
                self._write()
            finally:
                self._free.append(True)

    def _begin(self) -> bool:
        try:
            return self._free.pop()
        except IndexError:
            return False

    def _write(self) -> None:
        self._usage.note(self._counts)
        if self._counts == self._written and not self._failed:
            return
        try:
            file = self._open()
            self._written = list(self._counts)
            self._writes += 1
            _put(file, self._writes, self._written)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.warning("the metrics are those of one worker, as %s cannot be written: %s", self._folder, error)
            self._failed = True

    def total(self) -> tuple[Counts, int]:
        """The sum over all workers of this host, and how many they are."""
        self.write()
        if self._failed:
            return list(self._counts), 1
        total = metrics.new_counts()
        with self._alone():
            pages = [_read(path) for path in self._files()]
            if self._file is None:  # another thread is about to make it
                pages.append(_Page(list(SERIES), list(self._counts), True))
        for page in pages:
            metrics.merge(total, page.names, page.values, page.alive)
        return total, sum(page.alive for page in pages)

    # -- files ------------------------------------------------------------------------------------------------

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.counts"))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time adds up, or takes a file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with open(self._folder / "lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _open(self) -> int:
        """The file of this process. It is another one where somebody threw the first away."""
        if self._file is None or os.fstat(self._file).st_nlink == 0:
            with self._alone():
                self._file = _make(self._claim(), self._counts)
            weakref.finalize(self, _end, os.getpid(), self._file, self._counts)
        return self._file

    def _claim(self) -> Path:
        """A file for this process: one that nobody holds any more, with what was counted in it, or a new one."""
        used = self._files()
        for path in used:
            page = _read(path)
            if not page.alive:
                metrics.merge(self._counts, page.names, page.values, alive=False)
                return path
        return self._folder / f"{1 + max((int(path.stem) for path in used), default=0)}.counts"


class _Page(NamedTuple):
    names: list[str]
    values: list[float]
    alive: bool


def _read(path: Path) -> _Page:
    with open(path, "rb", buffering=0) as file:
        alive = not _take(file.fileno())
        try:
            for _ in range(_LOOKS):
                file.seek(0)
                names, first, values, last = _parse(file.read())
                if first == last:
                    break
        except (ValueError, struct.error):  # somebody put something else there
            return _Page([], [], alive)
        return _Page(names, values, alive)


def _parse(raw: bytes) -> tuple[list[str], float, list[float], float]:
    head, _, body = raw.partition(b"\n")
    names = json.loads(head)
    first, *values, last = struct.unpack(f"<{len(names) + 2}d", body)
    return names, first, values, last


def _take(file: int) -> bool:
    """Lock it, unless somebody has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make(path: Path, counts: Counts) -> int:
    """Under another name until it is whole and locked: nobody finds it half made."""
    draft = path.with_suffix(".new")
    file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    _take(file)
    os.write(file, _HEAD)
    _put(file, 0, counts)
    os.rename(draft, path)
    return file


def _put(file: int, number: int, counts: Counts) -> None:
    os.pwrite(file, struct.pack(f"<{len(counts) + 2}d", number, *counts, number), len(_HEAD))


def _end(pid: int, file: int, counts: Counts) -> None:
    """At the end of the process: what was counted last."""
    if pid == os.getpid():  # and not in a child of it
        _put(file, -1, counts)
        os.close(file)
