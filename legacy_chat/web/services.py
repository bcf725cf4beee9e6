"""What the HTTP API and the push door do their work with: one of each for a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..actions.answers import Answers
from ..actions.keys import Keys
from ..actions.parts import Parts
from ..actions.presence import Presence
from ..actions.push import Pushes
from ..actions.rooms import Rooms
from ..actions.site_messages import SiteMessages
from ..actions.webhooks import Webhooks

if TYPE_CHECKING:
    from ..state import State

T = TypeVar("T")


class Services:
    """Made at first use, and again where the parts are: after a fork they are new."""

    def __init__(self, state: State):
        self.state = state
        self._parts: Parts | None = None
        self._made: dict[Callable[..., Any], Any] = {}

    @property
    def parts(self) -> Parts:
        return self.state.parts

    def _one(self, kind: Callable[[Parts], T]) -> T:
        parts = self.parts
        if self._parts is not parts:
            self._parts, self._made = parts, {}
        if kind not in self._made:
            self._made[kind] = kind(parts)
        made: T = self._made[kind]
        return made

    @property
    def keys(self) -> Keys:
        return self._one(Keys)

    @property
    def answers(self) -> Answers:
        return self._one(Answers)

    @property
    def pushes(self) -> Pushes:
        return self.state.pushes

    @property
    def presence(self) -> Presence:
        return self.state.presence

    @property
    def webhooks(self) -> Webhooks:
        return self.state.webhooks

    @property
    def rooms(self) -> Rooms:
        return self._one(Rooms)

    @property
    def messages(self) -> SiteMessages:
        return self._one(SiteMessages)
