"""The event library: runs the site's own handlers for what a client says, for who comes and for who goes.

A handler runs among the requests of its connection: one at a time, in order, and while it waits only that connection
waits. The context of the app is there for one call and gone after it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET

from ..core import close, frames
from ..core.session import Session
from ..errors import ChatError, Forbidden, Internal, UnknownEvent
from .current import Done, Speaking, encoded, speaking
from .handlers import Handler, Handlers
from .parts import Parts
from .repeats import Repeats

if TYPE_CHECKING:
    from .requests import Client

log = logging.getLogger(__name__)

Context = Callable[[Session], AbstractContextManager[Any]]


def _no_context(_: Session) -> AbstractContextManager[Any]:
    return nullcontext()


class _Answer(NamedTuple):
    """What a handler returned, as JSON, and what it did to its connection."""

    returned: msgspec.Raw
    done: Done

    @property
    def size(self) -> int:
        return len(bytes(self.returned)) + self.done.size


class Events:
    """One for each process. `context` is what a call runs in."""

    def __init__(self, parts: Parts, handlers: Handlers | None = None, context: Context = _no_context):
        self._parts = parts
        self.handlers = Handlers() if handlers is None else handlers
        self._context = context
        self._repeats: Repeats[_Answer] = Repeats()

    def said(self, client: Client, request: frames.Emit) -> msgspec.Raw:
        """Run the event's handler; what it returned, as JSON. Raises `UnknownEvent`, `Internal`, or what it refused."""
        handler = self.handlers.events.get(request.name)
        if handler is None:
            raise UnknownEvent(f"This site handles no event {request.name!r}.")
        if request.id is UNSET or client.session.member is None:
            return self._answer(client, handler, request).returned
        key = client.session.member.uid, request.id
        answer, repeated = self._repeats.once(
            key, lambda: self._answer(client, handler, request), lambda known: known.done.holds_for(client)
        )
        if repeated:
            answer.done.tell_again(client)
        return answer.returned

    def _answer(self, client: Client, handler: Handler, request: frames.Emit) -> _Answer:
        done = Done()
        returned = self._call(client, handler, request.data, done)
        try:
            return _Answer(encoded(returned, self._parts.settings.max_message_bytes), done)
        except (TypeError, ValueError) as error:
            log.error("what %s returned for %r cannot be sent: %s", handler.name, request.name, error)
            raise _internal() from None

    def came(self, client: Client) -> None:
        """A login opened this connection; a handler that refuses ends it."""
        for handler in self.handlers.connect:
            try:
                refused = self._call(client, handler, client.session.member) is False
            except Internal:
                continue  # it is in the log; the chat goes on without it
            except ChatError as error:
                client.refuse(error, close.FORBIDDEN)
                return
            if refused:
                client.refuse(Forbidden("This site does not let you in."), close.FORBIDDEN)
                return

    def went(self, client: Client) -> None:
        """A connection that was open has ended."""
        for handler in self.handlers.close:
            try:
                self._call(client, handler, client.session.member)
            except ChatError as error:
                log.debug("%s: nobody is there to be told %s", handler.name, error.code)

    def _call(self, client: Client, handler: Handler, given: Any, done: Done | None = None) -> Any:
        """In a copy of the context variables, so that nothing a handler sets outlives its call."""
        now = Speaking(client, self._parts, done or Done())
        return copy_context().run(self._run, now, handler, given)

    def _run(self, now: Speaking, handler: Handler, given: Any) -> Any:
        speaking.set(now)
        try:
            with self._context(now.client.session):
                return handler(given)
        except (ChatError, KeyboardInterrupt):
            raise
        except BaseException:  # gevent's Timeout and `sys.exit()` as well: neither may cost more than this call
            log.exception("the handler %s failed", handler.name)
            raise _internal() from None


def _internal() -> Internal:
    return Internal("Something went wrong here; it is in the log.")
