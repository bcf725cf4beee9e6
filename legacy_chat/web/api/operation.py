"""One operation of the HTTP API as a value: what routes it, checks it and describes it is made from the same fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...core.api import ApiKey
from ...errors import ChatError
from ..services import Services

# What a database takes for an id.
MOST_ID = 2**31 - 1


@dataclass
class Call:
    """One request, with everything checked: `body` and `query` are the operation's structs.

    `request_id` is set where the request may come again (`Idempotency-Key`): whatever is stored under it is stored
    once.
    """

    services: Services
    key: ApiKey
    path: dict[str, Any]
    body: Any = None
    query: Any = None
    request_id: str | None = None


Run = Callable[[Call], Any]


@dataclass(frozen=True)
class Operation:
    """`path` is a werkzeug rule; `once` says whether an `Idempotency-Key` is taken."""

    method: str
    path: str
    scope: str
    run: Run
    body: type | None = None
    query: type | None = None
    answer: type | None = None
    status: int = 200
    errors: tuple[type[ChatError], ...] = ()
    once: bool = False

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def summary(self) -> str:
        return (self.run.__doc__ or "").strip().partition("\n")[0]

    @property
    def description(self) -> str:
        rest = (self.run.__doc__ or "").strip().partition("\n")[2]
        return " ".join(rest.split())


class Operations(list[Operation]):
    """The operations of one subject; used as a decorator: `@operations("GET", "/rooms", "rooms", answer=…)`."""

    def __call__(self, method: str, path: str, scope: str, **fields: Any) -> Callable[[Run], Run]:
        def add(run: Run) -> Run:
            self.append(Operation(method, path, scope, run, **fields))
            return run

        return add
