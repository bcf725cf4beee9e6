"""Everything that is counted, in one table, and the counts themselves: a flat list of numbers.

Where the work is done, counting is one addition (`counts[FRAMES_RECEIVED] += 1`, 20 ns): no lock, no call, no object
of a library. Names, labels and help are looked at only when somebody asks.

A metric without label has one place in the list; one with a label has a place for each of its values, which are all
known beforehand (never a room or a person); a histogram has one for each bucket and one for the sum.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .. import errors
from . import close

PREFIX = "legacy_chat_"

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"

OTHER = "other"

Counts = list[float]


class Metric(NamedTuple):
    """`first` is its first place; `values` are those of its `label`, `bounds` the upper ends of its buckets."""

    kind: str
    name: str
    unit: str
    help: str
    first: int
    label: str = ""
    values: tuple[object, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        return len(self.values) or (len(self.bounds) + 2 if self.bounds else 1)

    @property
    def public_name(self) -> str:
        """As it is exposed: a counter ends in `_total`."""
        return PREFIX + self.name + ("_total" if self.kind == COUNTER else "")


TABLE: list[Metric] = []


class ByLabel(dict[object, int]):
    """The place of each value. Where OTHER is one of them, all that nobody thought of share it."""

    def __missing__(self, value: object) -> int:
        if OTHER not in self:
            raise KeyError(value)
        return self[OTHER]


class Histogram(NamedTuple):
    first: int
    bounds: tuple[float, ...]

    def observe(self, counts: Counts, value: float) -> None:
        counts[self.first + bisect_left(self.bounds, value)] += 1
        counts[self.first + len(self.bounds) + 1] += value


def _add(kind: str, name: str, unit: str, help: str, **more: object) -> Metric:
    first = TABLE[-1].first + TABLE[-1].size if TABLE else 0
    TABLE.append(Metric(kind, name, unit, help, first, **more))  # type: ignore[arg-type]
    return TABLE[-1]


def _one(kind: str, name: str, unit: str, help: str) -> int:
    return _add(kind, name, unit, help).first


def _by(kind: str, name: str, unit: str, help: str, label: str, values: Iterable[object]) -> ByLabel:
    metric = _add(kind, name, unit, help, label=label, values=tuple(values))
    return ByLabel({value: metric.first + place for place, value in enumerate(metric.values)})


def _histogram(name: str, unit: str, help: str, bounds: tuple[float, ...]) -> Histogram:
    return Histogram(_add(HISTOGRAM, name, unit, help, bounds=bounds).first, bounds)


_TRANSPORTS = ("websocket", "polling", "text")
_CODES: list[object] = [code for name, code in vars(close).items() if name.isupper()] + [OTHER]
_REASONS = (
    *("bad_request", "not_websocket", "unsupported", "origin", "not_logged_in", "bad_token", "bad_cursor"),
    *("forbidden", "not_found", "rate_limited"),
    *("full", "per_user", "per_address", "draining", "unavailable", OTHER),
)
_ERRORS = [*sorted({kind.code for kind in vars(errors).values() if hasattr(kind, "code")}), OTHER]

# -- connections
CONNECTIONS = _by(GAUGE, "connections", "connections", "Open now; polling: polls held", "transport", _TRANSPORTS)
PEOPLE = _one(GAUGE, "people", "people", "People with a connection, once for each worker they are at")
HANDSHAKES = _by(COUNTER, "handshakes", "connections", "Connections that were opened", "transport", _TRANSPORTS)
REFUSALS = _by(COUNTER, "refusals", "requests", "Handshakes and polls that were refused", "reason", _REASONS)
CLOSES = _by(COUNTER, "closes", "connections", "Connections that ended, by close code", "code", _CODES)

# -- frames
FRAMES_RECEIVED = _one(COUNTER, "frames_received", "frames", "From clients, over all transports")
FRAMES_SENT = _one(COUNTER, "frames_sent", "frames", "To clients, over all transports")
FRAMES_DROPPED = _one(COUNTER, "frames_dropped", "frames", "Typing and presence that slow readers did without")
DELIVERIES = _one(COUNTER, "deliveries", "frames", "Messages and events, once for each socket they were handed to")
OUTBOX_BYTES = _one(GAUGE, "outbox_bytes", "bytes", "What waits in memory for slow readers")
SLOW_CONNECTIONS = _one(GAUGE, "slow_connections", "connections", "Connections for which something waits")
ERRORS = _by(COUNTER, "errors", "frames", "Errors that clients were answered, by code", "code", _ERRORS)

# -- polls
POLLS = _by(
    COUNTER, "polls", "requests", "Polls that were answered", "answer", ("news", "empty", "refused")
)  # fmt: skip

# -- messages
MESSAGES = _by(COUNTER, "messages_stored", "messages", "Messages that were committed", "kind", ("room", "private"))
COMMIT_SECONDS = _histogram(
    "commit_seconds", "seconds", "A transaction of the writer, from its begin to its commit",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)  # fmt: skip
COMMIT_JOBS = _histogram(
    "commit_jobs", "jobs", "Jobs (messages, logins and the like) in one transaction",
    (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000),
)  # fmt: skip
COMMIT_FAILURES = _one(COUNTER, "commit_failures", "transactions", "Transactions that failed: nothing was stored")
COMMIT_QUEUE = _one(GAUGE, "commit_queue_jobs", "jobs", "Jobs that wait for the next transaction")

# -- to and from the site
PUSHES = _by(COUNTER, "pushes", "pushes", "Pushes by result", "result", ("ok", "offline", "planned", "fail"))
WEBHOOKS = _by(
    COUNTER, "webhook_deliveries", "tries", "Tries to deliver to a webhook", "outcome", ("taken", "again", "given_up")
)  # fmt: skip

# -- the worker
LOOP_DELAY = _histogram(
    "loop_delay_seconds", "seconds", "How much later than asked for the event loop woke somebody, five times a second",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)  # fmt: skip
CPU = _one(COUNTER, "process_cpu_seconds", "seconds", "Processor time of the workers")
MEMORY = _one(GAUGE, "process_resident_memory_bytes", "bytes", "Memory of the workers")
DESCRIPTORS = _one(GAUGE, "process_open_fds", "descriptors", "Open file descriptors of the workers")
MOST_DESCRIPTORS = _one(GAUGE, "process_max_fds", "descriptors", "Descriptors that the workers may open")
COLLECTIONS = _by(
    COUNTER, "gc_collections", "collections", "Runs of Python's garbage collector", "generation", (0, 1, 2)
)  # fmt: skip

SIZE = TABLE[-1].first + TABLE[-1].size


def new_counts() -> Counts:
    return [0] * SIZE


def _series(metric: Metric) -> list[str]:
    if metric.values:
        return [f"{metric.name}{{{value}}}" for value in metric.values]
    if metric.bounds:
        return [f"{metric.name}<={bound}" for bound in (*metric.bounds, "inf")] + [f"{metric.name}+"]
    return [metric.name]


# The name of each place: how workers with other versions of this table understand each other.
SERIES: tuple[str, ...] = tuple(name for metric in TABLE for name in _series(metric))
_PLACES: Mapping[str, int] = {name: place for place, name in enumerate(SERIES)}
_GAUGES = frozenset(
    place for metric in TABLE if metric.kind == GAUGE for place in range(metric.first, metric.first + metric.size)
)


def merge(into: Counts, names: Sequence[str], values: Sequence[float], alive: bool) -> None:
    """Add what another worker counted; its gauges only where it is still `alive`."""
    for name, value in zip(names, values, strict=True):
        place = _PLACES.get(name)
        if place is not None and (alive or place not in _GAUGES):
            into[place] += value
