import zlib
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.core import poll
from legacy_chat.core.model import Member
from legacy_chat.core.poll import Answer, Place
from legacy_chat.errors import BadCursor, BadJSON, BadShape

members = st.builds(Member, st.text(max_size=64), st.text(max_size=80), st.none() | st.text(max_size=16))
places = st.builds(
    Place,
    members,
    st.integers(0, 2**52),
    st.dictionaries(st.integers(1, 2**31), st.integers(0, 2**40), max_size=150),
    st.integers(0, 2**40),
    st.tuples(st.integers(0, 9999), st.integers(0, 9999)),
    st.booleans(),
    st.integers(0, 2**42),
)


@given(places)
def test_a_place_comes_back_as_it_was(place):
    packed = poll.pack(place)
    assert poll.unpack(packed) == place
    assert b"." not in packed[1:]


def test_many_rooms_make_no_long_cursor():
    place = Place(Member("7", "ada"), 1, {number: 1000 + number for number in range(128)})
    assert len(poll.pack(place)) < 1500


@pytest.mark.parametrize(
    "forged",
    [
        b"", b".", b"a", b"!!!!", b"e30=", urlsafe_b64encode(b"[]"), urlsafe_b64encode(b"[1,2,3]"),
        b"." + urlsafe_b64encode(b"no zip"), b"." + urlsafe_b64encode(zlib.compress(b"[" * (1 << 21))),
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused(forged):
    with pytest.raises(BadCursor):
        poll.unpack(forged)


def test_a_poll_as_clients_send_it():
    asked = poll.decode(b'{"cursor": null, "frames": [{"type": "login"}, {"type":"ping"}], "wait": 25, "new": 1}')
    assert (asked.cursor, asked.wait) == (None, 25)
    assert [bytes(frame) for frame in asked.frames] == [b'{"type": "login"}', b'{"type":"ping"}']


@pytest.mark.parametrize("raw", [b'{"wait": -1}', b'{"frames": {}}', b'{"cursor": 1}', b'{"wait": "25"}', b"[]"])
def test_a_poll_of_another_shape_is_refused(raw):
    with pytest.raises(BadShape):
        poll.decode(raw)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"wait": NaN}', b"[" * 100_000])
def test_what_is_no_json_is_refused(raw):
    with pytest.raises((BadJSON, BadShape)):
        poll.decode(raw)


def test_a_hundred_frames_are_enough_for_one_poll():
    with pytest.raises(BadShape):
        poll.decode(b'{"frames": [' + b",".join([b"{}"] * 101) + b"]}")


def test_an_answer_leaves_out_what_is_not_there():
    assert poll.encode(Answer([], "c", 0)) == b'{"frames":[],"cursor":"c","pause":0}'
    assert poll.encode(Answer([], close=4401)) == b'{"frames":[],"close":4401}'
