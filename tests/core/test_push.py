"""What a push may look like, and what is wrong with those that may not."""

import msgspec
import pytest

from legacy_chat.core.push import MOST_PEOPLE, Push, Pushed, Sender


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
