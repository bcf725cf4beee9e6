import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from legacy_chat.core import frames
from legacy_chat.core.model import Conversation, Membership, Message
from legacy_chat.errors import BadFrame, BadJSON, BadShape, RateLimited, UnknownType

# One frame of each type, with every field it may have.
FULL = {
    "login": {"content": "hi", "token": "t", "resume": {"epoch": "e", "seqs": {"g:lobby": 41, "p:9": 7}}},
    "group": {"gid": "lobby", "content": "hi"},
    "pm": {"uid": "9", "content": "hi"},
    "join": {"gid": "lobby"},
    "leave": {"gid": "lobby"},
    "create": {"name": "Board", "private": True},
    "invite": {"gid": "board", "uid": "9"},
    "rooms": {},
    "history": {"gid": "lobby", "before": 9, "limit": 10},
    "members": {"gid": "lobby"},
    "typing": {"uid": "9"},
    "read": {"gid": "lobby", "seq": 3},
    "away": {"away": True},
    "event": {"name": "move", "data": {"to": ["e4", None, 1.5]}},
    "ping": {},
}


def decode(value) -> frames.Request:
    return frames.decode(value if isinstance(value, bytes) else json.dumps(value).encode())


def wire(event) -> dict:
    """What a client gets."""
    return json.loads(frames.encode(event))


# -- client → server ---------------------------------------------------------------------------------------


def test_every_client_frame_stands_in_this_table():
    assert {frame.__struct_config__.tag for frame in frames.CLIENT_FRAMES} == set(FULL)


@pytest.mark.parametrize("kind", FULL)
def test_a_frame_with_all_its_fields_is_understood(kind):
    request = decode({"type": kind, "id": "1", **FULL[kind]})
    assert request.__struct_config__.tag == kind
    assert request.id == "1"


@pytest.mark.parametrize("kind", FULL)
def test_a_frame_without_id_is_understood_too(kind):
    assert decode({"type": kind, **FULL[kind]}).id is UNSET


@pytest.mark.parametrize("kind", FULL)
def test_fields_of_a_later_version_are_passed_over(kind):
    assert decode({"type": kind, **FULL[kind], "colour": {"red": [1, 2.5, None, True]}})


@pytest.mark.parametrize(
    ("kind", "field"), [("group", "gid"), ("join", "gid"), ("pm", "uid"), ("history", "uid"), ("members", "gid")]
)
@pytest.mark.parametrize(("number", "key"), [(123, "123"), (0, "0"), (-5, "-5"), (2**63 - 1, str(2**63 - 1))])
def test_a_key_that_comes_as_a_number_means_the_same_key(kind, field, number, key):
    rest = {name: value for name, value in FULL[kind].items() if name not in ("gid", "uid")}
    assert str(getattr(decode({"type": kind, field: number, **rest}), field)) == key


@pytest.mark.parametrize("gid", ["order-3", 3, "", None, ["order-3"]])
def test_nobody_chooses_the_key_of_a_room_that_they_open(gid):
    """Else anybody could take the key under which the site is about to make a room of its own."""
    with pytest.raises(BadShape, match="leave out `gid`") as refused:
        decode({"type": "create", "name": "Ours", "gid": gid, "id": "c1"})
    assert refused.value.request_id == "c1"


@pytest.mark.parametrize("kind", ["history", "typing", "read"])
@pytest.mark.parametrize("keys", [{}, {"gid": "lobby", "uid": "9"}])
def test_a_room_or_a_person_is_named_and_not_both(kind, keys):
    with pytest.raises(BadShape, match="either"):
        decode({"type": kind, "seq": 1, **keys})


def test_a_page_of_history_goes_one_way():
    with pytest.raises(BadShape, match="not both"):
        decode({"type": "history", "gid": "lobby", "before": 9, "after": 1})


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "group", "gid": "lobby"},
        {"type": "group", "content": "hi"},
        {"type": "group", "gid": "lobby", "content": None},
        {"type": "group", "gid": "lobby", "content": ["hi"]},
        {"type": "group", "gid": "lobby", "content": 5},
        {"type": "group", "gid": None, "content": "hi"},
        {"type": "group", "gid": "", "content": "hi"},
        {"type": "group", "gid": "a" * 65, "content": "hi"},
        {"type": "group", "gid": True, "content": "hi"},
        {"type": "group", "gid": 1.5, "content": "hi"},
        {"type": "group", "gid": 2**63, "content": "hi"},
        {"type": "pm", "uid": {}, "content": "hi"},
        {"type": "history", "gid": "lobby", "limit": 0},
        {"type": "history", "gid": "lobby", "limit": 101},
        {"type": "history", "gid": "lobby", "before": -1},
        {"type": "read", "gid": "lobby", "seq": 2**63},
        {"type": "read", "gid": "lobby", "seq": "3"},
        {"type": "create", "name": "Board", "private": "yes"},
        {"type": "login", "resume": {"seqs": {"g:lobby": -1}}},
        {"type": "login", "resume": {"seqs": {f"g:{n}": 1 for n in range(1001)}}},
        {"type": "login", "token": "t" * 4097},
        {"type": "ping", "id": ""},
        {"type": "ping", "id": "i" * 65},
        {"type": "ping", "id": 5},
        {"type": "ping", "id": None},
        {"type": 5},
        {"type": None},
        {"gid": "lobby"},
        {},
    ],
)
def test_a_frame_that_does_not_fit_its_type_is_refused(fields):
    with pytest.raises(BadShape):
        decode(fields)


@pytest.mark.parametrize("value", [[], 5, "ping", None, True])
def test_a_frame_is_an_object(value):
    with pytest.raises(BadShape):
        decode(value)


@pytest.mark.parametrize("kind", ["", "dance", "groupPm", "Login", "a" * 10_000, "\x00", "</script>"])
def test_an_unknown_type_is_called_so(kind):
    with pytest.raises(UnknownType):
        decode({"type": kind})


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" ", id="a space"),
        pytest.param(b"hello", id="not JSON"),
        pytest.param(b"\x00", id="NUL"),
        pytest.param(b'\xef\xbb\xbf{"type":"ping"}', id="a byte order mark"),
        pytest.param(b'{"type":"ping"', id="cut short"),
        pytest.param(b'{"type":"ping"}}', id="one brace too many"),
        pytest.param(b'{"type":"ping"}{"type":"ping"}', id="two frames"),
        pytest.param(b'{"type":"ping",}', id="a comma too many"),
        pytest.param(b"{'type':'ping'}", id="single quotes"),
        pytest.param(b'{"type":"login","content":NaN}', id="NaN"),
        pytest.param(b'{"type":"login","content":-Infinity}', id="Infinity"),
        pytest.param(b'{"type":"login","content":1e999}', id="1e999"),
        pytest.param(b'{"type":"login","content":01}', id="a leading zero"),
        pytest.param(b'{"type":"group","gid":"lobby","content":"\\ud800"}', id="a lone surrogate"),
        pytest.param(b'{"type":"group","gid":"lobby","content":"\x01"}', id="a bare control character"),
        pytest.param(b'{"type":"group","gid":"lobby","content":"\xff"}', id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="100 000 brackets"),
        pytest.param(b'{"a":' * 100_000, id="100 000 braces"),
        pytest.param(b'{"type":"login","content":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="depth 100 000"),
    ],
)
def test_what_is_not_strict_json_is_refused(raw):
    with pytest.raises(BadFrame):
        frames.decode(raw)


@pytest.mark.parametrize("depth", [10, 500, 900, *range(940, 1010), 5000])
@pytest.mark.parametrize("field", [b"content", b"unknown"])
def test_depth_is_either_fine_or_a_bad_frame(depth, field):
    raw = b'{"type":"login","' + field + b'":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    try:
        frames.decode(raw)
    except BadFrame:
        pass


@pytest.mark.parametrize("field", ["content", "unknown", "id", "token"])
@pytest.mark.parametrize("digits", [19, 20, 400, 4300, 4301, 60_000])
def test_a_huge_number_is_either_fine_or_a_bad_frame(field, digits):
    raw = b'{"type":"login","%s":%s}' % (field.encode(), b"9" * digits)
    try:
        frames.decode(raw)
    except BadFrame:
        pass


@pytest.mark.parametrize("tail", [b"", b"!", b',"gid"', b"}}", b',"x":\xff}', b',"x":[[}', b',"x":"\\ud800"}'])
@pytest.mark.parametrize("head", [b'{"type":5', b'{"type":"group","gid":[]', b'{"id":5', b'{"type":"dance"', b"[5"])
def test_a_frame_that_is_wrong_twice_is_a_bad_frame_all_the_same(head, tail):
    with pytest.raises(BadFrame):
        frames.decode(head + tail)


def assert_harmless(raw: bytes) -> None:
    """The bytes are a request, or a `BadFrame` whose `error` frame can be sent."""
    refused = None
    try:
        request = frames.decode(raw)
    except BadFrame as error:
        refused = error
    if refused is None:
        assert isinstance(request, frames.CLIENT_FRAMES)
    else:
        assert wire(frames.error_frame(refused, refused.request_id or UNSET))["code"] == refused.code


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_bad_frame(raw):
    assert_harmless(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["type", "id", "gid", "uid", "content", "seq", "resume"]), json_values))
def test_no_json_object_raises_anything_but_a_bad_frame(value):
    assert_harmless(json.dumps(value).encode(errors="surrogatepass"))


@st.composite
def damaged_frames(draw):
    kind = draw(st.sampled_from(sorted(FULL)))
    fields = {"type": kind, "id": "1", **FULL[kind]}
    for name in draw(st.sets(st.sampled_from(sorted(fields)))):
        fields[name] = draw(json_values)
    raw = json.dumps(fields).encode(errors="surrogatepass")
    start = draw(st.integers(0, len(raw)))
    return raw[:start] + draw(st.binary(max_size=3)) + raw[start + draw(st.integers(0, 3)) :]


@given(damaged_frames())
def test_no_damage_to_a_good_frame_raises_anything_but_a_bad_frame(raw):
    assert_harmless(raw)


# -- a key twice -------------------------------------------------------------------------------------------


@st.composite
def spellings(draw, key: str) -> str:
    """A key as JSON may spell it: any of its characters may stand as \\uXXXX."""
    letters = [draw(st.sampled_from([letter, f"\\u{ord(letter):04x}", f"\\u{ord(letter):04X}"])) for letter in key]
    return '"' + "".join(letters) + '"'


@given(st.data(), st.sampled_from(sorted(FULL)))
def test_a_key_that_stands_twice_is_refused_however_it_is_spelled(data, kind):
    fields = {"type": kind, "id": "1", **FULL[kind]}
    twice = data.draw(st.sampled_from(sorted(fields)))
    value = json.dumps(fields[twice])
    raw = f"{json.dumps(fields)[:-1]}, {data.draw(spellings(twice))}: {value}}}"
    with pytest.raises(BadFrame):
        frames.decode(raw.encode())


@given(st.data(), st.integers(0, 30))
def test_a_key_that_stands_twice_is_refused_at_any_depth(data, depth):
    inner = f"{{{data.draw(spellings('ab'))}: 1, {data.draw(spellings('ab'))}: 2}}"
    for _ in range(depth):
        inner = data.draw(st.sampled_from(['{{"x": {}}}', "[0, {}]", '{{"y": 1, "x": {}}}'])).format(inner)
    field = data.draw(st.sampled_from(["content", "unknown"]))
    with pytest.raises(BadJSON, match="twice"):
        frames.decode(f'{{"type": "login", "{field}": {inner}}}'.encode())


@pytest.mark.parametrize(
    "raw",
    [
        b'{"type":"ping","type":"ping"}',
        b'{"type":"group","gid":"a","gid":"b","content":"hi"}',
        b'{"type":"history","gid":"a","limit":50,"limit":50}',
        b'{"type":"login","resume":{"seqs":{"g:a":1,"g:a":2}}}',
        b'{"type":"create","name":"n","private":false,"private":false}',
        b'{"type":"ping","x":1,"\\u0078":2}',
    ],
)
def test_a_key_that_stands_twice_is_refused(raw):
    with pytest.raises(BadJSON, match="twice"):
        frames.decode(raw)


def test_the_refusal_of_a_doubled_key_names_the_request():
    with pytest.raises(BadJSON) as refused:
        frames.decode(b'{"type":"ping","id":"p1","x":1,"x":2}')
    assert refused.value.request_id == "p1"


@pytest.mark.parametrize("content", ["a:b::c", '"gid":"lobby","gid":"lobby"', "{}:{}:{}", "http://shop.example:80/"])
def test_colons_in_a_text_are_no_keys(content):
    assert decode({"type": "group", "gid": "lobby", "content": content}).content == content


@given(
    st.dictionaries(st.text(max_size=5), st.dictionaries(st.text(max_size=5), st.booleans() | st.text()), max_size=5)
)
def test_keys_that_differ_are_never_called_doubled(content):
    assert decode({"type": "login", "content": content}).content == content


# -- the request's id in the answer ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "r1", "type": "dance"},
        {"type": "group", "gid": [], "content": "hi", "id": "r1"},
        {"id": "r1"},
        {"type": 5, "id": "r1"},
    ],
)
def test_a_refusal_carries_the_id_of_the_request(fields):
    with pytest.raises(BadFrame) as refused:
        decode(fields)
    assert refused.value.request_id == "r1"


@pytest.mark.parametrize("request_id", ["", "i" * 65, 5, None, ["r1"]])
def test_an_id_that_is_none_is_not_sent_back(request_id):
    with pytest.raises(BadFrame) as refused:
        decode({"type": "dance", "id": request_id})
    assert refused.value.request_id is None


# -- server → client ---------------------------------------------------------------------------------------

HELLO_FROM_ADA = Message(3, 14, "7", "ada", "hi", 1_700_000_000_000, "r1")


def test_a_message_of_a_room_is_a_group_pm():
    assert wire(frames.message_frame(Conversation(3, gid="lobby"), HELLO_FROM_ADA)) == {
        "type": "groupPm", "gid": "lobby", "uid": "7", "name": "ada", "content": "hi", "seq": 14,
        "ts": 1_700_000_000_000, "mid": "3.14", "id": "r1",
    }  # fmt: skip


@pytest.mark.parametrize(("pair", "to"), [(("7", "9"), "9"), (("11", "7"), "11"), (("7", "7"), "7")])
def test_a_private_message_names_the_other_person(pair, to):
    frame = wire(frames.message_frame(Conversation(3, pair=pair), HELLO_FROM_ADA))
    assert frame["type"] == "pm"
    assert (frame["uid"], frame["to"]) == ("7", to)


def test_fields_that_were_not_set_are_left_out():
    anonymous = Message(3, 14, "7", "ada", "hi", 0)
    assert "id" not in wire(frames.message_frame(Conversation(3, gid="lobby"), anonymous))
    assert wire(frames.Pong()) == {"type": "pong"}
    assert wire(frames.Gap(4, 400, gid="lobby")) == {"type": "gap", "after": 4, "seq": 400, "gid": "lobby"}


def test_zero_and_false_are_values_and_are_sent():
    assert wire(frames.OnlineNotice(0, 0)) == {"type": "online", "users": 0, "connections": 0}
    assert wire(frames.Presence("7", False)) == {"type": "presence", "uid": "7", "online": False}
    gone = frames.Presence("7", False, seen=99)
    assert wire(gone) == {"type": "presence", "uid": "7", "online": False, "seen": 99}
    assert wire(frames.Presence("7", True, away=True))["away"] is True
    assert wire(frames.ack("1", more=False, messages=[], seq=0)) == {
        "type": "ack", "id": "1", "ok": True, "more": False, "messages": [], "seq": 0,
    }  # fmt: skip


def test_hello_tells_the_limits():
    hello = frames.Hello(1001, frames.VERSION, frames.Limits(65536, 4000, (50.0, 200.0)), 25.0)
    assert wire(hello) == {
        "type": "hello", "client_id": 1001, "version": 1, "ping": 25.0,
        "limits": {"message_bytes": 65536, "text_chars": 4000, "rate": [50.0, 200.0]},
    }  # fmt: skip


def test_an_error_has_a_code_and_words_and_at_times_a_wait():
    error = RateLimited("Slow down.", retry_after=0.5)
    assert wire(frames.error_frame(error, "r1")) == {
        "type": "error", "code": "rate_limited", "message": "Slow down.", "id": "r1", "retry_after": 0.5,
    }  # fmt: skip
    assert wire(frames.error_frame(BadJSON("No."))) == {"type": "error", "code": "bad_json", "message": "No."}


def test_the_entry_of_a_room_counts_what_is_unread():
    entry = frames.room_entry(Membership(3, "g:lobby", "lobby", None, "Lobby", False, 14, 12, 99))
    assert entry == frames.RoomEntry("lobby", "Lobby", 14, 12, 2, False, 99, invite=False)


@pytest.mark.parametrize(
    ("founder", "ruled", "invite"), [(None, False, False), (None, True, True), ("7", False, True), ("7", True, True)]
)
def test_the_entry_of_a_room_says_whether_its_members_may_invite(founder, ruled, invite):
    membership = Membership(3, "g:tea", "tea", None, "Tea", False, 0, 0, 0, founder=founder)
    assert frames.room_entry(membership, ruled).invite is invite


@given(st.text(max_size=50))
def test_a_text_reaches_the_reader_as_it_was_written(content):
    frame = frames.message_frame(Conversation(3, gid="lobby"), Message(3, 1, "7", "ada", content, 0))
    assert wire(frame)["content"] == content


def test_a_client_reads_every_server_frame_as_it_was_sent():
    message = frames.GroupPm("lobby", "7", "ada", "hi", 3, 5, "1.3", "a-1")
    for event in (message, frames.ack("h", messages=[message], more=False), frames.Drain(500), frames.Pong()):
        assert frames.decode_event(frames.encode(event)) == event


def test_a_client_passes_over_frames_of_a_newer_server_and_refuses_broken_ones():
    assert frames.decode_event('{"type":"dance","uid":"7"}') is None
    assert frames.decode_event('{"type":"pong","new":1}') == frames.Pong()
    for raw in ('{"type":"drain","retry_after":"soon"}', "{", "[]", b"\xff"):
        with pytest.raises(BadFrame):
            frames.decode_event(raw)
