"""The site's own code that the chat calls: what a `Chat` was told, for all its apps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Changed = Callable[[str, bool], Any]


@dataclass
class Hooks:
    """`changed(uid, online)`: somebody came or went."""

    changed: list[Changed] = field(default_factory=list)
