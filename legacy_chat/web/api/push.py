"""`/push`: say something to pages that are open, and to those who come later."""

from __future__ import annotations

from ...core.push import Errand, Push, Pushed
from ...errors import Empty, TooLong, Unavailable, UnknownRoom
from .operation import Call, Operations

operations = Operations()


@operations(
    "POST", "/push", "push", body=Push, answer=Pushed, errors=(UnknownRoom, Empty, TooLong, Unavailable), once=True
)
def push(call: Call) -> Pushed:
    """Push to a person, several, a room, or everybody

    Exactly one of `uid`, `uids`, `gid` and `all`; either `content`, or `name` and `data` of an event of your own.
    Open pages get an `event` frame. With `durable` the content is stored as a message too, which those who are away
    find at their next login. `at` and `every` (milliseconds) keep it for later; the answer then has its `id`.
    """
    pushes = call.services.pushes
    if call.request_id is None:
        return pushes.push(call.body)
    return pushes.run(Errand(pushes.checked(call.body), call.request_id))


@operations("DELETE", "/push/<string(maxlength=32):id>", "push", status=204)
def unschedule(call: Call) -> None:
    """Forget a push that waits for its time

    Also where there is none (any more).
    """
    call.services.pushes.unschedule(call.path["id"])
