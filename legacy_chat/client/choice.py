"""Which transport a client uses: WebSocket, and single requests where nothing else gets through.

websocket ──two attempts in a row that were blocked──▶ polling ──▶ polling …
    ▲                                                    │  │
    ├────────── polling cannot log in either ────────────┘  │ now and then
    └────────── a WebSocket opens ──── Upgrade ◀────────────┘
"""

from __future__ import annotations

import threading

from .life import Life
from .socket import Socket
from .wire import Ended, How

TRANSPORTS = ("auto", "websocket", "polling")

# Attempts after which a WebSocket counts as blocked, and how long each may hang: together less than `connect` waits.
_ATTEMPTS, OPEN_SECONDS = 2, 4.0
# Seconds until it is tried again while polling works, fewer where one worked before, and how they grow.
AGAIN_SECONDS, _SOON, _AGAIN_MOST = 60.0, 5.0, 600.0

# Only the look-up of a name cannot be cut short: then the thread ends by itself.
_FAREWELL = 0.5


class Choice:
    """`wanted` is one of `TRANSPORTS`; `name` whose turn it is; `again` when a WebSocket is tried while polling."""

    def __init__(self, wanted: str):
        if wanted not in TRANSPORTS:
            raise ValueError(f"transport {wanted!r} must be one of {', '.join(TRANSPORTS)}")
        self.automatic = wanted == "auto"
        self.name = "websocket" if self.automatic else wanted
        self.again = AGAIN_SECONDS
        self._blocked = 0

    def ended(self, end: Ended, logged_in: bool) -> bool:
        """A session is over. Whether another transport may begin at once."""
        if not self.automatic:
            return False
        if self.name == "polling":
            if not logged_in:  # so it is not the WebSocket that was at fault
                self.name, self._blocked = "websocket", _ATTEMPTS - 1
            return False
        if logged_in:
            self._blocked, self.again = 0, min(_SOON, AGAIN_SECONDS)
        elif end.blocked:
            self._blocked += 1
        if self._blocked >= _ATTEMPTS:
            self.name = "polling"
        return self.name == "polling"

    def upgraded(self) -> None:
        self.name, self._blocked = "websocket", 0

    def still_blocked(self) -> None:
        self.again = min(_AGAIN_MOST, 2 * self.again)


class Upgrade:
    """While polling goes on, opens a WebSocket in a thread of its own; `socket` once there is one."""

    def __init__(self, life: Life, how: How, choice: Choice):
        self._life, self._how, self._choice = life, how, choice
        self._over = False
        self._trial: Socket | None = None
        self.socket: Socket | None = None
        self._thread = threading.Thread(target=self._run, name="legacy_chat client upgrade", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._rest(self._choice.again):
            trial = Socket(self._how)
            try:
                self._begin(trial)
                trial.greet()
                self._found(trial)
                return
            except Exception:  # whatever goes wrong, polling goes on
                trial.close()
                if not self._over:
                    self._choice.still_blocked()

    def _rest(self, seconds: float) -> bool:
        """Whether that is the end."""
        return self._life.wait(lambda: self._over, seconds)

    def _begin(self, trial: Socket) -> None:
        with self._life.changed:
            if self._over:
                raise Ended
            self._trial = trial

    def _found(self, trial: Socket) -> None:
        with self._life.changed:
            if self._over:
                raise Ended
            self.socket = trial
            self._life.changed.notify_all()

    def take(self) -> Socket | None:
        """The open socket, which is the caller's from now on; no other will come."""
        with self._life.changed:
            self._over = True
            found, self.socket = self.socket, None
            trial = self._trial
            self._life.changed.notify_all()
        if found is None and trial:
            trial.close()
        self._thread.join(_FAREWELL)
        return found
