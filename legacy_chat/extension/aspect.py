"""What every aspect of `Chat` is made of: its hooks, and the state of the app that is being served."""

from __future__ import annotations

from flask import current_app

from ..actions.hooks import Hooks
from ..state import State

EXTENSION = "legacy_chat"


class Aspect:
    """Some of the calls that a `Chat` has. They need an app context, but for those that only register a function."""

    _hooks: Hooks


def state_of_app() -> State:
    """The chat of the current app. Raises Flask's RuntimeError outside of an app context."""
    state: State = current_app.extensions[EXTENSION]
    return state
