"""Blocking work in gevent's native threads, so that the loop stays free."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import gevent
from gevent.threadpool import ThreadPool

T = TypeVar("T")


class Threads:
    """One thread for the writer, so that commits follow each other; the loop's own pool for the rest."""

    def __init__(self) -> None:
        self._writer = ThreadPool(1)

    def start(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self._writer.spawn(work).rawlink(lambda result: done(result.value))

    def call(self, work: Callable[[], T]) -> T:
        result, error = gevent.get_hub().threadpool.apply(_outcome, (work,))
        if error is not None:
            raise error
        return cast(T, result)


def _outcome(work: Callable[[], T]) -> tuple[T | None, Exception | None]:
    """The result or the error as a value: gevent prints a traceback for what a native thread raises."""
    try:
        return work(), None
    except Exception as error:
        return None, error
