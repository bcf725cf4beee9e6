"""The HTTP API's own language: every body it takes and gives, one struct each, and how they are read and written.

The OpenAPI document is made from these structs, so what is described is what is checked. `core.push` holds the push.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ..errors import BadRequest, TooLarge
from .frames import Key, RequestId, Seq
from .push import Sender

T = TypeVar("T")

Scope = Literal["push", "rooms", "messages", "tokens", "presence", "webhooks", "keys", "metrics", "all"]
SCOPES: tuple[str, ...] = ("push", "rooms", "messages", "tokens", "presence", "webhooks", "keys", "metrics", "all")

Hook = Literal["user.online", "user.offline", "message.created", "message.deleted"]
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Role = Annotated[str, Meta(min_length=1, max_length=40)]
Limit = Annotated[int, Meta(ge=1, le=100)]
Cursor = Annotated[str, Meta(min_length=1, max_length=200, description="`next` of the page before")]
Time = Annotated[int, Meta(description="Milliseconds since the epoch")]


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a request carries: a word that we do not know is a mistake, not a guess."""


class Answer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What we answer; more fields may come, so readers pass over those they do not know."""


class Page(Body):
    limit: Limit = 50
    cursor: Cursor | UnsetType = UNSET


# -- rooms -------------------------------------------------------------------------------------------------


class NewRoom(Body):
    gid: Annotated[str, Meta(min_length=1, max_length=64)]
    name: Name | UnsetType = UNSET
    private: bool = False
    members: Annotated[list[Key], Meta(max_length=1000)] = []


class RoomInfo(Answer):
    gid: str
    name: str
    private: bool
    members: int
    seq: Annotated[int, Meta(description="The number of the newest message")]
    ts: Time


class RoomPage(Answer):
    rooms: list[RoomInfo]
    next: str | UnsetType = UNSET


class NewMember(Body):
    uid: Key


class MemberInfo(Answer):
    uid: str
    name: str
    online: bool
    away: bool
    seen: Time | None


class MemberPage(Answer):
    members: list[MemberInfo]
    next: str | UnsetType = UNSET


# -- messages ----------------------------------------------------------------------------------------------


class NewMessage(Body):
    content: Annotated[str, Meta(min_length=1)]
    sender: Sender = Sender()
    id: RequestId | UnsetType = UNSET


class MessageInfo(Answer):
    uid: str
    name: str
    content: str
    seq: int
    ts: Time
    mid: str
    id: str | UnsetType = UNSET


class Messages(Body):
    """Without `after` the newest page; `next` then leads to older ones, with `after` to newer ones."""

    limit: Limit = 50
    after: Seq | UnsetType = UNSET
    cursor: Annotated[str, Meta(pattern="^[ab][0-9]{1,18}$")] | UnsetType = UNSET


class MessagePage(Answer):
    messages: list[MessageInfo]
    next: str | UnsetType = UNSET


# -- people ------------------------------------------------------------------------------------------------


class NewToken(Body):
    uid: Key
    name: Name | UnsetType = UNSET
    avatar: Annotated[str, Meta(min_length=1, max_length=500)] | UnsetType = UNSET
    roles: Annotated[list[Role], Meta(max_length=20)] = []
    locale: Annotated[str, Meta(min_length=1, max_length=35)] | UnsetType = UNSET


class Token(Answer):
    token: str
    uid: str
    name: str
    expires: Time


class Whom(Body):
    uid: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(min_length=1, max_length=100)]


class PersonInfo(Answer):
    uid: str
    online: bool
    away: bool
    seen: Time | None


class PersonList(Answer):
    people: list[PersonInfo]


# -- webhooks ----------------------------------------------------------------------------------------------


class NewWebhook(Body):
    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    events: Annotated[list[Hook], Meta(min_length=1, max_length=10)]
    secret: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET


class WebhookChange(Body):
    url: Annotated[str, Meta(min_length=1, max_length=2000)] | UnsetType = UNSET
    events: Annotated[list[Hook], Meta(min_length=1, max_length=10)] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class WebhookInfo(Answer):
    id: int
    url: str
    events: list[str]
    created: Time
    disabled: Annotated[str | None, Meta(description="Why nothing is sent")]


class CreatedWebhook(WebhookInfo):
    secret: Annotated[str, Meta(description="Shown once: it signs what is sent")]


class WebhookList(Answer):
    webhooks: list[WebhookInfo]


class DeliveryInfo(Answer):
    id: int
    event: str
    type: str
    status: str
    attempts: int
    created: Time
    due: Time | None
    code: Annotated[int | None, Meta(description="The receiver's HTTP status")]
    error: str | None


class DeliveryPage(Answer):
    deliveries: list[DeliveryInfo]
    next: str | UnsetType = UNSET


# -- keys --------------------------------------------------------------------------------------------------


class NewKey(Body):
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=8)]


class ApiKey(Answer):
    """A key as it is kept: `hint` is its beginning, the rest is known to its owner alone."""

    id: int
    name: str
    hint: str
    scopes: list[str]
    created: Time
    used: Time | None
    revoked: Time | None

    def may(self, scope: str) -> bool:
        return "all" in self.scopes or scope in self.scopes


class CreatedKey(ApiKey):
    key: Annotated[str, Meta(description="Shown once")]


class KeyList(Answer):
    keys: list[ApiKey]


# -- errors ------------------------------------------------------------------------------------------------


class Problem(Answer):
    """RFC 9457. `code` never changes; `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retry_after: Annotated[float, Meta(description="Seconds")] | UnsetType = UNSET


# -- reading and writing -----------------------------------------------------------------------------------

encode = msgspec.json.Encoder().encode


class _Data(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"")


def decode(model: type[T], raw: bytes, most_data: int = 65536) -> T:
    """A request's body. Raises `BadRequest`, with the field that is to be mended.

    `data` may be any JSON, which is slow to read: `TooLarge` where it has more than `most_data` bytes.
    """
    try:
        if len(raw) > most_data and len(msgspec.json.decode(raw, type=_Data).data) > most_data:
            raise TooLarge(f"`data` has at most {most_data} bytes.")
        return msgspec.json.decode(raw, type=model)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body cannot be taken: {str(error).rstrip('.')}.") from None


def decode_query(model: type[T], given: Mapping[str, Sequence[str]]) -> T:
    """The words behind the `?`; one that is not a list stands there once. Raises `BadRequest`."""
    lists = {field.name for field in _fields(model) if isinstance(field.type, msgspec.inspect.ListType)}
    values = {name: list(words) if name in lists or len(words) > 1 else words[0] for name, words in given.items()}
    try:
        return msgspec.convert(values, model, strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise BadRequest(f"The query cannot be taken: {error}.") from None


def _fields(model: type) -> tuple[msgspec.inspect.Field, ...]:
    info = msgspec.inspect.type_info(model)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101 - every model is a struct
    return info.fields


def schemas(models: Sequence[type], ref: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The JSON schema of each model, and the components that they share; `ref` has `{name}`."""
    roots, components = msgspec.json.schema_components(models, ref_template=ref)
    return list(roots), components


def query_schemas(model: type) -> list[tuple[str, bool, dict[str, Any]]]:
    """`(name, required, schema)` of every word of a query."""
    _, components = msgspec.json.schema_components([model])
    schema = components[model.__name__]
    return [(name, name in schema.get("required", ()), part) for name, part in schema["properties"].items()]
