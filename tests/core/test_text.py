import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.core.text import check_avatar, check_line, check_name, check_text, check_uid, fit_name
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


@pytest.mark.parametrize(
    "command", ["\x9b1Gfrom1001:", "\x1b[1Gfrom1001:", "\rfrom1001:", "\bfrom1001:", "\x9d0;title\x9c"]
)
def test_no_line_moves_the_cursor_of_a_terminal(command):
    """Text rooms are read in terminals, where somebody could write over the number before their line."""
    try:
        line = check_line(f"hello{command}", 4000)
    except BadText:
        return
    assert line.isprintable()


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


JOINERS = "\u200c\u200d"


@pytest.mark.parametrize(
    "name", ["می\u200cخواهم", "👩\u200d👩\u200d👧 Fam", "ක්\u200dෂ", "a\u200d\u200db", "❤\ufe0f\u200d🔥"]
)
def test_the_joiners_that_a_name_is_spelled_with_are_kept(name):
    assert check_name(name) == fit_name(name) == name
    assert check_name(f" \u200d {name}\u200c ") == fit_name(f" \u200d {name}\u200c ") == name


def test_joiners_alone_are_no_name_and_no_part_of_a_uid():
    for nothing in (JOINERS, " \u200d ", "\u200c"):
        assert fit_name(nothing) == ""
        with pytest.raises(Empty):
            check_name(nothing)
    for uid in ("7\u200d", "7\u200c7"):
        with pytest.raises(BadText, match="uid"):
            check_uid(uid)
    assert check_uid(" 7 ") == "7"


@pytest.mark.parametrize("character", "\u200b\u200e\u200f\u2028\u202a\u202e\u2066\u2069\ufeff\u00ad\x85")
def test_what_turns_or_hides_a_name_is_refused(character):
    with pytest.raises(BadText):
        check_name(f"a{character}b")
    assert fit_name(f"a{character}b") == "ab"


names = st.text(st.one_of(st.sampled_from(f"{JOINERS} \u202e\u3000\nab"), st.characters()), max_size=90)


@given(names)
def test_a_name_that_passes_shows_something_at_both_ends_and_passes_again(name):
    try:
        kept = check_name(name)
    except Refused:
        return
    before, _, after = name.partition(kept)
    assert all(letter.isspace() or letter in JOINERS for letter in before + after)
    assert check_name(kept) == fit_name(kept) == kept
    for end in (kept[0], kept[-1]):
        assert end not in JOINERS
        assert not end.isspace()
    assert kept.translate(dict.fromkeys(map(ord, JOINERS))).isprintable()


@given(names)
def test_whatever_a_site_calls_somebody_becomes_a_name_or_nothing(name):
    shown = fit_name(name)
    assert len(shown) <= 80
    assert shown == "" or check_name(shown) == shown


@given(st.text("ab👩ی", min_size=1), st.text(JOINERS, min_size=1, max_size=3), st.text("ab👩ی", min_size=1))
def test_a_joiner_between_two_letters_stays(before, joiners, after):
    name = before[:20] + joiners + after[:20]
    assert check_name(name) == fit_name(name) == name


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
