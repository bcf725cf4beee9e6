"""Who asks: the site's own login, or a signed connect token."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask, current_app, has_request_context, request
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeSerializer

from ..actions.parts import Parts
from ..core.model import Member
from ..core.text import check_avatar, check_name, check_uid, fit_name
from ..errors import BadText, BadToken, ChatError, Forbidden, Unavailable
from ..storage import people

if TYPE_CHECKING:
    from ..state import State

log = logging.getLogger(__name__)

_SALT = "legacy_chat.connect"

_FIELDS = {"uid", "name", "avatar", "roles", "locale"}

# Characters of a locale and of a role, and how many roles: a token is to fit into an address.
_LOCALE = 35
_ROLE = 40
_ROLES = 20

Environ = dict[str, Any]
Identify = Callable[[Environ], Member | None]  # whose request it is; None for nobody


def member_of_request(app: Flask, environ: Environ) -> Member | None:
    """The person whose session cookie came with a request, asked of Flask-Login; None for nobody.

    The request context ends before this returns, so no session, database connection or `g` outlives the question.
    A view asks within its own. Raises `Forbidden` for somebody whom the site does not let into its chat, and
    `Unavailable` where the site's own code failed, as its log says.
    """
    if has_request_context() and request.environ is environ:
        return current_member()
    try:
        with app.request_context(environ):
            return current_member()
    except ChatError:
        raise
    except Exception:
        log.exception("the site could not say who asks")
        raise Unavailable("The site could not say who you are: try again.", retry_after=5.0) from None


def current_member() -> Member | None:
    """As `member_of_request`, for the request that is being answered; errors of the site's own code pass through."""
    if not hasattr(current_app, "login_manager"):  # its member_loader knows by itself who asks
        given = _load(None) if _loader() else None
        return None if given is None else member_from(given, device_of_request())
    user = current_user._get_current_object()
    if user is None or not (user.is_authenticated and getattr(user, "is_active", True)):
        return None
    return member_of_user(user, device_of_request())


def member_of_user(user: Any, device: str | None = None) -> Member:
    """As whom a user of the site chats. Raises `Forbidden` for one whom it does not let in, and as `member_from`."""
    given = _load(user)
    if given is None:
        raise Forbidden("The site does not let you into its chat.")
    return member_from(given, device, user.get_id())


def uid_of(user: Any) -> str:
    """As whom a user of the site chats, or did until the site let them in no more."""
    try:
        given = _load(user) if _loader() else None
        return member_from(given, None, user.get_id()).uid if given is not None else str(user.get_id())
    except Exception:
        log.exception("the site could not say as whom a user chats")
        return str(user.get_id())


def is_person(uid: str) -> bool:
    """Whether the user who is logged in, in this context, chats under that uid.

    Without a `member_loader` nobody is asked: there the uids are those of the users.
    """
    if _loader() is None:
        return True
    try:
        user = current_user._get_current_object()
        return bool(user.is_authenticated) and member_of_user(user).uid == uid
    except Exception:  # a uid that the site's own code cannot look up, or somebody who may not chat any more
        log.debug("no user of the site is the person %s", uid, exc_info=True)
        return False


def member_from(given: Any, device: str | None, uid: Any = None, asked: str = "member_loader") -> Member:
    """A member from what the site's own code (`asked`) answered: a Member, or a dict with some of its fields.

    Raises `Forbidden` where the uid (default: the one given here) cannot stand in a chat, and TypeError for what is no
    answer.
    """
    fields = _fields(given, asked)
    try:
        return _member(**{"uid": uid, **fields, "device": device})
    except ChatError as error:
        log.error("a user of this site cannot chat: %s", error.message)
        raise Forbidden(f"You cannot chat here: {error.message}") from None


def _load(user: Any) -> Any:
    loader = _loader()
    return loader(user) if loader else _as_it_looks(user)


def _loader() -> Callable[[Any], Any] | None:
    """What the site gave with `@chat.member_loader`."""
    state: State = current_app.extensions["legacy_chat"]
    return state.hooks.member_loader


def _fields(given: Any, asked: str) -> dict[str, Any]:
    if isinstance(given, Member):
        return {name: getattr(given, name) for name in _FIELDS}
    if not isinstance(given, Mapping) or not given.keys() <= _FIELDS:
        words = f"a Member, None or a dict with {', '.join(sorted(_FIELDS))}"
        raise TypeError(f"{asked} answered {_in_short(given)}: it is to answer {words}")
    return {name: value for name, value in given.items() if value is not None}


def _in_short(given: Any) -> str:
    """For the log: nothing of a person's record but the names of its fields."""
    if isinstance(given, Mapping):
        return f"a dict with {', '.join(map(str, given))}"
    return repr(given) if isinstance(given, str | int) else type(given).__name__


def _as_it_looks(user: Any) -> dict[str, Any]:
    """What can be told from a user object of any site."""
    return {
        "name": _first_text(user, "name", "username", "display_name"),
        "avatar": _first_text(user, "avatar", "avatar_url"),
        "roles": _roles_of(user),
        "locale": _locale_of(user),
    }


def _first_text(user: Any, *attributes: str) -> str | None:
    values = (getattr(user, attribute, None) for attribute in attributes)
    return next((value for value in values if isinstance(value, str) and value.strip()), None)


def _roles_of(user: Any) -> list[str]:
    """The words of `roles` and `role`; `is_admin` is the role "admin"."""
    roles = getattr(user, "roles", None)
    many = roles.split(",") if isinstance(roles, str) else roles if isinstance(roles, Iterable) else ()
    words = [_word(role) for role in (*many, getattr(user, "role", None))]
    admin = getattr(user, "is_admin", False)  # a method would say yes of everybody
    words += ["admin"] if isinstance(admin, int) and admin else []
    return list(dict.fromkeys(word for word in words if word))


def _word(role: Any) -> str | None:
    """A role is a word, an Enum of words, or an object with a name."""
    values = (role, getattr(role, "value", None), getattr(role, "name", None))
    return next((value.strip() for value in values if isinstance(value, str)), None)


def _locale_of(user: Any) -> str | None:
    locale = getattr(user, "locale", None)
    return None if locale is None or callable(locale) else str(locale)


def _member(
    uid: Any,
    name: str | None = None,
    device: str | None = None,
    avatar: str | None = None,
    roles: Iterable[str] = (),
    locale: str | None = None,
) -> Member:
    """Raises a `ChatError` for a uid that cannot stand in a chat; all else is made to fit."""
    if uid is None:
        raise BadText("There is no uid.")
    uid = check_uid(str(uid))
    shown = fit_name(name or "") or uid
    return Member(uid, shown, device, _picture(avatar), _words(roles), (locale or "")[:_LOCALE] or None)


def _picture(address: str | None) -> str | None:
    try:
        return check_avatar(address) if address else None
    except ChatError as error:
        log.info("an avatar is not shown: %s", error.message)
        return None


def _words(roles: Iterable[str]) -> tuple[str, ...]:
    given = (roles,) if isinstance(roles, str) else roles
    return tuple(str(role)[:_ROLE] for role in given)[:_ROLES]


def device_of_request() -> str:
    """Tells one person's browsers apart, roughly: a logout ends the sockets of the browser it came from.

    The address is left out, since a phone changes it between handshake and logout.
    """
    return device_of(request.environ)


def device_of(environ: Environ) -> str:
    """As `device_of_request`, outside of Flask."""
    return hashlib.sha256(environ.get("HTTP_USER_AGENT", "").encode()).hexdigest()[:16]


def last_name(parts: Parts, uid: str) -> str | None:
    """The name under which somebody was last here."""
    return parts.read(lambda c: people.find_name(c, uid))


class Minted(NamedTuple):
    """A connect token, and the second since the epoch at which it expires."""

    token: str
    expires: int


class Tokens:
    """Connect tokens: signed with the app's SECRET_KEY; uid, name, the second at which they expire, and what was said
    beside that.
    """

    def __init__(self, secret_key: str | bytes, seconds: float):
        self._serializer = URLSafeSerializer(secret_key, salt=_SALT)
        self._seconds = seconds

    def mint(
        self,
        uid: str,
        name: str | None = None,
        avatar: str | None = None,
        roles: Iterable[str] = (),
        locale: str | None = None,
    ) -> Minted:
        """Raises a `ChatError` where uid, name or avatar could not stand in a chat."""
        uid = check_uid(str(uid))
        told = {"avatar": avatar and check_avatar(avatar), "roles": _words(roles), "locale": locale}
        more = {name: value for name, value in told.items() if value}
        expires = int(time.time() + self._seconds)
        token = self._serializer.dumps([uid, check_name(name or uid), expires, *([more] if more else [])])
        return Minted(token if isinstance(token, str) else token.decode(), expires)

    def verify(self, token: str) -> Member:
        """Raises `BadToken`, with words for whoever has to mend it."""
        try:
            uid, name, expires, *more = self._serializer.loads(token)
            member = _member(check_uid(uid), check_name(name), **(more[0] if more else {}))
            expired = time.time() >= expires
        except (BadSignature, ValueError, TypeError, AttributeError, ChatError):
            raise BadToken("The connect token is not one of this site: ask the site for a new one.") from None
        if expired:
            raise BadToken("The connect token has expired: ask the site for a new one.")
        return member
