"""The site's own rules: who may join a room, bring others in, post in it, write to somebody, and what may be said.

A site gives them with `@chat.can_join`, `@chat.can_invite`, `@chat.can_post`, `@chat.can_message` and
`@chat.before_message`. They are asked about what people do, over whatever transport; what the site itself does (its
calls, its keys) is above them. Each is asked in the greenlet of the request, within a context of the app that ends with
it, so that a rule may work with the site's database and hands its connection back. Without rules nothing is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec

from ..core.model import Member, Room, Submission
from ..errors import ChatError, Forbidden, Internal, Refused
from .handlers import name_of
from .hooks import Hooks, Rule

log = logging.getLogger(__name__)

_NOT_HERE = "You may not be in this room."
_NO_GUESTS = "You may not bring anybody into this room."
_SITES_OWN = "The site itself says who is in this room: nobody can be invited."
_SILENT = "You may not write in this room."
_NOT_TO_THEM = "You may not write to this person."
_UNSAID = "This message is not allowed here."


class Rules:
    def __init__(self, hooks: Hooks | None = None, context: Callable[[], AbstractContextManager[Any]] = nullcontext):
        self._hooks = hooks or Hooks()
        self._context = context
        self._complained_of: list[Rule] = []

    @property
    def for_joining(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self._hooks.can_join)

    @property
    def for_inviting(self) -> bool:
        return bool(self._hooks.can_invite)

    def for_messages(self, in_room: bool) -> bool:
        hooks = self._hooks
        return bool(hooks.before_message or (hooks.can_post if in_room else hooks.can_message))

    def check_join(self, member: Member, room: Room) -> None:
        """Raises `Forbidden`, whatever else a rule raised, or `Internal` for its bugs; so do the others."""
        self._check(self._hooks.can_join, _NOT_HERE, member, room)

    def joinable(self, member: Member, rooms: Iterable[Room]) -> list[Room]:
        """Those of the rooms that they may join."""

        def may_join(hook: Rule, room: Room) -> bool:
            try:
                return self._is_yes(hook, hook(member, room))
            except Refused:
                return False

        def sift(hook: Rule) -> None:
            found[:] = [room for room in found if may_join(hook, room)]

        found = list(rooms)
        self._run(self._hooks.can_join, sift)
        return found

    def check_invite(self, member: Member, room: Room, uid: str) -> None:
        """Into rooms that people opened members may invite, into those of the site only by a rule."""
        if room.founder is None and not self.for_inviting:
            raise Forbidden(_SITES_OWN)
        self._check(self._hooks.can_invite, _NO_GUESTS, member, room, uid)

    def check_post(self, member: Member, room: Room) -> None:
        self._check(self._hooks.can_post, _SILENT, member, room)

    def check_message(self, member: Member, uid: str) -> None:
        self._check(self._hooks.can_message, _NOT_TO_THEM, member, uid)

    def passed(self, said: Submission) -> str:
        """The text as the rules let it pass, each given what the one before made of it."""

        content = said.content

        def let_pass(hook: Rule) -> None:
            nonlocal content
            content = _verdict(hook(msgspec.structs.replace(said, content=content)), content)

        self._run(self._hooks.before_message, let_pass)
        return content

    def _check(self, hooks: list[Rule], words: str, *arguments: Any) -> None:
        def ask(hook: Rule) -> None:
            if not self._is_yes(hook, hook(*arguments)):
                raise Forbidden(words)

        self._run(hooks, ask)

    def _is_yes(self, hook: Rule, answer: Any) -> bool:
        """A rule that ends without a word has not said yes; one that says neither yes nor no is in the log once."""
        if not isinstance(answer, bool) and hook not in self._complained_of:
            self._complained_of.append(hook)
            kind = type(answer).__name__
            log.warning("the rule %s answered %s, which is a no: it is to answer True or False", name_of(hook), kind)
        return answer is True

    def _run(self, hooks: list[Rule], ask: Callable[[Rule], None]) -> None:
        """Ask them one after the other; of none nothing is opened. Raises what a rule refuses, or `Internal`."""
        if not hooks:
            return
        hook = hooks[0]
        try:
            with self._context():
                for hook in hooks:
                    ask(hook)
        except (ChatError, KeyboardInterrupt):
            raise
        except BaseException:  # as for handlers
            log.exception("the rule %s of this site failed", name_of(hook))
            raise Internal("A rule of this site failed; it is in its log. Nothing was done.") from None


def _verdict(answer: Any, content: str) -> str:
    if answer is None or answer is True:
        return content
    if answer is False:
        raise Forbidden(_UNSAID)
    if not isinstance(answer, str):
        # Its kind alone: what was said stands in no log.
        kind = type(answer).__name__
        raise TypeError(f"before_message answered with {kind}: it is to answer None, True, False or a str")
    return answer
