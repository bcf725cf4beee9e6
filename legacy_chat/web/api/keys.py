"""`/keys`: who may use this API, and for what."""

from __future__ import annotations

from ...core.api import ApiKey, CreatedKey, KeyList, NewKey
from ...errors import Forbidden, NotFound
from .operation import Call, Operations

operations = Operations()
KEY = "/keys/<int:id>"


@operations("GET", "/keys", "keys", answer=KeyList)
def list_keys(call: Call) -> KeyList:
    """All keys, with their last use; never their text"""
    return KeyList(keys=call.services.keys.listed())


@operations("POST", "/keys", "keys", body=NewKey, answer=CreatedKey, status=201)
def create_key(call: Call) -> CreatedKey:
    """A new key, whose text is in this answer alone

    A key gives no scope that it lacks itself.
    """
    for scope in call.body.scopes:
        if not call.key.may(scope):
            raise Forbidden(f"This key lacks the scope `{scope}`, so it cannot give it.")
    kept, secret = call.services.keys.create(call.body.name, call.body.scopes)
    return CreatedKey(key=secret, **{name: getattr(kept, name) for name in ApiKey.__struct_fields__})


@operations("DELETE", KEY, "keys", answer=ApiKey, errors=(NotFound,))
def revoke_key(call: Call) -> ApiKey:
    """Revoke a key: from the answer on nothing is done for it"""
    return call.services.keys.revoke(call.path["id"])
