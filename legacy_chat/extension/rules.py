"""The site's own rules: who may join, invite, post, write to somebody, and what may be said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..actions.handlers import checked_rule
from ..core.model import Member, Room, Submission
from .aspect import Aspect

AboutRoom = Callable[[Member, Room], Any]
AboutGuest = Callable[[Member, Room, str], Any]
AboutPerson = Callable[[Member, str], Any]
AboutText = Callable[[Submission], Any]


class RuleCalls(Aspect):
    """Several rules of a kind are asked in their order. Each is called within the app's context, which ends with the
    message; whatever it raises that is no `ChatError` is logged and refuses as `internal`. `TypeError` at once for what
    cannot be called with what a rule of its kind gets, and for a coroutine.
    """

    def can_join(self, rule: AboutRoom) -> AboutRoom:
        """`@chat.can_join`: may this member belong to the room? Only True is a yes; or raise `Refused("why")`."""
        self._hooks.can_join.append(checked_rule("can_join", rule, "member", "room"))
        return rule

    def can_invite(self, rule: AboutGuest) -> AboutGuest:
        """`@chat.can_invite`: may this member bring the person with that uid into the room? Answers as `can_join`.

        Without such a rule members invite into rooms that people opened, and nobody into those of the site.
        """
        self._hooks.can_invite.append(checked_rule("can_invite", rule, "member", "room", "uid"))
        return rule

    def can_post(self, rule: AboutRoom) -> AboutRoom:
        """`@chat.can_post`: may this member, who belongs to the room, say something in it? Answers as `can_join`."""
        self._hooks.can_post.append(checked_rule("can_post", rule, "member", "room"))
        return rule

    def can_message(self, rule: AboutPerson) -> AboutPerson:
        """`@chat.can_message`: may this member write to the person with that uid? Answers as `can_join`."""
        self._hooks.can_message.append(checked_rule("can_message", rule, "member", "uid"))
        return rule

    def before_message(self, rule: AboutText) -> AboutText:
        """`@chat.before_message`: None or True lets it pass, a str is said instead, False or `Refused` refuses."""
        self._hooks.before_message.append(checked_rule("before_message", rule, "message"))
        return rule
