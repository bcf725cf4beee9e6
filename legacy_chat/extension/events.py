"""The event library: what pages and the site say to each other in words of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..actions.local import LocalClient
from ..actions.push import make_push
from ..core.model import Member
from ..core.push import Pushed
from ..errors import BadShape
from ..web import speaker
from ..web.door import SOCKET_PATH
from .aspect import Aspect, state_of_app

F = TypeVar("F", bound=Callable[..., Any])


class EventCalls(Aspect):
    def on(self, name: str) -> Callable[[F], F]:
        """`@chat.on(name)`: called with the data of an event that a page emits; what it returns is the page's answer.

        `connect` and `close` are called with the member, once for each connection: after its login, and at its end.
        Who speaks is `legacy_chat.current`. A `Refused` that it raises is told to the page with its code; whatever
        else it raises is in the log. Raises `ValueError` for a name that is taken or cannot be one.
        """
        return lambda function: self._hooks.handlers.add(name, function)

    def emit(self, event: str, uid: str | int, data: Any = None) -> Pushed:
        """An event for all open pages of somebody; whom it reached. Works in any process; raises as `push`."""
        if not isinstance(uid, str | int):
            raise BadShape("An event is for one uid: chat.emit(event, uid, data). To everybody: chat.broadcast.")
        return state_of_app().pushes.push(make_push(uid, name=event, data=data))

    def broadcast(
        self, event: str, data: Any = None, room: str | int | None = None, *, to: str | int | None = None
    ) -> Pushed:
        """An event for everybody, for a chat `room`, or `to` an event room; whom it reached. Raises as `push`."""
        pushes = state_of_app().pushes
        if to is not None and room is not None:
            raise BadShape("Name either a chat `room`, or an event room with `to`.")
        if to is not None:
            return pushes.to_event_room(str(to), event, data)
        return pushes.push(make_push(name=event, data=data, gid=room, all=room is None))

    def test_client(self, uid: str, name: str | None = None, **login: Any) -> LocalClient:
        """A page of somebody without a socket, logged in, for tests: `emit` to it, look at `get_received`.

        Raises what the login raises, such as the `Refused` of a `connect` handler.
        """
        state = state_of_app()
        member = Member(str(uid), name or str(uid))
        client = state.local.client(member, speaker.a_request(state.settings.prefix + SOCKET_PATH))
        client.connect(**login)
        return client
