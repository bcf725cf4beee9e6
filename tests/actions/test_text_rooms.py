import pytest

from legacy_chat.actions.text_rooms import TextRooms, check_text_room
from legacy_chat.backplane.contract import ToText
from legacy_chat.errors import BadText, NotFound, TooLong


def test_where_they_are_off_the_answer_names_the_setting():
    with pytest.raises(NotFound, match="CHAT_TEXT_ROOMS"):
        check_text_room((), "tea")


def test_a_list_names_all_there_are():
    check_text_room(("tea", "大厅"), "大厅")
    with pytest.raises(NotFound, match="no plain-text room"):
        check_text_room(("tea", "大厅"), "milk")


@pytest.mark.parametrize("name", ["tea", "order-42", "大厅", "a" * 64])
def test_any_name_that_could_be_a_rooms_may_be_one(name):
    check_text_room(("*",), name)


@pytest.mark.parametrize("name", ["", "a" * 65, "a/b", "a b", "<b>", "\ufffd", ".\n", "*"])
def test_other_names_are_no_rooms(name):
    with pytest.raises(NotFound, match="letters"):
        check_text_room(("*",), name)


def test_what_somebody_says_is_a_line_for_everybody(parts, published):
    TextRooms(parts).say("tea", 1001, "hello\nthere")
    assert published == [ToText("tea", b"from1001:hello there\n")]


def test_without_an_echo_the_speaker_is_left_out(make_parts):
    parts, published = make_parts(CHAT_TEXT_ECHO="0"), []
    parts.backplane.subscribe(published.append)
    TextRooms(parts).say("tea", 1001, "")
    assert published == [ToText("tea", b"from1001:\n", skip=1001)]


def test_the_limits_of_messages_hold(make_parts, published):
    rooms = TextRooms(make_parts(CHAT_TEXT_CHARS="3"))
    with pytest.raises(TooLong):
        rooms.say("tea", 1001, "four")
    with pytest.raises(BadText):
        rooms.say("tea", 1001, "\x1b")
    assert published == []
