import re

import pytest
from sqlalchemy import text

from legacy_chat.actions.keys import Keys, digest
from legacy_chat.errors import BadKey, BadRequest, Empty, Forbidden, NotFound, RateLimited


@pytest.fixture
def keys(parts):
    return Keys(parts)


def test_a_key_has_256_random_bits_and_no_trace_of_them_is_kept(keys, parts):
    kept, secret = keys.create("shop", ["push"])
    assert re.fullmatch(r"lc_[\w-]{43}", secret)
    row = parts.read(lambda c: c.execute(text("SELECT * FROM chat_keys")).one())
    assert secret[8:] not in str(row)
    assert digest(secret) in row
    assert kept.hint == secret[:7]


def test_a_key_opens_what_it_is_for(keys):
    secret = keys.create("shop", ["push"])[1]
    assert keys.check(secret, "push").name == "shop"
    with pytest.raises(Forbidden, match="`rooms`"):
        keys.check(secret, "rooms")


def test_a_key_for_all_opens_everything(keys):
    assert keys.check(keys.create("shop", ["all"])[1], "webhooks")


@pytest.mark.parametrize("secret", [None, "", "lc_", "lc_" + "x" * 43, "\udce9", "'; DROP TABLE chat_keys"])
def test_what_is_no_key_opens_nothing(keys, secret):
    keys.create("shop", ["all"])
    with pytest.raises(BadKey):
        keys.check(secret, "push")


def test_a_revoked_key_opens_nothing(keys):
    kept, secret = keys.create("shop", ["all"])
    assert keys.revoke(kept.id).revoked
    with pytest.raises(BadKey):
        keys.check(secret, "push")
    with pytest.raises(NotFound):
        keys.revoke(404)


def test_the_last_use_is_noted_at_most_once_a_minute(keys, clock):
    secret = keys.create("shop", ["all"])[1]
    used = []
    for pause in (0, 59_999, 1, 60_000):
        clock.now += pause
        keys.check(secret, "push")
        used.append(keys.listed()[0].used - 1_700_000_000_000)
    assert used == [0, 0, 60_000, 120_000]


def test_each_key_has_a_rate_of_its_own(make_parts):
    keys = Keys(make_parts(CHAT_API_RATE="0.001/2"))
    busy, quiet = (keys.create(name, ["all"])[1] for name in ("busy", "quiet"))
    keys.check(busy, "push")
    keys.check(busy, "push")
    with pytest.raises(RateLimited) as refused:
        keys.check(busy, "push")
    assert refused.value.retry_after > 0
    keys.check(quiet, "push")


@pytest.mark.parametrize(
    ("name", "scopes", "error"), [("", ["push"], Empty), ("x", ["root"], BadRequest), ("x", [], BadRequest)]
)
def test_a_key_that_makes_no_sense_is_not_made(keys, name, scopes, error):
    with pytest.raises(error):
        keys.create(name, scopes)
    assert keys.listed() == []
