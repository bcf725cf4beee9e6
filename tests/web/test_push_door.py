import json

import pytest

from legacy_chat.actions.keys import Keys
from legacy_chat.backplane.contract import Reach, ToAll, ToPeople


@pytest.fixture
def told(host) -> list:
    """What a worker hands on: ada (7) has two pages open, nobody else is here."""
    notices: list = []

    def count(notice) -> Reach:
        return Reach() if isinstance(notice, ToPeople) and "7" not in notice.uids else Reach(1, 2)

    host.extensions["legacy_chat"].parts.backplane.subscribe(notices.append, count)
    return notices


@pytest.fixture
def knock(host, told):
    """`knock(to="7", content="x")` by GET with a key; answers `(status, text)`."""
    keys = Keys(host.extensions["legacy_chat"].parts)
    secret = keys.create("script", ["push"])[1]

    def knock(method="GET", **words):
        words = {"type": "publish", "key": secret, **words}
        place = "query_string" if method in ("GET", "HEAD") else "data"
        answer = host.test_client().open("/chat/push", method=method, **{place: words})
        assert answer.mimetype == "text/plain"
        return answer.status_code, answer.text

    knock.keys = keys
    return knock


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_ada_who_is_here_is_reached(knock, told, method):
    assert knock(method, to="7", content="5 < 6 & 小明") == (200, "ok")
    [notice] = told
    assert notice.uids == ("7",)
    assert json.loads(notice.frame) == {"type": "event", "name": "push", "data": {"content": "5 < 6 & 小明"}}


def test_ben_who_is_away_is_offline(knock):
    assert knock(to="9", content="x") == (200, "offline")


@pytest.mark.parametrize("words", [{"to": ""}, {}])
def test_without_a_name_it_is_for_everybody(knock, told, words):
    assert knock(content="x", **words) == (200, "ok")
    assert isinstance(told[0], ToAll)


@pytest.mark.parametrize("key", ["", "lc_wrong", "\x00", "小明"])
def test_a_wrong_key_opens_nothing(knock, told, key):
    assert knock(to="7", content="x", key=key) == (401, "fail")
    assert told == []


def test_a_key_for_something_else_or_a_revoked_one_opens_nothing(knock, told):
    other, reader = knock.keys.create("reader", ["presence"])
    assert knock(content="x", key=reader) == (403, "fail")
    knock.keys.revoke(other.id)
    assert knock(content="x", key=reader) == (401, "fail")
    assert told == []


@pytest.mark.parametrize(
    "words", [{"content": ""}, {"content": "x" * 4001}, {"content": "\x00"}, {"to": "7" * 65}, {"type": "subscribe"}]
)
def test_what_makes_no_sense_fails(knock, told, words):
    assert knock(**{"content": "x", **words}) == (422, "fail")
    assert told == []


def test_who_only_looks_pushes_nothing(knock, told):
    assert knock("HEAD", content="x")[0] == 405
    assert told == []


def test_the_key_may_stand_in_a_header(host, knock, told):
    keyed = {"Authorization": f"Bearer {knock.keys.create('script', ['push'])[1]}"}
    answer = host.test_client().post("/chat/push", data={"type": "publish", "content": "x"}, headers=keyed)
    assert answer.text == "ok"


def test_where_no_worker_runs_it_fails(host):
    secret = Keys(host.extensions["legacy_chat"].parts).create("script", ["push"])[1]
    answer = host.test_client().get("/chat/push", query_string={"type": "publish", "content": "x", "key": secret})
    assert (answer.status_code, answer.text) == (503, "fail")


def test_nobody_is_read_without_end_to_find_their_key(host, knock, told):
    long = b"key=" + b"x" * 2_000_000
    form = "application/x-www-form-urlencoded"
    answer = host.test_client().post("/chat/push", data=long, content_type=form)
    assert (answer.status_code, answer.text) == (413, "fail")
    answer = host.test_client().post("/chat/push", data=b"key=x" + b"&a=" * 10_000, content_type=form)
    assert (answer.status_code, answer.text) == (422, "fail")
