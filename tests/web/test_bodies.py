import io

import pytest

from legacy_chat.errors import BadRequest, TooLarge
from legacy_chat.web.bodies import LEAST, Body, most_for


class Counted(io.BytesIO):
    """An input that knows how much was read of it."""

    taken = 0

    def read(self, size=-1):
        data = super().read(size)
        self.taken += len(data)
        return data


class Cut(io.BytesIO):
    """What a server hands out when the client went away in the middle."""

    def read(self, size=-1):
        data = super().read(size)
        if len(data) < size:
            raise OSError("unexpected end of file")
        return data


def body(content, most=10, length=None, kind=Counted):
    return Body({"wsgi.input": kind(content), "CONTENT_LENGTH": length}, most)


@pytest.mark.parametrize("length", ["10", None, ""])
def test_what_fits_is_read_as_it_came(length):
    assert body(b"0123456789", length=length).read() == b"0123456789"
    assert body(b"0123456789", length=length).read(4) == b"0123"


def test_a_form_has_room_for_the_longest_text_of_the_site():
    assert most_for(4000) == LEAST
    assert most_for(100_000) > len("%F0%9F%8E%89") * 100_000


def test_what_says_that_it_is_too_long_is_not_read_at_all():
    long = body(b"x" * 100, length="100")
    with pytest.raises(TooLarge):
        long.read()
    assert long._input.taken == 0


def test_what_does_not_say_how_long_it_is_is_read_up_to_the_limit():
    long = body(b"x" * 100)
    with pytest.raises(TooLarge):
        long.read()
    assert long._input.taken == 11
    assert not long.broken


def test_what_is_cut_off_ends_the_connection():
    half = body(b"01234", length="10", kind=Cut)
    with pytest.raises(BadRequest):
        half.read(10)
    assert half.broken
