"""The site's tasks in a real worker: over reloads, kills and several workers, and how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from .raw import eventually
from .server import ROOT, Server

HERE = Path(__file__).parent
TICK = 100


class Note(NamedTuple):
    what: str
    worker: int
    at: int


class Site(Server):
    app = "hosts.timers:app"

    def __init__(self, folder: Path, *options: str, **settings):
        super().__init__(folder, "--chdir", str(HERE), *options, **settings)

    def notes(self, what: str = "") -> list[Note]:
        path = self.folder / "notes"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        notes = [Note(what, int(worker), int(at)) for what, worker, at in (line.rsplit(" ", 2) for line in lines)]
        return [note for note in notes if note.what.startswith(what)]

    def post(self, path: str) -> str:
        with urllib.request.urlopen(urllib.request.Request(self.url + path, b""), timeout=20) as answer:
            return answer.read().decode()

    def other(self, *arguments: str) -> subprocess.CompletedProcess:
        """A process of the site that is no worker."""
        env = {**self._env, "PYTHONPATH": f"{HERE}:{ROOT}"}
        command = [self.python, *arguments]
        return subprocess.run(command, cwd=HERE, env=env, capture_output=True, text=True, timeout=60)


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Site]:
    site = Site(folder, *options, rate="0").start()
    yield site
    site.stop()
    log = site.log()
    assert log.count("Traceback") == log.count("KeyError: 'no broom'"), log


@pytest.fixture(scope="module")
def quiet_site(tmp_path_factory):
    """One for the tests that end no worker."""
    with serving(tmp_path_factory.mktemp("timers")) as site:
        yield site


@pytest.fixture
def site(tmp_path):
    with serving(tmp_path) as site:
        yield site


@pytest.fixture
def two_workers(tmp_path):
    with serving(tmp_path, "--workers", "2") as site:
        yield site


def rounds(notes: list[Note]) -> list[int]:
    return [note.at // TICK for note in notes]


def longest_pause(notes: list[Note]) -> int:
    times = sorted(note.at for note in notes)
    return max(later - earlier for earlier, later in pairwise(times))


def come_and_go(site: Site, count: int = 3) -> None:
    """So many more ticks."""
    before = len(site.notes("tick"))
    eventually(lambda: len(site.notes("tick")) >= before + count, what="ticks")


# -- what runs -----------------------------------------------------------------------------------------------------


def test_tasks_run_from_wherever_they_were_asked_for(quiet_site, come):
    for path in ("/after/50/soon", "/cancelled", "/thread", "/every/50"):
        quiet_site.post(path)
    ada = come(quiet_site, "1", "ada")
    assert ada.ask(type="event", name="later")["type"] == "ack"
    expected = {
        "after import", "spawned at import", "soon", "soon and then", "1 asked", "from a thread", "from a view",
        "orders=0-in-timers", "everywhere",
    }  # fmt: skip
    eventually(lambda: expected <= {note.what for note in quiet_site.notes()}, what="all of them")
    for once in ("after import", "spawned at import", "from a thread", "1 asked", "soon and then"):
        assert len(quiet_site.notes(once)) == 1
    asked, done = quiet_site.notes("asked at import")[0], quiet_site.notes("after import")[0]
    assert done.at - asked.at >= 299  # both in whole milliseconds
    assert quiet_site.notes("cancelled") == []
    eventually(lambda: quiet_site.log().count("KeyError: 'no broom'") >= 3, what="a timer that fails and goes on")
    assert "<every 150 ms: hosts.timers.fails> failed" in quiet_site.log()


def test_a_timer_keeps_its_rhythm(quiet_site):
    come_and_go(quiet_site, 20)
    ticks = quiet_site.notes("tick")
    assert len(set(rounds(ticks))) == len(ticks)
    late = sorted(note.at % TICK for note in ticks)
    assert late[len(late) // 2] < 25, late


def test_in_a_process_that_is_no_worker_it_is_an_error_that_says_so(quiet_site):
    """But not what stands in the site's modules, which every process imports."""
    lines = "from hosts.timers import *\nprint('imported')\nwith app.app_context(): chat.spawn(note, 'never')"
    done = quiet_site.other("-c", lines)
    assert (done.returncode, done.stdout) == (1, "imported\n")
    assert "This process is no chat worker" in done.stderr
    assert quiet_site.notes("never") == []


# -- one worker at a time ----------------------------------------------------------------------------------------------


def test_over_reloads_no_round_comes_twice_and_none_is_long_in_coming(site):
    came = []
    for _ in range(2):
        come_and_go(site)
        [old] = site.workers()
        began = time.monotonic()
        site.process.send_signal(signal.SIGHUP)
        eventually(lambda old=old: any(n.worker != old for n in site.notes("everywhere")[-1:]), what="the next worker")
        came.append((time.monotonic() - began) * 1000)
        come_and_go(site)
        eventually(lambda old=old: old not in site.workers() and len(site.workers()) == 1, what="the old one's end")
    ticks = site.notes("tick")
    assert len({note.worker for note in ticks}) == 3
    assert len(set(rounds(ticks))) == len(ticks)
    workers = [note.worker for note in ticks]
    assert [w for w, before in zip(workers, [0, *workers], strict=False) if w != before] == list(dict.fromkeys(workers))
    assert longest_pause(ticks) <= 2 * TICK + max(came)


def test_of_two_workers_one_runs_it_and_when_that_one_is_killed_the_other(two_workers):
    site = two_workers
    eventually(lambda: len({note.worker for note in site.notes("everywhere")}) == 2, what="both workers")
    come_and_go(site, 5)
    [killed] = {note.worker for note in site.notes("tick")}
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: site.notes("tick")[-1].worker != killed, timeout=15, what="the other worker's turn")
    come_and_go(site)
    ticks = site.notes("tick")
    assert len(set(rounds(ticks))) == len(ticks)
    assert longest_pause(ticks) < 9000


# -- the end ---------------------------------------------------------------------------------------------------------


def test_what_runs_at_the_end_has_a_moment_and_what_does_not_end_is_ended(site):
    for path in ("/long/moment", "/long/endless", "/after/60000/never"):
        site.post(path)
    eventually(lambda: site.notes("endless began") != [])
    assert site.stop() < 3
    assert len(site.notes("moment ended")) == 1
    assert len(site.notes("endless ended")) == 1
    assert site.notes("never") == []
    assert "1 tasks of the site did not end in time" in site.log()
