"""Who somebody is: as whom a user of the site chats, tokens, and the end of what they have open."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from ..actions import sessions
from ..web.identity import device_of_request, last_name, uid_of
from .aspect import EXTENSION, Aspect, state_of_app


class IdentityCalls(Aspect):
    def member_loader(self, loader: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """`@chat.member_loader`: called with the user object, within the request; says as whom they chat.

        It answers a `Member`, or a dict with any of uid, name, avatar, roles and locale; None for somebody who may
        not chat. A site without Flask-Login is asked with None, and None is then nobody.
        """
        self._hooks.member_loader = loader
        return loader

    def token(
        self,
        uid: str,
        name: str | None = None,
        *,
        avatar: str | None = None,
        roles: Iterable[str] = (),
        locale: str | None = None,
    ) -> str:
        """A signed connect token for `uid`, good for CHAT_TOKEN_SECONDS; without a name it bears the one last seen.

        Raises `Empty`, `TooLong` or `BadText` for what could not stand in a chat.
        """
        state = state_of_app()
        return state.tokens.mint(uid, name or last_name(state.parts, str(uid)), avatar, roles, locale)

    def disconnect(self, uid: str, device: str | None = None) -> None:
        """Close somebody's sockets (those of one device, where given) at once; they must log in again."""
        sessions.end(state_of_app().parts, uid, device)


def on_logout(app: Flask, user: Any = None, **_: Any) -> None:
    """Flask-Login's signal: whoever logs out has no open socket, on no device unless CHAT_LOGOUT_EVERYWHERE is off."""
    if EXTENSION not in app.extensions or user is None or user.get_id() is None:
        return
    state = state_of_app()
    device = None if state.settings.logout_everywhere else device_of_request()
    uid = uid_of(user)
    sessions.end(state.parts, uid, device, by=uid)
