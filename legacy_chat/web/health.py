"""`GET /chat/health`: may this worker be sent people? For load balancers, supervisors and probes.

    /chat/health/live     it answers                               200
    /chat/health/ready    and may be sent people                   200, else 503; the same as /chat/health

Caught before Flask, so it costs no session and meets none of the site's own hooks. Anybody may ask as often as they
like: the store is looked at once a second, by one question at a time, and there is nothing secret in the answer.

Reading goes on while a disk is full. So what became of the last commits counts too, and while they fail something tiny
is written every few seconds, or nobody would know when they succeed again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from json import dumps
from time import monotonic
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from ..errors import ChatError
from ..storage import probe

if TYPE_CHECKING:
    from ..state import State

HEALTH_PATH = "/health"

log = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

# Seconds for which one look at the store is good enough, and in which it has to answer.
_GOOD = 1.0
_PATIENCE = 0.5

# Seconds between two tries to write, while commits fail.
_TRY = 3.0

_OK, _AWAY = "ok", "away"


class Health:
    def __init__(self, state: State):
        self._state = state
        self._check = StoreCheck(self._look)
        self._try_at = float("-inf")

    def doors(self) -> dict[str, Callable[[Environ, StartResponse], Iterable[bytes]]]:
        """What answers which address."""
        path = self._state.settings.prefix + HEALTH_PATH
        return {path: self.ready, f"{path}/ready": self.ready, f"{path}/live": self.live}

    def live(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return _answer({"live": True}, 200)(environ, start_response)

    def ready(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        checks = {**self._worker(), "store": self._store()}
        ready = all(found == _OK for found in checks.values())
        body = {"live": True, "ready": ready, "checks": checks}
        return _answer(body, 200 if ready else 503)(environ, start_response)

    def _worker(self) -> dict[str, str]:
        """Where no server hands sockets to a chat worker, polls are served by whatever answers this."""
        worker = self._state.running
        if worker is None:
            return {"worker": "failed" if self._state.serves_sockets else _OK, "room": _OK}
        return {"worker": "draining" if worker.draining else _OK, "room": "full" if worker.full else _OK}

    def _store(self) -> str:
        found = self._check.state()
        return _AWAY if self._state.parts.writer.failing else found

    def _look(self) -> None:
        parts = self._state.parts
        if parts.writer.failing and monotonic() >= self._try_at:
            self._try_at = monotonic() + _TRY
            parts.writer.probe()
        parts.read(probe.look)


class StoreCheck:
    """Whether `ask` answers; one thread asks for all who want to know. Under gevent's patches it is a greenlet."""

    def __init__(self, ask: Callable[[], object]):
        self._ask = ask
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._answered = threading.Event()
        self._found = ""

    def state(self) -> str:
        """`ok`; `away` where the store refuses, `slow` where it takes too long."""
        if self._begins():
            threading.Thread(target=self._look, args=(self._answered,), daemon=True).start()
        self._answered.wait(max(0.0, self._asked_at + _PATIENCE - monotonic()))
        return self._found if self._answered.is_set() else "slow"

    def _begins(self) -> bool:
        """Whether it is time to ask again. While a question is not answered no other is asked."""
        with self._lock:
            now = monotonic()
            asking = self._asked_at > float("-inf") and not self._answered.is_set()
            if asking or now - self._asked_at < _GOOD:
                return False
            self._asked_at, self._answered = now, threading.Event()
            return True

    def _look(self, answered: threading.Event) -> None:
        try:
            self._ask()
            self._found = _OK
        except ChatError:  # which is in the log
            self._found = _AWAY
        except Exception:
            log.exception("the store could not be asked")
            self._found = _AWAY
        finally:
            answered.set()


def _answer(body: dict[str, Any], status: int) -> Response:
    response = Response(dumps(body) + "\n", status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    if status == 503:
        response.headers["Retry-After"] = "1"
    return response
