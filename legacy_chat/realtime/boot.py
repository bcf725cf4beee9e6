"""What runs from the start of a worker process, not from its first socket, and what it does again and again."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

import gevent

log = logging.getLogger(__name__)

_boots: list[Callable[[], object]] = []
_booted = 0  # the process that did
_slots: int | None = None

# Seconds until a duty that failed is tried again.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


def at_boot(boot: Callable[[], object]) -> None:
    """Call `boot` once in each worker process when its server starts.

    With `preload_app` that is another process than the one in which the app is built.
    """
    _boots.append(boot)


def run(slots: int | None = None) -> None:
    """A server starts in this process; nothing happens at its second address.

    It has `slots` for requests; None where there is no limit.
    """
    global _booted, _slots
    if _booted == os.getpid():
        return
    _booted, _slots = os.getpid(), slots
    for boot in _boots:
        try:
            boot()
        except Exception:
            log.exception("a part of the chat worker did not start")


def slots() -> int | None:
    """How many requests this process carries out at a time."""
    return _slots


def keep(duty: Callable[[], float], over: Callable[[], bool], what: str) -> None:
    """Do a duty again and again in a greenlet, until it is `over`; it answers in how many seconds it is due again.

    One that fails is tried again, first soon, then once a minute.
    """
    gevent.spawn(_keep, duty, over, what)


def _keep(duty: Callable[[], float], over: Callable[[], bool], what: str) -> None:
    pause = _FIRST_PAUSE
    while not over():
        try:
            seconds = duty()
            pause = _FIRST_PAUSE
        except Exception as error:
            seconds, pause = pause, min(pause * 2, _LONGEST_PAUSE)
            _tell(error, what, seconds)
        gevent.sleep(seconds)


def _tell(error: Exception, what: str, seconds: float) -> None:
    log.error("%s failed, again in %.0f s: %s: %s", what, seconds, type(error).__name__, str(error).partition("\n")[0])
