"""A post of requests, and what its answer says."""

from __future__ import annotations

from time import monotonic

from ..core import frames, poll
from ..errors import BadFrame
from .lane import Post
from .requests import Request
from .wire import Ended, code_of


class Sent(Post):
    """A post, with the cursor and the requests that it carries."""

    def __init__(self, cursor: str | None, requests: list[Request], wait: float):
        said = ",".join(request.text for request in requests)
        head = frames.encode({"cursor": cursor, "wait": wait}).decode()
        super().__init__(f'{head[:-1]},"frames":[{said}]}}'.encode(), wait)
        self.cursor, self.requests, self.began = cursor, requests, monotonic()


def told_of(post: Sent) -> poll.Told | None:
    """None for what no chat says: some other door's error page, or nothing at all."""
    try:
        return poll.decode_answer(post.answer.body) if post.answer else None
    except BadFrame:
        return None


def retry_after_of(post: Sent, told: poll.Told | None) -> float | None:
    """The frame says it more exactly than the header."""
    named = [error.retry_after for error in errors_of(told) if isinstance(error.retry_after, float)]
    return named[0] if named else post.answer and post.answer.retry_after


def errors_of(told: poll.Told | None) -> list[frames.Error]:
    events = map(frames.decode_event, map(bytes, told.frames)) if told else ()
    return [event for event in events if isinstance(event, frames.Error)]


def ended_by(post: Sent, told: poll.Told | None) -> Ended:
    """The server will not go on with this cursor, or there is none yet."""
    status = post.answer.status if post.answer else 0
    why = f"HTTP {status}" if status else f"{type(post.error).__name__}: {post.error}"
    reason = next((error.message for error in errors_of(told)), why)
    code = told.close if told and told.close is not None else code_of(status)
    return Ended(code, reason, retry_after_of(post, told))
