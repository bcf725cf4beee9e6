"""Whom and which room a call of the site is about, in all the ways in which a site may say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from werkzeug.local import LocalProxy

from ..core.model import Member
from ..core.text import check_uid
from ..errors import BadShape
from ..web import identity

Person = Any
"""A uid (str, int or UUID), a `Member`, or a user of the site: an object with Flask-Login's `get_id`."""

_TAKEN = "a uid (str or int), a Member, or a user of the site (an object with get_id)"


def member_of(person: Person) -> Member:
    """Somebody with all that was said of them; whoever was named by uid alone goes by the uid.

    Raises `BadShape` for what is nobody, `BadText`, `Empty` or `TooLong` for a uid that cannot be one, and `Forbidden`
    for a user whom the `member_loader` does not let into the chat.
    """
    person = _itself(person)
    key = _key(person)
    if key is not None:
        return Member(check_uid(key), check_uid(key))
    if isinstance(person, Member):
        told = Member(_uid(person), person.name, None, person.avatar, person.roles, person.locale)
        return identity.member_from(told, person.device)
    _uid(person)
    return identity.member_of_user(person)


def uid_of(person: Person) -> str:
    """As `member_of`, for those too who may not chat any more."""
    return _uid(_itself(person))


def members_of(people: Person | Iterable[Person]) -> list[Member]:
    """Each once, in their order; one person will do. Raises as `member_of`."""
    found = [member_of(person) for person in _several(people)]
    return list({member.uid: member for member in found}.values())


def uids_of(people: Person | Iterable[Person]) -> list[str]:
    """Each once, in their order; one person will do. Raises as `uid_of`."""
    return list(dict.fromkeys(uid_of(person) for person in _several(people)))


def gid_of(room: Any) -> str:
    """A room's key, given as a str, an int or a UUID. Raises `BadShape`."""
    key = _key(room)
    if key is None:
        raise BadShape(f"A room's key is a str or an int, not {_named(room)}.")
    return key


def _several(people: Any) -> Iterable[Any]:
    people = _itself(people)
    single = isinstance(people, str | bytes | Mapping) or hasattr(people, "get_id") or not isinstance(people, Iterable)
    return (people,) if single else people


def _itself(person: Any) -> Any:
    """Behind `current_user`."""
    return person._get_current_object() if isinstance(person, LocalProxy) else person


def _key(given: Any) -> str | None:
    return str(given) if isinstance(given, str | int | UUID) and not isinstance(given, bool) else None


def _uid(person: Any) -> str:
    if isinstance(person, Member):
        person = person.uid
    key = _key(person)
    if key is not None:
        return check_uid(key)
    if isinstance(person, type) or not callable(getattr(person, "get_id", None)):
        raise BadShape(f"This is about {_TAKEN}, not about {_named(person)}.")
    given = person.get_id()
    # A row that is not stored yet says "None".
    if given is None or (given == "None" and getattr(person, "id", "") is None):
        raise BadShape(f"This {type(person).__name__} has no id: nobody is logged in, or it is not stored yet.")
    return identity.uid_of(person)


def _named(given: Any) -> str:
    """What it is, and nothing of what it holds."""
    if given is None or isinstance(given, bool):
        return repr(given)
    return f"the class {given.__name__}" if isinstance(given, type) else f"an object of type {type(given).__name__}"
