"""People in the process of the test: no server, no socket, and an answer is there when a call returns."""

from __future__ import annotations

from typing import Any

from flask import Flask

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
        self._state = app.extensions["legacy_chat"]

    def __call__(self, uid: str, name: str | None = None, **member: Any) -> Person:
        """Raises what the login raises. `member` are further fields: `roles`, `avatar`, `locale`."""
        return Person(self._state.local.client(Member(str(uid), name or str(uid), **member)))

    def open_connections(self) -> int:
        return len(self._state.local.clients)

    def close(self) -> None:
        """Everybody leaves."""
        for page in list(self._state.local.clients):
            page.disconnect()
