"""People in the process of the test: no server, no socket, and an answer is there when a call returns."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import msgspec
from flask import Flask, current_app, has_app_context

from ..actions.local import LocalClient
from ..core.model import Member


class Person:
    """Somebody's page. `frames` is all that came, as dicts, the oldest first."""

    def __init__(self, page: LocalClient):
        self._page = page
        self.login = page.connect()
        self.uid: str = self.login["uid"]

    @property
    def frames(self) -> list[dict[str, Any]]:
        return self._page.frames

    @property
    def gids(self) -> list[str]:
        """The rooms of the login."""
        return [room["gid"] for room in self.login["groups"]]

    @property
    def closed(self) -> int | None:
        """The close code, such as 4440 after a logout; None while the page is open."""
        return self._page.closed

    def ask(self, type: str, /, **fields: Any) -> dict[str, Any]:
        """The `ack` of any frame of the protocol. Raises the `ChatError` that the server answers."""
        return self._page.request(type, **fields)

    def say(self, gid: str, content: str) -> dict[str, Any]:
        """A message to a room; its ack. Raises a `ChatError`."""
        return self.ask("group", gid=gid, content=content)

    def whisper(self, uid: str, content: str) -> dict[str, Any]:
        """A private message; its ack. Raises a `ChatError`."""
        return self.ask("pm", uid=uid, content=content)

    def emit(self, name: str, data: Any = None) -> Any:
        """What the site's `@chat.on(name)` returned. Raises what it refused."""
        return self._page.emit(name, data)

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """The site's events that came since the last call, `{"name", "data"}` each."""
        return self._page.get_received(name)

    def leave(self) -> None:
        """Close the page."""
        self._page.disconnect()


class People:
    """`people("ada")` opens a page of somebody in this process; the same uid again is another page of theirs."""

    def __init__(self, app: Flask):
        self._app = app
        self._state = app.extensions["legacy_chat"]

    def __call__(self, uid: Any, name: str | None = None, **member: Any) -> Person:
        """Somebody is a uid, a `Member` or a user of the site, with all that is known of them.

        What is said here goes over it: `name`, `roles`, `avatar`, `locale`. Raises what the login raises, `BadShape`
        for what is nobody, and `Forbidden` for a user whom the `member_loader` does not let in.
        """
        given = {"name": name, **member}
        told = {field: value for field, value in given.items() if value is not None}
        return Person(self._state.local.client(msgspec.structs.replace(self._known(uid), **told)))

    def _known(self, person: Any) -> Member:
        from ..extension.whom import member_of  # the whole chat, which no run of other tests needs to import

        # The end of a context inside the test's own would run the site's teardowns, and its users lose their session.
        here = has_app_context() and current_app == self._app
        with nullcontext() if here else self._app.app_context():
            return member_of(person)

    def open_connections(self) -> int:
        return len(self._state.local.clients)

    def close(self) -> None:
        """Everybody leaves."""
        for page in list(self._state.local.clients):
            page.disconnect()
