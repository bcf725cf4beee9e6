"""The event library: what pages and the site say to each other in words of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..actions.current import event_room
from ..actions.handlers import name_of
from ..actions.local import LocalClient
from ..actions.push import make_push
from ..core.model import Member
from ..core.push import Pushed
from ..errors import BadShape
from ..web import speaker
from ..web.door import SOCKET_PATH
from .aspect import Aspect, state_of_app
from .whom import Person, gid_of, member_of, uid_of

F = TypeVar("F", bound=Callable[..., Any])


def _in_short(given: Any) -> str:
    return f"The function {name_of(given)}" if callable(given) else repr(given)


class EventCalls(Aspect):
    def on(self, name: str) -> Callable[[F], F]:
        """`@chat.on(name)`: called with the data of an event that a page emits; what it returns is the page's answer.

        `connect` and `close` are called with the member, once for each connection: after its login, and at its end.
        Who speaks is `legacy_chat.current`. A `Refused` that it raises is told to the page with its code; whatever
        else it raises is in the log. Raises `ValueError` for a name that is taken or cannot be one, `TypeError` for
        what is no name or no handler.
        """
        if not isinstance(name, str):
            raise TypeError(f'{_in_short(name)} is no name of an event: write @chat.on("name").')
        return lambda function: self._hooks.handlers.add(name, function)

    def emit(self, event: str, uid: Person, data: Any = None) -> Pushed:
        """An event for all open pages of somebody; whom it reached. Works in any process; raises as `push`.

        `BadShape` for a name that pages keep for others (the types of the protocol's frames, `state`, …).
        """
        try:
            person = uid_of(uid)
        except BadShape as error:
            hint = "An event is for one person: chat.emit(event, uid, data). To everybody: chat.broadcast."
            raise BadShape(f"{hint} {error.message}") from None
        return state_of_app().pushes.push(make_push(person, name=event, data=data))

    def broadcast(
        self, event: str, data: Any = None, room: str | int | None = None, *, to: str | int | None = None
    ) -> Pushed:
        """An event for everybody, for a chat `room`, or `to` an event room; whom it reached. Raises as `push`."""
        pushes = state_of_app().pushes
        if to is not None and room is not None:
            raise BadShape("Name either a chat `room`, or an event room with `to`.")
        if to is not None:
            return pushes.to_event_room(event_room(to), event, data)
        gid = None if room is None else gid_of(room)
        return pushes.push(make_push(name=event, data=data, gid=gid, all=room is None))

    def test_client(self, uid: Person, name: str | None = None, **login: Any) -> LocalClient:
        """A page of somebody without a socket, logged in, for tests: `emit` to it, look at `get_received`.

        Raises what the login raises. Whom a `connect` handler refuses is `closed` with 4403.
        """
        state, who = state_of_app(), member_of(uid)
        member = Member(who.uid, name or who.name, who.device, who.avatar, who.roles, who.locale)
        client = state.local.client(member, speaker.a_request(state.settings.prefix + SOCKET_PATH))
        client.connect(**login)
        return client
