import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.core import api
from legacy_chat.core.push import Push
from legacy_chat.errors import BadRequest, TooLarge


def test_a_body_is_read_and_checked_in_one_pass():
    new = api.decode(api.NewRoom, b'{"gid": "a", "members": [7, "9"]}')
    assert (new.gid, new.members, new.private) == ("a", [7, "9"], False)


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"gid": ""}', b'{"gid": "a", "x": 1}', b'{"gid": "\xff"}', b"[" * 10_000]
)
def test_a_body_that_cannot_be_taken_says_what_is_wrong(raw):
    with pytest.raises(BadRequest, match=r"The body cannot be taken: .+\."):
        api.decode(api.NewRoom, raw)


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(raw):
    for model in (api.NewRoom, api.NewMessage, api.NewKey, api.WebhookChange):
        try:
            api.decode(model, raw)
        except BadRequest:
            pass


def test_data_that_would_take_long_to_read_is_not_read():
    lists = ",".join(["[]"] * 30_000)
    with pytest.raises(TooLarge):
        api.decode(Push, b'{"all": true, "name": "x", "data": [%s]}' % lists.encode())
    uids = ",".join(f'"{number:064}"' for number in range(10_000))
    assert len(api.decode(Push, b'{"uids": [%s], "content": "x"}' % uids.encode()).people) == 10_000


def test_a_query_has_numbers_words_and_lists():
    assert api.decode_query(api.Page, {"limit": ["7"]}).limit == 7
    assert api.decode_query(api.Whom, {"uid": ["7"]}).uid == ["7"]
    assert api.decode_query(api.Whom, {"uid": ["7", "9"]}).uid == ["7", "9"]


@pytest.mark.parametrize("given", [{"limit": ["101"]}, {"limit": ["1", "2"]}, {"size": ["1"]}, {"cursor": [""]}])
def test_a_query_that_cannot_be_taken_is_refused(given):
    with pytest.raises(BadRequest):
        api.decode_query(api.Page, given)


@given(st.dictionaries(st.sampled_from(["limit", "after", "cursor", "x"]), st.lists(st.text(), min_size=1, max_size=2)))
def test_whatever_is_asked_is_read_or_refused(given):
    try:
        query = api.decode_query(api.Messages, given)
    except BadRequest:
        return
    assert 1 <= query.limit <= 100


def test_a_page_without_more_has_no_next():
    assert api.encode(api.KeyList(keys=[])) == b'{"keys":[]}'
    assert api.encode(api.RoomPage(rooms=[])) == b'{"rooms":[]}'
    assert api.encode(api.RoomPage(rooms=[], next="7")) == b'{"rooms":[],"next":"7"}'


def test_the_schemas_name_what_they_share():
    roots, components = api.schemas([api.RoomPage, api.Problem], "#/x/{name}")
    assert roots == [{"$ref": "#/x/RoomPage"}, {"$ref": "#/x/Problem"}]
    assert components["RoomPage"]["properties"]["rooms"]["items"] == {"$ref": "#/x/RoomInfo"}


def test_a_query_is_described_word_by_word():
    described = {name: (required, schema["type"]) for name, required, schema in api.query_schemas(api.Whom)}
    assert described == {"uid": (True, "array")}
    assert [name for name, required, _ in api.query_schemas(api.Page) if required] == []


def test_a_key_for_all_may_everything():
    key = api.ApiKey(id=1, name="x", hint="lc_", scopes=["all"], created=0, used=None, revoked=None)
    assert key.may("push")
    assert not msgspec.structs.replace(key, scopes=["rooms"]).may("push")
