"""`/tokens`, `/people` and `/presence`: let a person in, end what they have open, and ask who is here."""

from __future__ import annotations

from ...actions import sessions
from ...core.api import UNSET, NewToken, PersonInfo, PersonList, Token, Whom
from ...errors import BadText
from ..identity import last_name
from .operation import Call, Operations

operations = Operations()


@operations("POST", "/tokens", "tokens", body=NewToken, answer=Token, status=201, errors=(BadText,))
def create_token(call: Call) -> Token:
    """A signed connect token, with which a client logs in as that person

    `name` is what others see; without it the name last seen, or the uid. `avatar` is an https address or a path of the
    site; `roles` are the site's own words, for its rules.
    """
    state, new, uid = call.services.state, call.body, str(call.body.uid)
    name = last_name(call.services.parts, uid) or uid if new.name is UNSET else new.name
    avatar, locale = (None if value is UNSET else value for value in (new.avatar, new.locale))
    token, expires = state.tokens.mint(uid, name, avatar, new.roles, locale)
    member = state.tokens.verify(token)
    return Token(token=token, uid=member.uid, name=member.name, expires=expires * 1000)


@operations("DELETE", "/people/<uid>/connections", "tokens", status=204)
def end_connections(call: Call) -> None:
    """End what a person has open, as after a logout or a new password

    Sockets and polls on all devices are closed with 4440. Tokens that were made before are good until they expire.
    """
    sessions.end(call.services.parts, call.path["uid"], by=f"key {call.key.id}")


@operations("GET", "/presence", "presence", query=Whom, answer=PersonList)
def get_presence(call: Call) -> PersonList:
    """Who of these people is here, away, or when they were last seen

    `uid` may be repeated.
    """
    states = call.services.presence.state(call.query.uid)
    return PersonList(people=[PersonInfo(uid=s.uid, online=s.online, away=s.away, seen=s.seen) for s in states])
