"""A session over single requests: one poll that the server holds back, and a second one for what is said meanwhile.

    said ──▶ outgoing ──▶ a post of its own, with the cursor of now ──▶ answer ─┐
                 ▲                │ the network, 503                            ├─▶ frames, and the next cursor
                 └──── again ─────┘      nothing said: a post that waits ───────┘

Both begin from the same cursor and would bring the same frames. What is said may change what the next cursor stands
for, so the answer to it is the one that counts: while it is open or to be repeated the held one's is left aside, and
nothing is lost, since the cursor stays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic

from ..core import close, frames, poll
from ..core.limits import Rate, TokenBucket
from .backoff import delay
from .lane import Lane
from .life import Life
from .requests import SHARE, Request
from .route import Route
from .sent import Sent, ended_by, errors_of, retry_after_of, told_of
from .wire import Ended, How

# How long the server may hold a poll back.
WAIT_SECONDS = poll.LONGEST
# A poll that the next one sent home comes home at once, unless the network lost it.
_HOME_SECONDS = 0.25
# Where the server holds nothing back, it is asked more rarely while nothing happens.
_STRETCH, _PAUSE_MOST = 1.25, 5.0
# Answers that come early with nothing, and without a pause, are no reason to ask in circles.
_PAUSE_LEAST = 0.05
# What one post may carry; the server takes twice as much.
_POST_BYTES, _POST_MESSAGES = 2**19, 8

# No answer at all, and those of whoever stands in between: the same post may be answered later.
_FOR_NOW = (0, 200, 408, 425, 429)
_NOTHING_DONE = (429, 503)


class Polling:
    """`lost` is told of requests that may or may not have arrived, and must not be sent twice.

    The session ends when `leave` says so and nothing is under way.
    """

    name = "polling"

    def __init__(
        self, how: How, life: Life, lost: Callable[[Request], None], leave: Callable[[], object] = lambda: None
    ):
        self._life, self._lost, self._leave = life, lost, leave
        headers = {"Cookie": how.cookie, "Origin": how.address.site} if how.cookie else {}
        route = Route(how.address.poll, how.ssl)
        self._talk, self._hold = Lane(life, route, headers), Lane(life, route, headers)
        self._outgoing: deque[Request] = deque()
        self._over = False
        # The rest is the background thread's alone.
        self._events: deque[frames.Event] = deque()
        self._cursor: str | None = None
        self._talking: Sent | None = None
        self._holding: Sent | None = None
        self._repeats: list[Request] = []  # of a post that was not answered
        self._asleep_until = 0.0  # nothing is posted before that
        self._poll_at = self._hold_after = 0.0
        self._home_by: float | None = None  # when the poll that is sent home counts as lost
        self._idle = 0  # answers in a row that brought nothing
        self._failures = 0
        self._logged_in = False
        self._bucket = TokenBucket(Rate(0, 0), 0)
        self._burst, self._bytes = poll.MOST_FRAMES, _POST_BYTES

    @property
    def online(self) -> bool:
        return self._logged_in and not self._failures and not self._over

    def open(self) -> None:
        """The first post is the login."""

    def send(self, request: Request) -> None:
        with self._life.changed:
            self._outgoing.append(request)
            self._life.changed.notify_all()

    def receive(self) -> frames.Event | None:
        while not self._events:
            self._check_end()
            self._post()
            self._life.wait(self._is_there_news, self._next_look() - monotonic())
            self._take()
        return self._events.popleft()

    def close(self) -> None:
        with self._life.changed:
            self._over = True
            self._life.changed.notify_all()
        self._talk.close()
        self._hold.close()

    # -- what to post -----------------------------------------------------------------------------------------

    def _check_end(self) -> None:
        if self._life.end or self._over:
            raise Ended(close.DONE, "closed")
        if self._leave() and not self._talking and not self._outgoing:
            raise Ended(close.DONE, "another transport goes on")

    def _post(self) -> None:
        now = monotonic()
        if self._talking or now < self._asleep_until:
            return
        batch = self._batch()
        if batch and self._may_post(now, 2 + len(batch)):
            self._take_out(batch)
            self._talking = Sent(self._cursor, batch, 0)
            self._talk.start(self._talking)
        elif not batch and self._cursor and not self._holding and now >= self._poll_due() and self._may_post(now, 1):
            self._holding = Sent(self._cursor, [], WAIT_SECONDS)
            self._hold.start(self._holding)

    def _may_post(self, now: float, cost: int) -> bool:
        """A post counts in the server's rate limit, as each of its frames does, and the poll that follows it."""
        wait = self._bucket.ask(now, min(cost, self._burst))
        self._sleep(wait)
        return not wait

    def _poll_due(self) -> float:
        return max(self._poll_at, self._hold_after)

    def _batch(self) -> list[Request]:
        """The oldest requests that fit into one post; those that nobody waits for any more are left out."""
        batch, room = list[Request](), self._bytes
        with self._life.changed:
            self._outgoing = deque(request for request in self._outgoing if not request.given_up)
            for request in self._outgoing:
                room -= request.size
                if batch and (room < 0 or len(batch) == max(1, self._burst - 2)):
                    break
                batch.append(request)
        return batch

    def _take_out(self, batch: list[Request]) -> None:
        with self._life.changed:
            for _ in batch:
                self._outgoing.popleft()

    def _is_there_news(self) -> object:
        under_way = [post for post in (self._talking, self._holding) if post]
        if self._over or any(post.over for post in under_way):
            return True
        idle = not self._talking and monotonic() >= self._asleep_until
        return idle and (self._outgoing or self._leave())

    def _next_look(self) -> float:
        """When there is something to do though nothing happened."""
        looks = [self._asleep_until] if self._asleep_until > monotonic() else []
        if not self._talking and not self._holding:
            looks.append(max(self._poll_due(), self._asleep_until))
        if self._home_by is not None:
            looks.append(self._home_by)
        return min(looks, default=monotonic() + WAIT_SECONDS)

    # -- what came --------------------------------------------------------------------------------------------

    def _take(self) -> None:
        talked, held = self._talking, self._holding
        if talked and talked.over:
            self._talking = None
            self._settle(talked)
        if held and held.over:
            self._holding = self._home_by = None
            self._settle(held)
        if self._home_by is not None and monotonic() >= self._home_by:
            self._hold.drop()
            self._holding = self._home_by = None

    def _settle(self, post: Sent) -> None:
        told = told_of(post)
        if told is not None and told.close is not None:
            raise ended_by(post, told)
        status = post.answer.status if post.answer else 0
        if status == 200 and told and told.cursor:
            self._failures = 0
            self._read(post, told)
        elif status in _FOR_NOW or status >= 500:
            self._failed(post, told)
        elif self._cursor and post.requests and errors_of(told):
            self._refused(post, errors_of(told)[0])
        else:
            raise ended_by(post, told)

    def _read(self, post: Sent, told: poll.Told) -> None:
        """Take the frames over and move on."""
        if post.requests:
            self._repeats = []
        elif self._is_something_said() or post.cursor != self._cursor:
            return
        events = [event for event in map(frames.decode_event, map(bytes, told.frames)) if event is not None]
        self._cursor = told.cursor
        if self._holding:
            self._home_by = monotonic() + _HOME_SECONDS
        self._set_pace(post, told.pause / 1000, bool(events))
        for event in events:
            self._note(event)
        self._events.extend(event for event in events if not isinstance(event, frames.Drain))

    def _is_something_said(self) -> bool:
        """And not answered yet."""
        return self._talking is not None or not all(request.given_up for request in self._repeats)

    def _set_pace(self, post: Sent, pause: float, eventful: bool) -> None:
        now = monotonic()
        self._idle = 0 if eventful or post.requests else self._idle + 1
        early = not pause and now - post.began < 1.0
        if self._idle and (pause or early):
            pause = max(pause, min(_PAUSE_MOST, (pause or _PAUSE_LEAST) * _STRETCH ** min(self._idle, 50)))
        self._poll_at = now + pause

    def _note(self, event: frames.Event) -> None:
        """What concerns the posts themselves."""
        if isinstance(event, frames.Hello):
            per_second, burst = event.limits.rate
            burst = max(1, int(burst * SHARE))
            self._bucket = TokenBucket(Rate(per_second * SHARE, burst), monotonic())
            self._burst = min(poll.MOST_FRAMES, burst) if per_second else poll.MOST_FRAMES
            self._bytes = min(_POST_BYTES, _POST_MESSAGES * event.limits.message_bytes)
        elif isinstance(event, frames.LoggedIn):
            self._logged_in = True
        elif isinstance(event, frames.Drain):
            self._sleep(event.retry_after / 1000)

    # -- what went wrong --------------------------------------------------------------------------------------

    def _failed(self, post: Sent, told: poll.Told | None) -> None:
        """The same again after a while; what was said and may not be said twice is given up."""
        if self._cursor is None:
            raise ended_by(post, told)
        self._failures += 1
        seconds = delay(self._failures, asked=retry_after_of(post, told))
        if post.wait:  # a server that holds no more polls takes what is said all the same
            self._hold_after = monotonic() + seconds
        else:
            self._sleep(seconds)
        unsure = post.left and not (post.answer and post.answer.status in _NOTHING_DONE)
        for request in post.requests:
            if unsure and not request.repeatable:
                self._lost(request)
        again = [request for request in post.requests if request.repeatable or not unsure]
        if post.requests:
            self._repeats = again
        with self._life.changed:
            self._outgoing.extendleft(reversed(again))

    def _refused(self, post: Sent, error: frames.Error) -> None:
        """The server does not take these frames, and will not the next time."""
        self._failures, self._repeats = 0, []
        for request in post.requests:
            self._events.append(frames.Error(error.code, error.message, request.id, error.retry_after))

    def _sleep(self, seconds: float) -> None:
        self._asleep_until = max(self._asleep_until, monotonic() + seconds)
