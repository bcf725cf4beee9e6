"""Workers that count together: totals that never fall, whoever comes, goes or is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from legacy_chat.core.metrics import CONNECTIONS, FRAMES_SENT, HANDSHAKES, PEOPLE, new_counts
from legacy_chat.storage import ledger as module
from legacy_chat.storage.ledger import Ledger

ROOT = Path(__file__).parents[2]
HANDSHAKE, OPEN = HANDSHAKES["websocket"], CONNECTIONS["websocket"]

WORKER = """
import os, sys, time
from pathlib import Path
from legacy_chat.core.metrics import *
from legacy_chat.storage.ledger import Ledger
counts = new_counts()
ledger = Ledger(Path(sys.argv[1]), counts)
counts[CONNECTIONS["websocket"]] = 3
counts[HANDSHAKES["websocket"]] += 10
ledger.write()
print("ready", flush=True)
sys.stdin.readline()
counts[HANDSHAKES["websocket"]] += 1
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "chat.metrics"


@pytest.fixture
def worker(folder):
    """Starts a worker: 10 handshakes, 3 connections; one handshake more when it is let end."""
    started: list[subprocess.Popen] = []

    def start() -> subprocess.Popen:
        command = [sys.executable, "-c", WORKER, os.fspath(folder)]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def seen(ledger: Ledger) -> tuple[float, float, int]:
    """Handshakes, connections and workers."""
    counts, workers = ledger.total()
    return counts[HANDSHAKE], counts[OPEN], workers


def test_one_worker_adds_up_what_three_counted(folder, worker):
    counts = new_counts()
    counts[HANDSHAKE] = 5
    worker(), worker()
    assert seen(Ledger(folder, counts)) == (25, 6, 3)


def test_a_killed_workers_connections_are_gone_and_what_it_counted_stays(folder, worker):
    ledger, ben = Ledger(folder, new_counts()), worker()
    assert seen(ledger) == (10, 3, 2)
    ben.send_signal(signal.SIGKILL)
    ben.wait()
    assert seen(ledger) == (10, 0, 1)


def test_what_was_counted_at_the_very_end_is_there(folder, worker):
    ledger, ben = Ledger(folder, new_counts()), worker()
    ben.communicate("end\n")
    assert seen(ledger) == (11, 0, 1)


def test_the_next_worker_counts_on_in_the_file_of_the_one_before(folder, worker):
    ledger = Ledger(folder, new_counts())
    for times in range(1, 4):
        process = worker()
        assert seen(ledger) == (10 * times, 3, 2)
        process.kill()
        process.wait()
    assert len(list(folder.glob("*.counts"))) == 2


def test_who_adds_up_counts_itself_also_while_another_thread_makes_its_file(folder, worker):
    worker().communicate("end\n")
    counts = new_counts()
    counts[HANDSHAKE], counts[OPEN] = 5, 2
    ledger = Ledger(folder, counts)
    assert ledger._begin()  # as the other thread, which has come no further
    assert seen(ledger) == (16, 2, 1)
    ledger._free.append(True)
    assert seen(ledger) == (16, 2, 1)


def test_a_worker_of_another_version_is_understood_by_the_names(folder, worker, monkeypatch):
    """An upgrade: some series are new, some are gone, and all stand elsewhere."""
    process = worker()
    names = ["gone_with_the_upgrade", "handshakes{websocket}", "connections{websocket}"]
    process.kill()
    process.wait()
    [file] = folder.glob("*.counts")
    file.write_bytes(json.dumps(names).encode() + b"\n" + module.struct.pack("<5d", 1, 7.0, 4.0, 2.0, 1))
    ledger = Ledger(folder, new_counts())
    assert seen(ledger) == (4, 0, 1)
    assert "frames_sent" in file.read_bytes().partition(b"\n")[0].decode()


def test_totals_never_fall_while_somebody_writes(folder, worker):
    """Every number is larger than the one before by the same step: a total that mixes two writes would show it."""
    counts, over = new_counts(), threading.Event()
    theirs, ours = Ledger(folder, counts), Ledger(folder, new_counts())

    def work() -> None:
        while not over.is_set():
            counts[HANDSHAKE] += 1
            counts[FRAMES_SENT] += 1
            theirs.write()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        last = 0.0
        for _ in range(300):
            total, _ = ours.total()
            assert total[HANDSHAKE] >= last
            assert abs(total[HANDSHAKE] - total[FRAMES_SENT]) <= 1
            last = total[HANDSHAKE]
    finally:
        over.set()
        thread.join()


def test_threads_of_one_worker_write_one_after_the_other_and_the_last_word_is_there(folder):
    counts = new_counts()
    ledger = Ledger(folder, counts)
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(200):
            counts[HANDSHAKE] += 1
            ledger.write()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [page] = [module._read(path) for path in folder.glob("*.counts")]
    assert dict(zip(page.names, page.values, strict=True))["handshakes{websocket}"] == counts[HANDSHAKE] == 1600


def test_a_folder_that_cannot_be_written_leaves_a_worker_its_own_counts(tmp_path, caplog):
    (tmp_path / "file").touch()
    counts = new_counts()
    counts[HANDSHAKE], counts[PEOPLE] = 4, 2
    ledger = Ledger(tmp_path / "file" / "chat.metrics", counts)
    assert seen(ledger) == (4, 0, 1)
    ledger.write()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_folder_that_is_thrown_away_is_made_again(folder):
    counts = new_counts()
    ledger = Ledger(folder, counts)
    counts[HANDSHAKE] = 1
    assert seen(ledger) == (1, 0, 1)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    counts[HANDSHAKE] = 2
    assert seen(ledger) == (2, 0, 1)


def test_a_file_that_is_none_of_ours_is_passed_over(folder):
    counts = new_counts()
    counts[HANDSHAKE] = 3
    folder.mkdir()
    for number, content in enumerate((b"", b"[1", b'["a"]\n123'), 1):
        (folder / f"{number}.counts").write_bytes(content)
    assert seen(Ledger(folder, counts)) == (3, 0, 1)


def test_nobody_else_may_read_the_files(folder):
    Ledger(folder, new_counts()).write()
    [file] = folder.glob("*.counts")
    assert file.stat().st_mode & 0o077 == 0


def test_a_ledger_that_is_gone_leaves_no_descriptor(folder):
    before = len(os.listdir("/proc/self/fd"))
    Ledger(folder, new_counts()).write()
    assert len(os.listdir("/proc/self/fd")) == before
