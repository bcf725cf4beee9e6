"""The site's own tasks in this worker: `every`, `after` and `spawn`, each call with a context of the app of its own.

    waiting ──its time──▶ running ──▶ over          an `every` waits again, and never runs twice at a time
       └─── cancelled, or the worker ends ──▲

A call that fails is logged. When the worker ends nothing begins any more, and what runs has a moment to come to its
end before `GreenletExit` is raised in it.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from typing import Any

import gevent
from gevent import monkey

from ..actions.parts import Parts
from ..actions.tasks import Task
from ..actions.turns import Turns
from ..core.rhythm import Rhythm
from ..errors import ChatError, Unavailable
from .rota import Place, Rota

log = logging.getLogger(__name__)

# Seconds until an `every` looks at the clock again, which may have been set; and after its store did not answer.
_LONGEST = 30.0
_AGAIN = 1.0

# Seconds for tasks to come to their end after `GreenletExit`, and for the store to hear that their turns are over.
_EXIT = 0.3

_thread_id = monkey.get_original("_thread", "get_native_id")


class Timers:
    """One for each app and worker, made in the loop's thread. `scope` names the app among those of its store."""

    def __init__(self, parts: Parts, scope: str, context: Callable[[], AbstractContextManager[Any]] = nullcontext):
        self._parts = parts
        self._context = context
        self._rota = Rota(Turns(parts, scope), parts.clock)
        self._tasks: dict[Task, gevent.Greenlet | None] = {}
        self._places: dict[Task, Place] = {}
        self._running: set[gevent.Greenlet] = set()
        self._stopped = False
        self._hub = gevent.get_hub()
        self._thread = _thread_id()

    def __len__(self) -> int:
        """Tasks that wait or run."""
        return len(self._tasks)

    @property
    def busy(self) -> bool:
        """A function of the site runs, or is about to."""
        return bool(self._running) or any(task.kind == "spawn" for task in self._tasks)

    def begin(self, tasks: list[Task]) -> None:
        """The worker runs: what was declared before."""
        for task in tasks:
            try:
                self.start(task)
            except ChatError as error:
                log.error("%r does not run: %s", task, error.message)

    def start(self, task: Task) -> None:
        """Let it wait and run; from any thread. Raises `Unavailable` where CHAT_TASKS are waiting or running.

        While the worker ends, only what is to run at once still does.
        """
        limit = self._parts.settings.tasks
        if self._stopped and task.kind != "spawn":
            return
        if len(self._tasks) >= limit:
            raise Unavailable(f"{limit} tasks wait or run already: let some end, or raise CHAT_TASKS.", retry_after=1.0)
        self._tasks[task] = None
        task.on_cancel.append(lambda: self._in_loop(self._drop, task))
        self._in_loop(self._spawn, task)

    def _in_loop(self, call: Callable[[Task], None], task: Task) -> None:
        if _thread_id() == self._thread:
            call(task)
        else:
            self._hub.loop.run_callback_threadsafe(call, task)

    def _spawn(self, task: Task) -> None:
        if task.kind == "after":
            self._hub.loop.update_now()  # else it would count from where this turn of the loop began, and be early
            self._tasks[task] = gevent.spawn_later(task.ms / 1000, self._once, task)
        else:
            self._tasks[task] = gevent.spawn(self._repeat if task.kind == "every" else self._once, task)

    def _drop(self, task: Task) -> None:
        """It was cancelled: only what runs now goes on."""
        greenlet = self._tasks.get(task)
        if task in self._places:
            self._places[task].bell.set()
        elif greenlet is not None and greenlet not in self._running:
            self._tasks.pop(task, None)
            greenlet.kill(block=False)

    # -- running ------------------------------------------------------------------------------------------------

    def _once(self, task: Task) -> None:
        try:
            if not task.cancelled and (task.kind == "spawn" or not self._stopped):
                self._call(task)
        finally:
            self._tasks.pop(task, None)

    def _call(self, task: Task) -> None:
        """In context variables of its own, so that nothing a call sets is there for the next one."""
        greenlet = gevent.getcurrent()
        self._running.add(greenlet)
        try:
            Context().run(self._in_context, task)
        except (Exception, SystemExit, gevent.Timeout):
            log.exception("%r failed", task)
        finally:
            self._running.discard(greenlet)

    def _in_context(self, task: Task) -> None:
        with self._context():
            task.call()

    def _repeat(self, task: Task) -> None:
        place = self._places[task] = self._place(task)
        try:
            while not (self._stopped or task.cancelled):
                self._round(task, place)
        finally:
            self._rota.leave(place)
            del self._places[task]
            self._tasks.pop(task, None)

    def _place(self, task: Task) -> Place:
        rhythm = Rhythm(task.ms, self._parts.clock())
        # Two lambdas of one module are two timers.
        taken = {place.name for place in self._places.values()}
        names = (f"{task.name} {task.ms} {number}" for number in itertools.count(1))
        name = next(name for name in names if name not in taken)
        return Place(name, rhythm) if task.each_worker else self._rota.enter(name, rhythm)

    def _round(self, task: Task, place: Place) -> None:
        """Run the round that is due, or wait for the next."""
        rhythm, now = place.rhythm, self._parts.clock()
        ours = task.each_worker or self._rota.has(place)
        number = rhythm.due(now) if ours else None
        seconds = min(rhythm.wait(now) / 1000, _LONGEST) if ours else _LONGEST
        if number is not None:
            seconds = self._run(task, place, number)
        if seconds and place.bell.wait(seconds):
            place.bell.clear()

    def _run(self, task: Task, place: Place, number: int) -> float:
        """Seconds to wait before another look."""
        try:
            if not task.each_worker and not self._rota.begin(place, number):
                return _AGAIN
        except ChatError:  # the store does not answer, as its log says
            return _AGAIN
        place.rhythm.last = number
        self._call(task)
        gevent.sleep(0)  # also where it is due again already
        return 0.0

    # -- the end --------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Nothing begins any more; what runs goes on."""
        self._stopped = True
        for place in self._places.values():
            place.bell.set()

    def end(self) -> None:
        """End what still runs, and give back the turns. May take a moment."""
        self.stop()
        running = list(self._running)
        if running:
            log.warning("%d tasks of the site did not end in time: GreenletExit", len(running))
        waiting = [greenlet for greenlet in self._tasks.values() if greenlet is not None]
        gevent.killall(waiting, timeout=_EXIT)
        self._tasks.clear()
        with gevent.Timeout(_EXIT, False):
            while self._parts.writer.busy:
                gevent.sleep(0.005)
