import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.core.text import check_avatar, check_line, check_name, check_text
from legacy_chat.errors import BadText, Empty, Refused, TooLong


@pytest.mark.parametrize(
    "text", ["hi", " hi ", "a\tb\nc", "你好 🎉", "</script>\u2028", "\u202eabc", "e" + "\u0301" * 3999, "\ufeffhi"]
)
def test_what_people_write_is_kept_as_it_is(text):
    assert check_text(text, 4000) == text


@pytest.mark.parametrize("text", ["", " ", "\n\t\r\n", "\u3000\u00a0"])
def test_an_empty_message_is_refused(text):
    with pytest.raises(Empty):
        check_text(text, 4000)


def test_the_limit_counts_characters_not_bytes():
    assert check_text("好" * 4000, 4000) == "好" * 4000
    with pytest.raises(TooLong, match="4001"):
        check_text("a" * 4001, 4000)


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x08", "\x0b", "\x0c", "\x0e", "\x1b", "\x1f", "\x7f"])
def test_control_characters_are_refused(character):
    with pytest.raises(BadText):
        check_text(f"a{character}b", 4000)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_a_character_that_no_encoding_can_carry_is_refused(text):
    with pytest.raises(BadText):
        check_text(text, 4000)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_newlines_of_every_system_become_one_kind(newline):
    assert check_text(f"one{newline}{newline}two", 4000) == "one\n\ntwo"


@given(st.text(max_size=60))
def test_whatever_passes_can_be_encoded_stored_and_passed_again(text):
    try:
        kept = check_text(text, 50)
    except Refused:
        return
    assert kept.encode().decode() == kept
    assert check_text(kept, 50) == kept


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029"])
def test_a_line_is_one_line_for_every_reader(newline):
    assert check_line(f"one{newline}from1001:two{newline}", 4000) == "one from1001:two "


@pytest.mark.parametrize("text", ["", " ", "x", "a\tb", "</script>", "你好 🎉", "\u202eabc"])
def test_any_text_is_a_line_even_an_empty_one(text):
    assert check_line(text, 4000) == text


def test_a_line_has_the_limits_of_a_message():
    with pytest.raises(TooLong, match="5"):
        check_line("a" * 5, 4)
    with pytest.raises(BadText):
        check_line("a\x00b", 4000)


@given(st.text(max_size=60))
def test_no_text_makes_a_second_line(text):
    try:
        line = check_line(text, 50)
    except Refused:
        return
    assert len(f"{line}.".splitlines()) == 1


def test_a_name_is_stripped_and_stands_on_one_line():
    assert check_name("  ada lovelace ") == "ada lovelace"
    with pytest.raises(BadText):
        check_name("ada\nben")


@pytest.mark.parametrize(
    ("name", "error"),
    [("", Empty), ("  ", Empty), ("a" * 81, TooLong), ("a\x00b", BadText), ("a\u202eb", BadText), ("\ud800", BadText)],
)
def test_a_name_that_cannot_be_shown_is_refused(name, error):
    with pytest.raises(error):
        check_name(name)


def test_the_refusal_says_what_it_is_that_was_wrong():
    with pytest.raises(Empty, match="room's name"):
        check_name("", "room's name")


@pytest.mark.parametrize(
    "address", ["/static/ada.png", "/", "/a?size=80&x=%20", "https://pics.example/ada.png", "https://a:8443/%E5%AE%A2"]
)
def test_a_picture_comes_from_the_site_or_over_https(address):
    assert check_avatar(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "", "ada.png", "http://a/b.png", "//evil.example/a.png", "/\\evil.example", "\\\\evil", "/\t/evil.example",
        "https://", "https:///a", "https://a b", "data:image/svg+xml,<svg>", "javascript:alert(1)", "HTTPS://a/b",
        " /a", "/a\n", "/a\x00",
    ],
)  # fmt: skip
def test_another_address_is_no_picture(address):
    with pytest.raises(BadText):
        check_avatar(address)


def test_the_address_of_a_picture_is_bounded():
    check_avatar("/" + "a" * 499)
    with pytest.raises(TooLong):
        check_avatar("/" + "a" * 500)
