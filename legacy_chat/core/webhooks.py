"""Webhooks: what is sent, where it may go, and when it is tried again.

A delivery is one event on its way to one webhook. It follows Standard Webhooks (standardwebhooks.com): an id that stays
the same over all tries, the time of the try, a signature over both and the body.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from ..errors import BadRequest

TYPES = ("user.online", "user.offline", "message.created", "message.deleted")

# How a delivery stands: it waits for its (next) try, was taken, or was given up.
WAITING, DONE, FAILED = "waiting", "done", "failed"

SECRET_PREFIX = "whsec_"  # noqa: S105 - not a secret

# Random bytes of a secret: what Standard Webhooks allows.
_SECRET_BYTES = range(24, 65)

# Receivers of one webhook that fail in a row make it pause for the back-off's first steps, at most so long.
_LONGEST_PAUSE = 60.0

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where nobody on the open internet lives: this host, private and shared networks, documentation, multicast, the rest.
# Listed here, as Python's own `is_global` has said different things in different versions.
_INNER_V4 = [
    ipaddress.IPv4Network(inner)
    for inner in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
]
# Of IPv6 only 2000::/3 is in use; not what tunnels lead elsewhere (Teredo, 6to4), nor documentation.
_OPEN_V6 = ipaddress.IPv6Network("2000::/3")
_INNER_V6 = [ipaddress.IPv6Network(inner) for inner in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
# An IPv4 address in an IPv6 one: as the system maps it, and as a network without IPv4 does (NAT64).
_WRAPPED_V4 = [ipaddress.IPv6Network(wrapped) for wrapped in ("::ffff:0:0/96", "64:ff9b::/96")]


class Webhook(msgspec.Struct, frozen=True):
    """Where events of these types are sent; `disabled` says why nothing is."""

    id: int
    url: str
    events: list[str]
    secret: str
    created: int
    disabled: str | None = None

    def __repr__(self) -> str:
        return f"Webhook({self.id})"  # what is in logs and tracebacks holds no secret


class Delivery(msgspec.Struct, frozen=True):
    """One event for one webhook; `due` is None once it is over. `code` and `error` are of the last try."""

    id: int
    webhook: int
    event: str
    type: str
    body: str
    created: int
    attempts: int
    due: int | None
    status: str
    code: int | None = None
    error: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """How one try ended: the receiver's HTTP status, or why there was none."""

    code: int | None = None
    error: str | None = None

    @property
    def taken(self) -> bool:
        return self.code is not None and 200 <= self.code < 300

    @property
    def gone(self) -> bool:
        """The receiver wants nothing more, ever."""
        return self.code == 410


# -- what is sent --------------------------------------------------------------------------------------------------


def encode_body(type: str, data: Any, ts: int) -> str:
    """`ts` in milliseconds; on the wire it is ISO 8601, as Standard Webhooks has it."""
    moment = datetime.datetime.fromtimestamp(ts / 1000, datetime.timezone.utc)
    stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": type, "timestamp": stamp, "data": data}).decode()


def make_secret(random: bytes) -> str:
    return SECRET_PREFIX + base64.b64encode(random).decode()


# -- what is allowed -----------------------------------------------------------------------------------------------


def check_secret(secret: str) -> str:
    """Raises `BadRequest`."""
    try:
        raw = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not secret.startswith(SECRET_PREFIX) or len(raw) not in _SECRET_BYTES:
        raise BadRequest("A webhook's secret is `whsec_` and 24 to 64 random bytes in base64; leave it out to get one.")
    return secret


def check_events(events: Sequence[str]) -> list[str]:
    """Each once. Raises `BadRequest`."""
    if not events or not set(events) <= set(TYPES):
        raise BadRequest(f"Name at least one type of event: {', '.join(TYPES)}.")
    return [type for type in TYPES if type in events]


def check_url(url: str, private: bool = False) -> str:
    """An address that events may be sent to, as far as can be said without asking for its host.

    `private` allows hosts of the inner network. Raises `BadRequest`.
    """
    try:
        parts = _split(url)
    except ValueError as error:
        raise BadRequest(f"{error}; write it like https://shop.example/chat-events.") from None
    if not private and _is_inner(parts.hostname or ""):
        raise BadRequest("A webhook must not lead to a private address (CHAT_WEBHOOK_PRIVATE=1 allows it).")
    return url


def _split(url: str) -> SplitResult:
    if len(url) > 2000 or not url.isascii() or any(character <= " " or character in '\\"<>\x7f' for character in url):
        raise ValueError("The URL has at most 2000 characters, ASCII without blanks")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("The URL starts with https:// or http://")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("The URL holds no password and no #fragment")
    if not parts.hostname or "%" in parts.hostname or parts.port == 0:
        raise ValueError("The URL names no host")
    return parts


def _is_inner(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:  # a name: nobody knows before it is looked up
        return host == "localhost" or host.endswith(".localhost")


def is_public(text: str) -> bool:
    """Whether an IP address is one of the open internet. Raises `ValueError` where it is none."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return not _within(address, _INNER_V4)
    if _within(address, _WRAPPED_V4):
        return not _within(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF), _INNER_V4)
    return address in _OPEN_V6 and not _within(address, _INNER_V6)


def _within(address: _Address, networks: Sequence[_Network]) -> bool:
    return any(address in network for network in networks)


# -- when it is tried again ----------------------------------------------------------------------------------------


def next_try(attempts: int, delays: Sequence[float], chance: float) -> int | None:
    """Milliseconds from the failed try number `attempts` to the next; None: it is given up.

    `chance` from 0 to 1 spreads it by a fifth to either side, so that what failed together is not tried together.
    """
    if attempts > len(delays):
        return None
    return round(delays[attempts - 1] * 1000 * (0.8 + 0.4 * chance))


def pause(failures: int, delays: Sequence[float]) -> float:
    """Seconds that a webhook rests after so many failed tries in a row, whatever they were of.

    So a receiver that is down is asked once a minute, however much waits for it, while one event that it cannot
    digest holds up the others but for a moment.
    """
    if not failures or not delays:
        return 0.0
    return min(delays[min(failures, len(delays)) - 1], _LONGEST_PAUSE)
