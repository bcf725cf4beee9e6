"""Group commit: one transaction for all that waits, in the order in which it came.

`submit` never blocks. While a batch is being committed the next one gathers; when nothing waits, nothing is
delayed. Jobs are drafts of messages, stored together by `messages.append`, or functions of a connection, each
under a savepoint of its own so that one that fails takes no other along.

Every `done` is called after the commit, in the order of the jobs over all batches, back in the thread that submits
(`Offload.start` sees to that). So a caller that changes its state in `done` sees exactly what was committed before its
job, and nothing that came after. The next batch is being committed while the answers of the last are given.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from ..core.metrics import COMMIT_FAILURES, COMMIT_JOBS, COMMIT_SECONDS, Counts, new_counts
from ..core.model import Draft
from ..errors import ChatError, Internal, Unavailable
from . import messages, probe
from .database import Database

log = logging.getLogger(__name__)

T = TypeVar("T")
Job = Draft | Callable[[Connection], Any]
Done = Callable[[Any], None]

# The most jobs in one transaction: bounds how long the last of them waits for the first.
_BATCH = 1000


class Offload(Protocol):
    """Where blocking work runs."""

    def start(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run `work` elsewhere, one call at a time, then `done(result)` back here. `work` does not raise."""

    def call(self, work: Callable[[], T]) -> T:
        """Run `work` elsewhere while only the caller waits."""

    def repeat(self, step: Callable[[], bool]) -> None:
        """Call `step` here until it returns False; when that takes long, others get their turns in between."""


class Inline:
    """No elsewhere: for processes without an event loop, such as the command line and threaded workers."""

    def start(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        done(work())

    def call(self, work: Callable[[], T]) -> T:
        return work()

    def repeat(self, step: Callable[[], bool]) -> None:
        while step():
            pass


class Writer:
    def __init__(self, database: Database, offload: Offload, counts: Counts | None = None):
        self._counts = new_counts() if counts is None else counts
        self._database = database
        self._offload = offload
        self._waiting: list[tuple[Job, Done]] = []
        self._answers: deque[tuple[Done, Any]] = deque()
        self._answering = False
        self._lock = threading.Lock()
        self._busy = False
        self._failures = 0
        self._mended = 0  # so many of them were before a probe that was written

    @property
    def failing(self) -> bool:
        """A commit failed, and no `probe` was written since: others may succeed that write nothing."""
        return self._failures != self._mended

    def probe(self) -> None:
        """Write something tiny as everything is written. Raises `Unavailable`."""
        failures = self._failures
        self.call(probe.write)
        self._mended = failures

    @property
    def busy(self) -> bool:
        """Something waits for its commit or its answer."""
        return self._busy or self._answering

    @property
    def waiting(self) -> int:
        """Jobs that wait for the next transaction."""
        return len(self._waiting)

    def submit(self, job: Job, done: Done) -> None:
        """Commit `job` with the next batch, then `done(result)`; a failure arrives there as a `ChatError`."""
        with self._lock:
            self._waiting.append((job, done))
            if self._busy:
                return
            self._busy = True
        self._next()

    def call(self, job: Callable[[Connection], T], committed: Callable[[T], None] | None = None) -> T:
        """`submit`, and wait for the result. Raises what the job raised.

        `committed(result)` runs right after the commit, before anything that was submitted later is announced.
        """
        answers: list[Any] = []
        answered = threading.Event()

        def done(result: Any) -> None:
            answers.append(result)
            try:
                if committed and not isinstance(result, ChatError):
                    committed(result)
            finally:
                answered.set()

        self.submit(job, done)
        answered.wait()
        if isinstance(answers[0], ChatError):
            raise answers[0]
        return answers[0]

    def _next(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            self._busy = bool(batch)
        if batch:
            self._offload.start(
                lambda: self._commit([job for job, _ in batch]), lambda results: self._finish(batch, results)
            )

    def _finish(self, batch: list[tuple[Job, Done]], results: list[Any]) -> None:
        with self._lock:
            self._answers.extend((done, result) for (_, done), result in zip(batch, results, strict=True))
            idle, self._answering = not self._answering, True
        self._next()
        if idle:
            self._offload.repeat(self._answer)

    def _answer(self) -> bool:
        """Give the first answer that waits; whether there is another."""
        done, result = self._answers.popleft()
        try:
            done(result)
        except Exception:
            log.exception("the answer to a stored request failed")
        with self._lock:
            self._answering = bool(self._answers)
            return self._answering

    def _commit(self, jobs: list[Job]) -> list[Any]:
        """The results of all jobs, committed; or the same error for all, and nothing is stored."""
        began = monotonic()
        try:
            results = self._database.run(lambda connection: _run_jobs(connection, jobs))
            COMMIT_SECONDS.observe(self._counts, monotonic() - began)
            COMMIT_JOBS.observe(self._counts, len(jobs))
            return results
        except SQLAlchemyError as error:
            self._note_failure()
            log.error("commit failed: %s", _in_short(error), extra={"jobs": len(jobs)})
            return [Unavailable("The message store does not answer; nothing was stored.", retry_after=1.0)] * len(jobs)
        except Exception:
            self._note_failure()
            log.exception("commit failed")
            return [Internal("Something went wrong here; nothing was stored.")] * len(jobs)

    def _note_failure(self) -> None:
        self._failures += 1
        self._counts[COMMIT_FAILURES] += 1


def _in_short(error: SQLAlchemyError) -> str:
    """The database's own first line: those after it may show what was to be stored."""
    return str(getattr(error, "orig", None) or type(error).__name__).partition("\n")[0]


def _run_jobs(connection: Connection, jobs: list[Job]) -> list[Any]:
    results: list[Any] = []
    drafts: list[Draft] = []
    for job in jobs:
        if isinstance(job, Draft):
            drafts.append(job)
            continue
        results += _append(connection, drafts)
        drafts = []
        results.append(_run_function(connection, job))
    return results + _append(connection, drafts)


def _append(connection: Connection, drafts: list[Draft]) -> list[Any]:
    return list(messages.append(connection, drafts)) if drafts else []


def _run_function(connection: Connection, job: Callable[[Connection], Any]) -> Any:
    savepoint = connection.begin_nested()
    try:
        result = job(connection)
    except ChatError as error:
        savepoint.rollback()
        return error
    except (OperationalError, InterfaceError):  # the store itself is ill, not this job
        savepoint.rollback()
        raise
    except Exception:
        savepoint.rollback()
        log.exception("a job of the message store failed")
        return Internal("Something went wrong here; nothing was stored.")
    savepoint.commit()
    return result
