"""The site's own code that the chat calls: what a `Chat` was told, for all its apps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .handlers import Handlers
from .tasks import Declared

Changed = Callable[[str, bool], Any]
Rule = Callable[..., Any]


@dataclass
class Hooks:
    """`changed(uid, online)`: somebody came or went.

    `member_loader(user)` says as whom a user of the site chats. `can_join(member, room)`,
    `can_invite(member, room, uid)`, `can_post(member, room)`, `can_message(member, uid)` and
    `before_message(submission)` are the site's own rules, asked in their order.
    `handlers` are those of the event library, `tasks` what was declared before a worker ran.
    """

    changed: list[Changed] = field(default_factory=list)
    member_loader: Callable[[Any], Any] | None = None
    can_join: list[Rule] = field(default_factory=list)
    can_invite: list[Rule] = field(default_factory=list)
    can_post: list[Rule] = field(default_factory=list)
    can_message: list[Rule] = field(default_factory=list)
    before_message: list[Rule] = field(default_factory=list)
    handlers: Handlers = field(default_factory=Handlers)
    tasks: Declared = field(default_factory=Declared)
