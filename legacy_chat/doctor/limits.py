"""Numbers that have to fit each other: workers and backplane, descriptors and connections."""

from __future__ import annotations

import logging

from ..settings import Settings
from .finding import BAD, Finding, bad, note, ok
from .gunicorn import Gunicorn, running

log = logging.getLogger(__name__)

# Descriptors that stay for pages, files and the database (`realtime.admission`).
_RESERVED = 256

_MANY = 65536

# `worker_connections` that a few browsers would fill, and one would.
_FEW_SLOTS = 100
_TOO_FEW_SLOTS = 12


def check_workers(server: Gunicorn, backplane: str, check: str = "workers") -> Finding:
    """Workers with sockets reach each other's people over the backplane; those without look into the store."""
    text = f"{server.workers} on the {backplane} backplane"
    if server.workers > 1 and backplane == "memory" and server.has_sockets:
        return bad(check, text, alone(server.workers), "workers = 1 in gunicorn.conf.py (one carries 10,000 sockets)")
    return ok(check, text)


def warn_of_lonely_workers(settings: Settings) -> None:
    """At the start of each worker: nobody should find it out by messages that do not arrive."""
    server = running()
    if server is None:
        return
    found = check_workers(server, settings.backplane.partition(":")[0])
    if found.state == BAD:
        log.error("%s: %s. Mend it with %s", found.text, found.cause, found.mend)


def alone(workers: int) -> str:
    return (
        f"the {workers} workers share no backplane: what is said on one of them does not reach the people on the "
        "others until they reload"
    )


def check_slots(slots: int) -> Finding:
    """`slots` is `worker_connections`: connections in a request, or kept between two; sockets are none of them."""
    text = f"{slots} requests at a time"
    if slots >= _FEW_SLOTS:
        return ok("worker_connections", text)
    cause = f"a browser keeps up to six connections, and half of them are for polls: {slots // 2} people can be held"
    report = bad if slots < _TOO_FEW_SLOTS else note
    return report("worker_connections", text, cause, "worker_connections = 1000 in gunicorn.conf.py")


def check_descriptors(descriptors: int | None, pages: int, sockets: int, here: bool = False) -> Finding:
    """`pages` is `worker_connections`, `sockets` CHAT_MAX_CONNECTIONS; `here`: the limit is that of this shell."""
    text = f"{descriptors or 'any number of'} descriptors for {pages} requests and {sockets or 'all'} sockets"
    check = "ulimit of this shell" if here else "ulimit"
    if descriptors is None:
        return ok(check, text)
    mend = f"LimitNOFILE={_MANY} in the systemd unit, or `ulimit -n {_MANY}` before gunicorn"
    room = max(descriptors - _RESERVED, descriptors // 2)
    if descriptors < max(pages, 2 * _RESERVED) and not here:
        cause = "a worker that has opened them all can accept nobody, answer no page and open no database"
        return bad(check, text, cause, f"{mend}; or lower worker_connections")
    if room < (sockets or 1000):
        return note(check, text, f"they leave room for {room} sockets; who comes later is sent away with 503", mend)
    return ok(check, text)
