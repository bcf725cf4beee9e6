"""What the facts of a server mean: its worker, its numbers, its databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import databases, gunicorn, limits, packages
from .finding import Finding, bad, note, ok
from .gunicorn import Gunicorn

_PATCH = "from gevent import monkey; monkey.patch_all()"

Facts = dict[str, Any]


def server_of(facts: Facts) -> Gunicorn | None:
    found = facts["server"]["gunicorn"]
    return Gunicorn(**found) if found else None


def has_sockets(facts: Facts) -> bool:
    server = server_of(facts)
    return server is not None and server.has_sockets


# Seconds that clocks may differ by before it is worth a word.
_LATE = 5.0

MEND_CLOCKS = "timedatectl set-ntp true, on both machines"


def clocks(age: float) -> str:
    """`age` is how old a question of now looks to the server."""
    return f"the server's clock is {abs(age):.0f} s {'ahead of' if age > 0 else 'behind'} the one here"


def is_one(facts: Facts) -> bool:
    """The server says that it has one worker, and that this one has the sockets."""
    server = server_of(facts)
    return server is not None and server.has_sockets and server.workers == 1


def judge(facts: Facts, history: str) -> Iterator[Finding]:
    """`history` is the database of this shell."""
    yield from _worker(facts)
    yield from _patches(facts)
    yield from _numbers(facts)
    for whose, driver in facts["databases"].items():
        yield databases.check_driver(whose, driver)
    yield from databases.check_store(facts["store"], history)
    yield from _versions(facts)
    if abs(facts["age"]) > _LATE:
        cause = "tokens that are made here are too old, or not yet valid, over there"
        yield note("clock", clocks(facts["age"]), cause, MEND_CLOCKS)


def _worker(facts: Facts) -> Iterator[Finding]:
    server = server_of(facts)
    name = server.worker_class if server else facts["server"]["software"] or "no gunicorn"
    if has_sockets(facts):
        yield ok("worker", f"{name}, pid {facts['server']['pid']}")
        return
    cause = "this worker cannot serve WebSockets: clients fall back to polling, a request a second each"
    yield bad("worker", name, cause, gunicorn.COMMAND)


def _patches(facts: Facts) -> Iterator[Finding]:
    gevent, server = facts["gevent"], server_of(facts)
    if not has_sockets(facts):
        return
    strays = ", ".join(gevent["strays"])
    if not gevent["early"]:
        how = "--preload" if server and server.preload else "something else than the worker"
        cause = f"{how} loaded the app before gevent patched Python, and what was imported by then blocks everybody"
        cause += f": {strays}" if strays else ""
        yield bad("patches", "too late", cause, f"first line of gunicorn.conf.py: {_PATCH}")
    elif strays:
        cause = "they were imported before gevent patched Python, and whoever waits there makes everybody wait"
        yield note("patches", strays, cause, f"import them later, or first line of gunicorn.conf.py: {_PATCH}")
    else:
        yield ok("patches", "Python was patched before the app was loaded")


def _numbers(facts: Facts) -> Iterator[Finding]:
    server, chat = server_of(facts), facts["chat"]
    if server is not None:
        yield limits.check_workers(server, chat["backplane"])
    if server is not None and server.has_sockets:
        yield limits.check_slots(server.worker_connections)
        yield limits.check_descriptors(
            facts["server"]["descriptors"], server.worker_connections, chat["max_connections"]
        )


def _versions(facts: Facts) -> Iterator[Finding]:
    """The server runs what it was started with."""
    theirs = facts["server"]["packages"]
    other = [f"{name} {theirs.get(name)}" for name, ours in packages.versions().items() if theirs.get(name) != ours]
    if other:
        cause = "the server has other packages than this shell: another environment, or it was not restarted since"
        yield note("versions", f"the server has {', '.join(other)}", cause, "restart gunicorn from this environment")
