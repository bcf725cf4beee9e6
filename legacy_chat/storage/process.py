"""What this process uses: processor time, memory, descriptors, garbage collections. Its calls read /proc."""

from __future__ import annotations

import gc
import os
import resource
from contextlib import suppress
from time import monotonic, process_time

from ..core.metrics import COLLECTIONS, CPU, DESCRIPTORS, MEMORY, MOST_DESCRIPTORS, Counts

_PAUSE = 5.0  # seconds between two looks
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Usage:
    """Of one process, from its start."""

    def __init__(self) -> None:
        self._look_at = 0.0
        self._cpu = 0.0
        self._collections = [0, 0, 0]

    def note(self, counts: Counts) -> None:
        """Bring `counts` up to date, if the last look was long enough ago."""
        if monotonic() < self._look_at:
            return
        self._look_at = monotonic() + _PAUSE
        self._note_time(counts)
        with suppress(OSError):  # there is no /proc
            counts[MEMORY] = _resident()
            counts[DESCRIPTORS] = _descriptors()
        counts[MOST_DESCRIPTORS] = _most_descriptors()

    def _note_time(self, counts: Counts) -> None:
        """What came since the last look: the counts may go on from those of another process."""
        cpu, collections = process_time(), [generation["collections"] for generation in gc.get_stats()]
        counts[CPU] += cpu - self._cpu
        for generation, count in enumerate(collections):
            counts[COLLECTIONS[generation]] += count - self._collections[generation]
        self._cpu, self._collections = cpu, collections


def _most_descriptors() -> float:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float("inf") if soft == resource.RLIM_INFINITY else soft


def _resident() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * _PAGE


def _descriptors() -> int:
    # Newer kernels say it without listing them.
    return os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd"))
