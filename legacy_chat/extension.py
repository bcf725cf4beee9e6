"""`Chat`: what a host site creates, and the calls it makes.

The extension keeps no app (Flask's rule for extensions): all state of an app is its `State` in
`app.extensions["legacy_chat"]`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, current_app
from flask_login import user_logged_out

from . import settings as settings_table
from .actions.hooks import Hooks
from .actions.push import make_push
from .actions.rooms import Rooms
from .backplane.contract import Disconnect
from .core import close
from .core.push import Pushed
from .state import State, install_handler
from .web import api, push_door
from .web.door import SocketDoor
from .web.identity import device_of_request
from .web.pages import blueprint
from .web.services import Services

EXTENSION = "legacy_chat"


class Chat:
    """Chat for the users of a Flask site: `Chat(app)`, or `chat.init_app(app)` in a factory."""

    def __init__(self, app: Flask | None = None, engine: Any = None):
        self._hooks = Hooks()
        if app is not None:
            self.init_app(app, engine)

    def init_app(self, app: Flask, engine: Any = None) -> None:
        """Add chat to `app`. Raises `SettingsError` with every mistake of its CHAT_* settings.

        `engine` is the site's own SQLAlchemy engine, for `post(session=...)`; Flask-SQLAlchemy's is found by itself.
        """
        from .cli import group

        state = State(app, settings_table.load(app.config, os.environ), self._hooks, engine)
        app.extensions[EXTENSION] = state
        if state.database.engine.dialect.name == "sqlite":
            state.prepare()
        app.register_blueprint(blueprint(state))
        services = Services(state)
        app.register_blueprint(api.blueprint(services))
        app.register_blueprint(push_door.blueprint(services))
        app.wsgi_app = SocketDoor(app.wsgi_app, state)  # type: ignore[method-assign]
        app.cli.add_command(group())
        user_logged_out.connect(_on_logout, app)
        install_handler(state)

    def token(self, uid: str, name: str | None = None) -> str:
        """A signed connect token for `uid`, good for CHAT_TOKEN_SECONDS."""
        return _state().tokens.mint(uid, name)

    def room(self, gid: str, name: str | None = None, private: bool = False, members: tuple[str, ...] = ()) -> None:
        """Create a room. Raises `Exists` where the key is taken."""
        Rooms(_state().parts).create(gid, name or gid, private, members)

    def push(
        self,
        to: str | int | Iterable[str | int] | None = None,
        content: str | None = None,
        *,
        name: str | None = None,
        data: Any = None,
        gid: str | None = None,
        everybody: bool = False,
        durable: bool = False,
        sender: tuple[str, str] | None = None,
        at: datetime | int | None = None,
        every: timedelta | int | None = None,
    ) -> Pushed:
        """Say something to a person (`to=uid`), to several, to a room (`gid`) or to `everybody`; whom it reached.

        Text (`content`) is shown by the page, an event (`name`, `data`) is for the site's own script. `durable` text
        is a message as well, from `sender` (uid, name). `at` and `every` (or milliseconds) plan it: the answer's `id`
        is for `unschedule`. Raises a `ChatError`: `Unavailable` where nobody can take it.
        """
        who = sender and {"uid": sender[0], "name": sender[1]}
        push = make_push(
            to, content=content, name=name, data=data, gid=gid, all=everybody, durable=durable, sender=who, at=at,
            every=every,
        )  # fmt: skip
        return _state().pushes.push(push)

    def unschedule(self, id: str) -> bool:
        """Forget a push that waits for its time; False where there is none."""
        return _state().pushes.unschedule(id)

    def post(
        self, room: str, text: str, *, uid: str = "site", name: str | None = None, session: Any = None
    ) -> Pushed | None:
        """A message to a room, in the name of `uid`; whom it reached.

        With the site's SQLAlchemy `session` it goes out when that is committed, once, and never after a rollback.
        """
        if session is None:
            return _state().pushes.post(room, text, uid, name)
        _state().outbox.post(session, room, text, uid, name)
        return None

    def disconnect(self, uid: str, device: str | None = None) -> None:
        """Close somebody's sockets (those of one device, where given) at once; they must log in again."""
        notice = Disconnect(uid, close.SESSION_ENDED, "logged out", device)
        _state().parts.backplane.publish(notice)

    def on_online(self, hook: Callable[[str], Any]) -> Callable[[str], Any]:
        """`@chat.on_online`: called with the uid of somebody who came, in a greenlet with the app's context."""
        self._hooks.changed.append(lambda uid, online: hook(uid) if online else None)
        return hook

    def on_offline(self, hook: Callable[[str], Any]) -> Callable[[str], Any]:
        """`@chat.on_offline`: called with the uid of somebody who is gone for longer than the grace period."""
        self._hooks.changed.append(lambda uid, online: None if online else hook(uid))
        return hook

    def offload(self, work: Any) -> Any:
        """Run `work()` (hashing, a slow query) in a native thread while only this request waits."""
        return _state().parts.offload.call(work)


def _state() -> State:
    state: State = current_app.extensions[EXTENSION]
    return state


def _on_logout(app: Flask, user: Any = None, **_: Any) -> None:
    """Flask-Login's signal: this browser's sockets end with its session; other devices stay."""
    uid = user.get_id() if user is not None else None
    if uid is not None and EXTENSION in app.extensions:
        notice = Disconnect(str(uid), close.SESSION_ENDED, "logged out", device_of_request())
        _state().parts.backplane.publish(notice)
