"""What a push may look like, and what is wrong with those that may not."""

import re
from pathlib import Path

import msgspec
import pytest

from legacy_chat.core.frames import CLIENT_FRAMES, SERVER_FRAMES, TYPES
from legacy_chat.core.push import MOST_PEOPLE, TAKEN, Push, Pushed, Sender

SCRIPTS = Path(__file__).parents[2] / "static" / "chat"


def push(**fields) -> Push:
    return msgspec.convert(fields, Push)


@pytest.mark.parametrize(
    ("fields", "people"),
    [
        ({"uid": "7"}, ("7",)),
        ({"uid": 7}, ("7",)),
        ({"uids": ["7", 9, "7"]}, ("7", "9")),
        ({"gid": "lobby"}, None),
        ({"all": True}, None),
    ],
)
def test_it_goes_to_one_to_several_to_a_room_or_to_all(fields, people):
    assert push(content="hello", **fields).people == people


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"content": "hello"}, "exactly one"),
        ({"uid": "7", "all": True, "content": "hello"}, "exactly one"),
        ({"uid": "7"}, "either `content`"),
        ({"uid": "7", "content": "hello", "name": "sale"}, "either `content`"),
        ({"uid": "7", "name": "sale", "durable": True}, "durable"),
        ({"all": True, "content": "hello", "durable": True}, "durable"),
        ({"uid": "7", "name": "no spaces"}, "'no spaces' cannot be an event's name: use 1 to 64 letters"),
        ({"uid": "7", "name": "end\n"}, "cannot be an event's name"),
        ({"uid": "7", "name": ""}, "cannot be an event's name"),
        ({"uids": [], "content": "hello"}, "length"),
        ({"uids": ["7"] * (MOST_PEOPLE + 1), "content": "hello"}, "length"),
        ({"uid": "7", "content": "hello", "every": 10}, "1000"),
        ({"uid": "7", "content": "hello", "colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_said(fields, says):
    with pytest.raises(msgspec.ValidationError, match=says):
        push(**fields)


@pytest.mark.parametrize(
    "name", ["state", "transport", "join", "groupPm", "error", "delete", "event", "connect", "close"]
)
def test_a_name_that_pages_keep_for_others_is_refused_and_the_others_are_named(name):
    with pytest.raises(msgspec.ValidationError, match=f"'{name}' is no name .* ack, .* transport, "):
        push(all=True, name=name)


@pytest.mark.parametrize("name", ["push", "message", "moved", "join_game", "State"])
def test_all_other_names_are_the_sites(name):
    assert push(all=True, name=name).name == name


def test_the_names_that_are_taken_are_those_that_the_client_keeps():
    protocol, client = [(SCRIPTS / name).read_text() for name in ("protocol.js", "client.js")]
    types, own, never = [
        set(re.findall(r'"(\w+)"', re.search(rf"const {name} = new Set\(\[(.*?)\]\)", text, re.S)[1]))
        for name, text in (("FRAME_TYPES", protocol), ("OWN_NAMES", client), ("NEVER", client))
    ]
    assert types == TYPES
    assert {frame.__struct_config__.tag for frame in CLIENT_FRAMES + SERVER_FRAMES} < TYPES
    assert types | own | never == TAKEN


def test_a_push_survives_the_way_into_a_table_and_back():
    whole = push(gid="order-42", content="sent", durable=True, sender={"uid": 3, "name": "Shop"}, at=5, every=1000)
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Push) == whole
    assert whole.sender == Sender(3, "Shop")


@pytest.mark.parametrize(
    ("sender", "known", "shown"),
    [
        (Sender(), None, "Site"),
        (Sender(), "Tea things", "Tea things"),
        (Sender("shop"), None, "shop"),
        (Sender(5), "Cleo", "Cleo"),
        (Sender("shop", "The shop"), "Shop", "The shop"),
    ],
)
def test_a_sender_goes_by_the_name_that_is_given_or_known_or_by_the_uid(sender, known, shown):
    assert sender.shown(known) == shown


def test_an_answer_without_a_time_has_no_id():
    assert repr(Pushed(1, 2, 0)) == "Pushed(users=1, connections=2, stored=0)"
    assert repr(Pushed(0, 0, 0, "4f")) == "Pushed(users=0, connections=0, stored=0, id='4f')"
    assert msgspec.json.encode(Pushed(1, 2, 0)) == b'{"users":1,"connections":2,"stored":0}'
