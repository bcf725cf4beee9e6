"""`Chat`: what a host site creates, and the calls it makes.

The extension keeps no app (Flask's rule for extensions): all state of an app is its `State` in
`app.extensions["legacy_chat"]`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from flask_login import user_logged_out

from .. import logs
from .. import settings as settings_table
from ..actions.hooks import Hooks
from ..actions.push import make_push
from ..core.push import Pushed
from ..doctor.door import DoctorDoor
from ..doctor.start import attend
from ..errors import BadShape, SettingsError
from ..state import State, install_handler
from ..web import api, push_door, text_page, widget
from ..web.door import SOCKET_PATH, SocketDoor
from ..web.pages import blueprint
from ..web.services import Services
from .aspect import EXTENSION, state_of_app
from .events import EventCalls
from .identity import IdentityCalls, on_logout
from .rooms import RoomCalls
from .rules import RuleCalls
from .tasks import TaskCalls
from .whom import Person, gid_of, member_of, uids_of

__all__ = ["EXTENSION", "Chat"]

_HOST_MATCHING = (
    "This app is a Flask(host_matching=True), where each route names the host that it is for. Those of the chat name "
    "none, so all its pages would be 404: give it an app without host_matching."
)


class Chat(IdentityCalls, RuleCalls, RoomCalls, EventCalls, TaskCalls):
    """Chat for the users of a Flask site: `Chat(app)`, or `chat.init_app(app)` in a factory."""

    def __init__(self, app: Flask | None = None, engine: Any = None):
        self._hooks = Hooks()
        if app is not None:
            self.init_app(app, engine)

    def init_app(self, app: Flask, engine: Any = None) -> None:
        """Add chat to `app`. Raises `SettingsError` with every mistake of its CHAT_* settings.

        `engine` is the site's own SQLAlchemy engine, for `post(session=...)`; Flask-SQLAlchemy's is found by itself.
        """
        from ..cli import group

        if EXTENSION in app.extensions:
            raise SettingsError("This app has chat already: call Chat(app) or chat.init_app(app) once.")
        with attend(app.config):
            if app.url_map.host_matching:
                raise SettingsError(_HOST_MATCHING)
            state = State(app, settings_table.load(app.config, os.environ), self._hooks, engine)
        app.extensions[EXTENSION] = state
        logs.set_up(state.settings.log_format)
        if state.database.engine.dialect.name == "sqlite":
            with attend(app.config, state.database.engine.url.database):
                state.prepare()
        app.register_blueprint(blueprint(state))
        app.register_blueprint(text_page.blueprint(state))
        app.register_blueprint(widget.blueprint(state))
        widget.install(state)
        services = Services(state)
        app.register_blueprint(api.blueprint(services))
        app.register_blueprint(push_door.blueprint(services))
        door = SocketDoor(app.wsgi_app, state, services)
        for upgrade in (False, True):
            path = state.settings.prefix + SOCKET_PATH
            app.add_url_rule(path, "legacy_chat.socket", door.view, methods=["GET"], websocket=upgrade)
        app.wsgi_app = DoctorDoor(door, state)  # type: ignore[method-assign]
        # A site with a `flask chat` of its own keeps it.
        app.cli.add_command(group(), "chat" if "chat" not in app.cli.commands else "legacy-chat")
        user_logged_out.connect(on_logout, app)
        install_handler(state)

    def push(
        self,
        to: Person | Iterable[Person] | None = None,
        content: str | None = None,
        *,
        name: str | None = None,
        data: Any = None,
        gid: str | int | None = None,
        everybody: bool = False,
        durable: bool = False,
        sender: tuple[str, str] | None = None,
        at: datetime | int | None = None,
        every: timedelta | int | None = None,
    ) -> Pushed:
        """Say something to a person (`to`), to several, to a room (`gid`) or to `everybody`; whom it reached.

        A person is a uid, a `Member` or a user of the site.
        Text (`content`) is shown by the page, an event (`name`, `data`) is for the site's own script. `durable` text
        is a message as well, from `sender` (uid, name). `at` and `every` (or milliseconds) plan it: the answer's `id`
        is for `unschedule`. Raises a `ChatError`: `Unavailable` where nobody can take it.
        """
        if sum((to is not None, gid is not None, bool(everybody))) != 1:
            raise BadShape("Name exactly one of `to` (people), `gid` (a room) and `everybody`.")
        who = sender and {"uid": sender[0], "name": sender[1]}
        whom, room = None if to is None else uids_of(to), None if gid is None else gid_of(gid)
        if whom == []:
            raise BadShape("Nobody is named: `to` is empty.")
        push = make_push(
            whom, content=content, name=name, data=data, gid=room, all=everybody, durable=durable, sender=who, at=at,
            every=every,
        )  # fmt: skip
        return state_of_app().pushes.push(push)

    def unschedule(self, id: str) -> bool:
        """Forget a push that waits for its time; False where there is none."""
        return state_of_app().pushes.unschedule(id)

    def post(
        self, room: str | int, text: str, *, uid: Person = "site", name: str | None = None, session: Any = None
    ) -> Pushed | None:
        """A message to a room, in the name of `uid` (or a `Member`, or a user); whom it reached.

        With the site's SQLAlchemy `session` it goes out when that is committed, once, and never after a rollback.
        """
        who, gid = member_of(uid), gid_of(room)
        shown = name or (who.name if who.name != who.uid else None)
        if session is None:
            return state_of_app().pushes.post(gid, text, who.uid, shown)
        state_of_app().outbox.post(session, gid, text, who.uid, shown)
        return None

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
        return state_of_app().parts.offload.call(work)
