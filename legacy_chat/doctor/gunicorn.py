"""gunicorn as it runs this process, and as `gunicorn.conf.py` would start it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any, NamedTuple

WORKER = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"
COMMAND = f"gunicorn -k {WORKER} wsgi:app"

_SECONDS = 5.0

# Asked in a process of its own, since the file may patch Python. An application has to be named; it is not loaded.
_ASK = """
import json, sys
sys.argv = ["gunicorn", "wsgi:app"]
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.config import get_default_config_file
cfg = WSGIApplication().cfg
given = cfg.settings["worker_class"].get()
monkey = sys.modules.get("gevent.monkey")
print(json.dumps({
    "worker_class": cfg.worker_class_str if isinstance(given, str) else f"{given.__module__}.{given.__name__}",
    "workers": cfg.workers, "preload": cfg.preload_app, "worker_connections": cfg.worker_connections,
    "patched": monkey is not None and monkey.is_module_patched("socket"), "file": get_default_config_file(),
}))
"""


class Gunicorn(NamedTuple):
    """`patched` tells whether `gunicorn.conf.py` patches; None where it cannot be known."""

    worker_class: str
    workers: int
    preload: bool
    worker_connections: int
    patched: bool | None = None
    file: str | None = None

    @property
    def has_sockets(self) -> bool:
        return "geventwebsocket" in self.worker_class


def running() -> Gunicorn | None:
    """gunicorn's settings in one of its workers; None in any other process.

    gunicorn hands an application no settings, but its worker handles SIGABRT itself, whichever class it is of.
    """
    worker = getattr(signal.getsignal(signal.SIGABRT), "__self__", None)
    cfg: Any = getattr(worker, "cfg", None)
    if cfg is None or not hasattr(cfg, "worker_class_str"):
        return None
    return Gunicorn(_class_name(cfg), cfg.workers, cfg.preload_app, cfg.worker_connections)


def _class_name(cfg: Any) -> str:
    """As it was written, or `gthread` for a sync worker with threads; of a class that was given as such, its name."""
    given = cfg.settings["worker_class"].get()
    return str(cfg.worker_class_str) if isinstance(given, str) else f"{given.__module__}.{given.__name__}"


def configured() -> Gunicorn | str:
    """What `gunicorn` would do when it is started in this folder; its complaint where it cannot."""
    command = [sys.executable, "-c", _ASK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    try:
        return Gunicorn(**json.loads(done.stdout.splitlines()[-1]))
    except (ValueError, TypeError, IndexError):
        return (done.stderr.strip().splitlines() or ["no answer"])[-1]
