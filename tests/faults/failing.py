"""The stand-alone site with places where it dies and a store that can fall ill: for gunicorn, in tests only.

    FAIL_AT=after_commit:7 gunicorn … tests.faults.failing:app

makes the worker SIGKILL itself at the seventh time it comes by that place. It dies once: the worker that follows finds
the mark that was left in the instance folder.

    before_commit   the rows are written, the transaction is open
    after_commit    committed; the loop does not know of it yet
    before_fanout   the loop knows; nobody was told
    after_fanout    every reader's bytes are in the kernel; the speaker has no ack

FORGETS=5 rolls back every fifth commit of messages and acks them nevertheless: a fault for the checker to find.
A file `illness` in the instance folder makes every transaction fail from then on: `full` (no page more) or `read_only`.
"""

from __future__ import annotations

import gc
import itertools
import os
import signal
from pathlib import Path

from greenlet import greenlet
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from legacy_chat.actions.messages import Messages
from legacy_chat.actions.requests import Requests
from legacy_chat.core import frames
from legacy_chat.core.model import Draft
from legacy_chat.site import create_app
from legacy_chat.storage import writer

PLACES = ("before_commit", "after_commit", "before_fanout", "after_fanout")
_MOST_PAGES = 2**30


class Trap:
    """Dies at the n-th time it is told of its place, once in the life of an instance folder."""

    def __init__(self, given: str, mark: Path):
        self._place, _, number = given.partition(":")
        assert not given or self._place in PLACES, given
        self._left = int(number or 1)
        self._mark = mark

    def at(self, place: str) -> None:
        if place != self._place or self._mark.exists():
            return
        self._left -= 1
        if self._left == 0:
            self._mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def _watch_writer(trap: Trap) -> None:
    run_jobs, commit = writer._run_jobs, writer.Writer._commit

    def holds_messages(jobs: list) -> bool:
        return any(isinstance(job, Draft) for job in jobs)

    def watched_run_jobs(connection: Connection, jobs: list) -> list:
        results = run_jobs(connection, jobs)
        if holds_messages(jobs):
            trap.at("before_commit")
        return results

    def watched_commit(self: writer.Writer, jobs: list) -> list:
        results = commit(self, jobs)
        if holds_messages(jobs):
            trap.at("after_commit")
        return results

    writer._run_jobs, writer.Writer._commit = watched_run_jobs, watched_commit  # type: ignore[method-assign]


def _forget(every: int) -> None:
    run_jobs, count = writer._run_jobs, itertools.count(1)

    def forgetful_run_jobs(connection: Connection, jobs: list) -> list:
        results = run_jobs(connection, jobs)
        if any(isinstance(job, Draft) for job in jobs) and next(count) % every == 0:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN")
        return results

    writer._run_jobs = forgetful_run_jobs


def _watch_announcements(trap: Trap) -> None:
    announce, ack = Messages.announce, Requests._ack

    def watched_announce(self: Messages, *arguments: object) -> None:
        trap.at("before_fanout")
        announce(self, *arguments)

    def watched_ack(self: Requests, client: object, request: frames.Request, **produced: object) -> None:
        if isinstance(request, frames.Group | frames.Pm):
            for channel in _worker().registry.channels.values():
                channel.flush()  # or the end of this turn of the loop would do it
            trap.at("after_fanout")
        ack(self, client, request, **produced)

    Messages.announce, Requests._ack = watched_announce, watched_ack  # type: ignore[method-assign]


def _watch_store(illness: Path) -> None:
    @event.listens_for(Engine, "begin")
    def fall_ill(connection: Connection) -> None:
        what = illness.read_text() if illness.exists() else ""
        connection.exec_driver_sql(f"PRAGMA max_page_count={1 if what == 'full' else _MOST_PAGES}")
        connection.exec_driver_sql(f"PRAGMA query_only={int(what == 'read_only')}")


def _worker():
    return app.extensions["legacy_chat"].worker()


def counts() -> dict[str, int]:
    """What the worker holds on to."""
    worker = _worker()
    return {
        "people": len(worker.registry.people),
        "channels": len(worker.registry.channels),
        "sockets": len(worker.sockets),
        "greenlets": sum(isinstance(item, greenlet) and not item.dead for item in gc.get_objects()),
    }


_folder = Path(os.environ["SITE_INSTANCE"])
_trap = Trap(os.environ.get("FAIL_AT", ""), _folder / "died")
app = create_app()
_watch_writer(_trap)
_watch_announcements(_trap)
_watch_store(_folder / "illness")
if "FORGETS" in os.environ:
    _forget(int(os.environ["FORGETS"]))
app.add_url_rule("/faults/counts", view_func=counts)
