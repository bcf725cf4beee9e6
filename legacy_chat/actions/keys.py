"""Keys of back ends: 256 random bits each, of which only a digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from time import monotonic

from ..core.api import SCOPES, ApiKey
from ..core.limits import TokenBucket
from ..core.text import check_name
from ..errors import BadKey, BadRequest, Forbidden, NotFound, RateLimited
from ..storage import keys
from .parts import Parts

PREFIX = "lc_"

# Milliseconds for which one note of the last use is good enough.
_NOTED = 60_000


class Keys:
    def __init__(self, parts: Parts):
        self._parts = parts
        self._buckets: dict[int, TokenBucket] = {}

    def create(self, name: str, scopes: list[str]) -> tuple[ApiKey, str]:
        """A new key and its text, which is shown now and never again."""
        name, scopes = check_name(name, "key's name", 100), _check_scopes(scopes)
        secret = PREFIX + secrets.token_urlsafe(32)
        now = self._parts.clock()
        kept = self._parts.writer.call(lambda c: keys.add(c, name, digest(secret), secret[:7], scopes, now))
        return kept, secret

    def listed(self) -> list[ApiKey]:
        return self._parts.read(keys.listed)

    def revoke(self, key: int) -> ApiKey:
        """From the commit on nothing is done for it. Raises `NotFound`."""
        revoked = self._parts.writer.call(lambda c: keys.revoke(c, key, self._parts.clock()))
        if revoked is None:
            raise NotFound(f"There is no key {key}.")
        return revoked

    def check(self, secret: str | None, scope: str) -> ApiKey:
        """The key, if it may do this now. Raises `BadKey`, `RateLimited` or `Forbidden`."""
        key = self._find(secret)
        self._check_rate(key)
        self._note_use(key)
        if not key.may(scope):
            raise Forbidden(f"The key {key.name!r} lacks the scope `{scope}`: use one that has it.")
        return key

    def _find(self, secret: str | None) -> ApiKey:
        if not secret:
            raise BadKey("Send a key: `Authorization: Bearer lc_…` (flask chat key NAME makes one).")
        wanted = digest(secret)
        key = self._parts.read(lambda c: keys.find(c, wanted))
        if key is None or key.revoked is not None:
            raise BadKey("There is no such key, or it was revoked.")
        return key

    def _check_rate(self, key: ApiKey) -> None:
        now = monotonic()
        bucket = self._buckets.get(key.id)
        if bucket is None:
            bucket = self._buckets[key.id] = TokenBucket(self._parts.settings.api_rate, now)
        wait = bucket.ask(now)
        if wait:
            raise RateLimited("This key asks too often: wait.", retry_after=round(wait, 3))

    def _note_use(self, key: ApiKey) -> None:
        now = self._parts.clock()
        if key.used is None or now - key.used >= _NOTED:
            self._parts.writer.submit(lambda c: keys.mark_used(c, key.id, now), lambda _: None)


def digest(secret: str) -> str:
    """No salt and no stretching: nobody guesses 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _check_scopes(scopes: list[str]) -> list[str]:
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise BadRequest(f"There is no scope {', '.join(unknown) or 'named'}: choose from {', '.join(SCOPES)}.")
    return [scope for scope in SCOPES if scope in scopes]
