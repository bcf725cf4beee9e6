"""`@chat.on`: the site's functions for events, for who comes and for who goes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ..core.push import checked_event_name

F = TypeVar("F", bound=Callable[..., Any])

CONNECT, CLOSE = "connect", "close"
_ALIASES = {"disconnect": CLOSE}  # the name in Flask-SocketIO


class Handler:
    """A function of the site that takes one argument, or none."""

    __slots__ = ("_bare", "function", "name")

    def __init__(self, function: Callable[..., Any]):
        self.name = name_of(function)
        check_plain("a handler", function)
        self.function = function
        self._bare = not _takes(self.name, function)

    def __call__(self, given: Any) -> Any:
        return self.function() if self._bare else self.function(given)


def _takes(name: str, function: Callable[..., Any]) -> bool:
    """Whether the function takes an argument. Raises `TypeError` where it takes more than one."""
    if fits(function, None):
        return True
    if fits(function):
        return False
    signature = inspect.signature(function)
    raise TypeError(f"{name}{signature} takes more than one argument: a handler gets the event's data, or nothing.")


def check_plain(kind: str, function: Any) -> None:
    """Raises `TypeError` for what cannot be called, or answers with a coroutine, which nobody would await."""
    if not callable(function):
        raise TypeError(f"{function!r} is no function: {kind} is one.")
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
        raise TypeError(f"{name_of(function)} is a coroutine: {kind} is a plain function, and may wait in it.")


def fits(function: Callable[..., Any], *arguments: Any) -> bool:
    """Whether the function can be called with these; taken for granted where one in C tells nothing of itself."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return True
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


def checked_rule(kind: str, function: F, *parameters: str) -> F:
    """The function, which the chat will call with these. Raises `TypeError` for what cannot be called so."""
    check_plain(f"`{kind}`", function)
    if not fits(function, *parameters):
        takes = f"{name_of(function)}{inspect.signature(function)}"
        raise TypeError(f"{takes} cannot be called with ({', '.join(parameters)}), as `{kind}` is.")
    return function


@dataclass
class Handlers:
    """Any number for who comes and who goes; for an event one, since what it returns is the answer."""

    connect: list[Handler] = field(default_factory=list)
    close: list[Handler] = field(default_factory=list)
    events: dict[str, Handler] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.connect or self.close or self.events)

    def add(self, name: str, function: F) -> F:
        """Raises `TypeError` for what cannot be called, `ValueError` for a name that cannot be, or is taken."""
        handler, name = Handler(function), _ALIASES.get(name, name)
        if name in (CONNECT, CLOSE):
            (self.connect if name == CONNECT else self.close).append(handler)
            return function
        if checked_event_name(name) in self.events:
            raise ValueError(f"{self.events[name].name} handles {name!r} already, and an event has one answer.")
        self.events[name] = handler
        return function


def name_of(function: Callable[..., Any]) -> str:
    """What a function of the site is called: in the log, and where several workers speak of it."""
    while isinstance(function, partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"
