"""What a process uses, against what it did."""

from __future__ import annotations

import gc
import os
import re
import resource
from pathlib import Path
from time import process_time

import pytest

from legacy_chat.core.metrics import COLLECTIONS, CPU, DESCRIPTORS, MEMORY, MOST_DESCRIPTORS, new_counts
from legacy_chat.storage import process
from legacy_chat.storage.process import Usage


@pytest.fixture
def always(monkeypatch):
    monkeypatch.setattr(process, "_PAUSE", 0.0)


def resident() -> int:
    """What the kernel says in words, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1]) * 1024


def test_memory_descriptors_and_time_are_those_of_this_process(always):
    counts, usage = new_counts(), Usage()
    with open(os.devnull), open(os.devnull):
        usage.note(counts)
        assert counts[DESCRIPTORS] == pytest.approx(len(os.listdir("/proc/self/fd")), abs=3)
    assert counts[MEMORY] == pytest.approx(resident(), abs=2**22)
    assert counts[CPU] == pytest.approx(process_time(), abs=1)
    assert counts[MOST_DESCRIPTORS] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_only_what_is_new_is_added_as_the_counts_may_be_those_of_a_worker_before(always):
    counts, usage = new_counts(), Usage()
    usage.note(counts)
    counts[CPU] += 1000
    gc.collect()
    before = counts[COLLECTIONS[2]]
    usage.note(counts)
    assert 1000 < counts[CPU] < 1000 + process_time() + 1
    gc.collect()
    usage.note(counts)
    assert counts[COLLECTIONS[2]] >= before + 2


def test_it_looks_now_and_then(monkeypatch):
    counts, usage = new_counts(), Usage()
    usage.note(counts)
    counts[MEMORY] = 7
    usage.note(counts)
    assert counts[MEMORY] == 7


def test_where_there_is_no_proc_the_rest_is_counted(always, monkeypatch):
    def missing():
        raise FileNotFoundError

    monkeypatch.setattr(process, "_resident", missing)
    counts = new_counts()
    Usage().note(counts)
    assert counts[MEMORY] == 0
    assert counts[CPU] > 0
