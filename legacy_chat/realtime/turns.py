"""Long work in pieces, so that everybody else has their turns meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import monotonic
from typing import TypeVar

import gevent

T = TypeVar("T")

# Seconds of work after which others get the loop. By the clock, not by counting: how long a write takes depends on the
# machine and on who else wants the interpreter.
SLICE = 0.002


def in_turns(items: Iterable[T]) -> Iterator[T]:
    """Each of the items as they are now, in a greenlet that lets others run now and then."""
    ends = monotonic() + SLICE
    for item in list(items):
        yield item
        if monotonic() >= ends:
            gevent.sleep(0)
            ends = monotonic() + SLICE
