"""Who somebody is: as whom a user of the site chats, tokens, and the end of what they have open."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from ..actions import sessions
from ..actions.handlers import checked_rule
from ..web.identity import device_of_request, last_name, uid_of
from .aspect import EXTENSION, Aspect, state_of_app
from .whom import Person, member_of
from .whom import uid_of as uid_of_person


class IdentityCalls(Aspect):
    def member_loader(self, loader: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """`@chat.member_loader`: called with the user object, within the request; says as whom they chat.

        It answers a `Member`, or a dict with any of uid, name, avatar, roles and locale; None for somebody who may
        not chat. A site without Flask-Login is asked with None, and None is then nobody. Raises `TypeError` for what
        cannot be called so.
        """
        self._hooks.member_loader = checked_rule("member_loader", loader, "user")
        return loader

    def token(
        self,
        uid: Person,
        name: str | None = None,
        *,
        avatar: str | None = None,
        roles: Iterable[str] = (),
        locale: str | None = None,
    ) -> str:
        """A signed connect token for somebody, good for CHAT_TOKEN_SECONDS: a uid, a `Member` or a user of the site.

        It says what is known of a `Member` or user, unless it is given here. For a uid without a name it bears the
        one last seen. Raises `Empty`, `TooLong` or `BadText` for what could not stand in a chat, `BadShape` for what is
        nobody, and `Forbidden` for a user whom the site does not let in.
        """
        state, who = state_of_app(), member_of(uid)
        known = who.name if who.name != who.uid else last_name(state.parts, who.uid)
        named = ((roles,) if isinstance(roles, str) else tuple(roles)) or who.roles
        return state.tokens.mint(who.uid, name or known, avatar or who.avatar, named, locale or who.locale).token

    def disconnect(self, uid: Person, device: str | None = None) -> None:
        """Close somebody's sockets (those of one device, where given) at once; they must log in again.

        Raises `BadShape` for what is no uid, `Member` or user of the site.
        """
        sessions.end(state_of_app().parts, uid_of_person(uid), device)


def on_logout(app: Flask, user: Any = None, **_: Any) -> None:
    """Flask-Login's signal: whoever logs out has no open socket, on no device unless CHAT_LOGOUT_EVERYWHERE is off."""
    if EXTENSION not in app.extensions or user is None or user.get_id() is None:
        return
    state = state_of_app()
    device = None if state.settings.logout_everywhere else device_of_request()
    uid = uid_of(user)
    sessions.end(state.parts, uid, device, by=uid)
