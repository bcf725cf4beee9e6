from hypothesis import example, given
from hypothesis import strategies as st

from legacy_chat.core.model import Conversation, Membership, Message, pair_of, private_key, room_key

# Few letters, and those of the key's own punctuation, so that collisions would be found.
uids = st.text("ab1:|p", min_size=1, max_size=6)


@given(uids, uids)
def test_a_private_talk_has_one_key_whoever_asks(one, other):
    assert private_key(one, other) == private_key(other, one)


@given(uids, uids)
def test_the_key_of_a_private_talk_names_both_people(one, other):
    assert sorted(pair_of(private_key(one, other))) == sorted((one, other))


@given(uids, uids, uids, uids)
@example("a|b", "c", "a", "b|c")
@example("1:a", "b", "1", "a|b")
def test_two_pairs_of_people_never_share_a_key(one, other, third, fourth):
    same_people = sorted((one, other)) == sorted((third, fourth))
    assert (private_key(one, other) == private_key(third, fourth)) == same_people


@given(uids, uids, uids)
def test_a_room_never_has_the_key_of_a_private_talk(gid, one, other):
    assert room_key(gid) != private_key(one, other)


def test_a_conversation_knows_its_key():
    assert Conversation(1, gid="lobby").key == "g:lobby"
    assert Conversation(2, pair=("7", "9")).key == private_key("9", "7")


def membership(**changes):
    values = {
        "id": 1, "key": "g:lobby", "gid": "lobby", "uid": None, "name": "Lobby", "private": False, "seq": 5,
        "read": 3, "ts": 0,
    }  # fmt: skip
    return Membership(**{**values, **changes})


def test_what_came_after_the_read_marker_is_unread():
    assert membership(seq=5, read=3).unread == 2
    assert membership(seq=5, read=9).unread == 0


def test_a_client_names_a_room_by_its_gid_and_a_talk_by_the_other_person():
    assert membership().client_key == "g:lobby"
    assert membership(key=private_key("7", "9"), gid=None, uid="9").client_key == "p:9"


def test_the_name_of_a_message_is_unique_by_conversation_and_number():
    assert Message(3, 14, "7", "ada", "hi", 0).mid == "3.14"
