from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode

from legacy_chat.core import close
from legacy_chat.realtime import framing
from legacy_chat.realtime.framing import BINARY, CONTINUATION, PING, PONG, TEXT, Assembler, Closed, Item, whole_frames

LIMIT = 70_000
FRAGMENTS = 1024


def masked(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """A frame as a client sends it."""
    return Frame(Opcode(opcode), payload, fin=final).serialize(mask=True, extensions=[])


def unmasked(opcode: int, payload: bytes, final: bool = True) -> bytes:
    return Frame(Opcode(opcode), payload, fin=final).serialize(mask=False, extensions=[])


class Receiver:
    """Reads bytes as a connection does: the short way where frames are whole, the long one where they are not."""

    def __init__(self, limit: int = LIMIT, fragments: int = FRAGMENTS):
        self.items: list[Item] = []
        self._limits = limit, fragments
        self._assembler: Assembler | None = None

    def __call__(self, data: bytes) -> None:
        if self._assembler is None:
            items, end = whole_frames(data, self._limits[0])
            self.items += items
            data = data[end:]
            if not data:
                return
            self._assembler = Assembler(*self._limits)
        self.items += self._assembler.feed(data)
        if self._assembler.idle:
            self._assembler = None

    @property
    def messages(self) -> list[Item]:
        return [item for item in self.items if item.opcode != CONTINUATION]


def receive(*chunks: bytes, **limits) -> list[Item]:
    receiver = Receiver(**limits)
    for chunk in chunks:
        receiver(chunk)
    return receiver.messages


def closed(*chunks: bytes, **limits) -> tuple[int, int | None, str]:
    """The code of the end, and the code and the reason that are sent."""
    with pytest.raises(Closed) as end:
        receive(*chunks, **limits)
    output = end.value.output
    assert output[0] == 0x88
    assert len(output) == 2 + output[1]
    sent = Close.parse(output[2:]) if output[1] else None
    return end.value.code, sent and sent.code, sent.reason if sent else ""


# -- any split of a stream gives the same messages -----------------------------------------------------------

pings = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125))
texts = st.text(max_size=40) | st.integers(100, 400).map("é".__mul__)
payloads = texts.map(lambda text: (TEXT, text.encode())) | st.binary(max_size=200).map(lambda data: (BINARY, data))


@st.composite
def pieces(draw, data: bytes) -> list[bytes]:
    """`data` cut anywhere, at times into empty pieces too."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@st.composite
def streams(draw) -> tuple[bytes, list[Item]]:
    """What a client may send, and the messages that it means."""
    stream, meant = b"", []
    for opcode, payload in draw(st.lists(pings | payloads, max_size=6)):
        if opcode in (PING, PONG):
            stream += masked(opcode, payload)
            meant.append(Item(opcode, payload))
            continue
        parts = draw(pieces(payload)) if draw(st.booleans()) else [payload]
        for number, part in enumerate(parts):
            final = number == len(parts) - 1
            stream += masked(opcode if number == 0 else CONTINUATION, part, final)
            if not final and draw(st.booleans()):
                ping = draw(pings)
                stream += masked(*ping)
                meant.append(Item(*ping))
        meant.append(Item(opcode, payload))
    return stream, meant


@given(st.data(), streams())
@settings(max_examples=200)
def test_any_split_of_a_stream_gives_the_same_messages(data, stream):
    raw, meant = stream
    assert receive(*data.draw(pieces(raw))) == meant


@given(streams())
@settings(max_examples=30)
def test_a_stream_that_comes_byte_by_byte_gives_the_same_messages(stream):
    raw, meant = stream
    assert receive(*(raw[at : at + 1] for at in range(len(raw)))) == meant


@given(st.lists(pings | texts.map(lambda text: (TEXT, text.encode()))))
def test_the_short_way_and_the_long_way_read_the_same(sent):
    raw = b"".join(masked(*one) for one in sent)
    items, end = whole_frames(raw, LIMIT)
    assert end == len(raw)
    assert items == list(Assembler(LIMIT, FRAGMENTS).feed(raw)) == [Item(*one) for one in sent]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 1000, 65_535, 65_536, LIMIT])
def test_every_way_of_writing_a_length_is_read(size):
    raw = masked(TEXT, b"a" * size)
    assert receive(raw) == receive(raw[:7], raw[7:]) == [Item(TEXT, b"a" * size)]


@given(st.binary(max_size=60))
def test_no_bytes_do_anything_but_be_read_or_end_the_connection(raw):
    output = b""
    try:
        receive(raw)
    except Closed as end:
        output = end.output
    assert output[:1] in (b"\x88", b"")


# -- where the short way stops -------------------------------------------------------------------------------

HI = masked(TEXT, b"hi")


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(HI[:-1], id="half a frame"),
        pytest.param(HI[:1], id="one byte"),
        pytest.param(masked(TEXT, b"h", final=False), id="a fragment"),
        pytest.param(masked(BINARY, b"hi"), id="binary"),
        pytest.param(masked(Opcode.CLOSE, b""), id="close"),
        pytest.param(unmasked(TEXT, b"hi there"), id="unmasked"),
        pytest.param(b"\xc1" + HI[1:], id="a reserved bit"),
        pytest.param(masked(TEXT, b"a" * 2000), id="more than the limit"),
        pytest.param(b"\x89\xfe\x00\x7e" + b"0" * 130, id="a ping of 126 bytes"),
        pytest.param(masked(TEXT, b"a" * 65_536), id="more than two bytes can tell"),
    ],
)
def test_the_short_way_stops_before(rest):
    assert whole_frames(HI + rest, 1000) == ([Item(TEXT, b"hi")], len(HI))


# -- when an assembler may go --------------------------------------------------------------------------------


def test_an_assembler_is_idle_between_messages_and_at_no_other_time():
    stream = masked(TEXT, b"h", final=False) + masked(PING, b"?") + masked(CONTINUATION, b"i" * 200) + HI
    ends = {len(stream) - len(HI), len(stream)}
    for size in range(1, len(stream) + 1):
        assembler = Assembler(LIMIT, FRAGMENTS)
        list(assembler.feed(stream[:size]))
        assert assembler.idle == (size in ends), size


def test_a_fresh_assembler_is_idle():
    assert Assembler(LIMIT, FRAGMENTS).idle


def test_an_empty_fragment_keeps_a_message_open():
    assembler = Assembler(LIMIT, FRAGMENTS)
    assert list(assembler.feed(masked(TEXT, b"", final=False))) == [Item(CONTINUATION, b"")]
    assert not assembler.idle
    assert list(assembler.feed(masked(CONTINUATION, b""))) == [Item(TEXT, b"")]
    assert assembler.idle


def test_each_piece_is_an_item_so_that_the_rate_limit_sees_it():
    receiver = Receiver()
    receiver(masked(TEXT, b"h", final=False) + masked(CONTINUATION, b"", final=False) + masked(CONTINUATION, b"i"))
    assert [item.opcode for item in receiver.items] == [CONTINUATION, CONTINUATION, TEXT]


def test_items_before_the_end_are_handed_out_before_it():
    stream = Assembler(LIMIT, FRAGMENTS).feed(HI + masked(PING, b"?") + masked(Opcode.CLOSE, b"") + HI)
    assert [next(stream), next(stream)] == [Item(TEXT, b"hi"), Item(PING, b"?")]
    with pytest.raises(Closed):
        next(stream)


# -- UTF-8 ---------------------------------------------------------------------------------------------------


@given(st.text(min_size=1, max_size=20), st.data())
def test_a_character_may_be_cut_by_a_fragment(text, data):
    parts = data.draw(pieces(text.encode()))
    first, rest = parts[0], parts[1:]
    raw = masked(TEXT, first, final=not rest)
    raw += b"".join(
        masked(CONTINUATION, part, final=part is rest[-1] and n == len(rest) - 1) for n, part in enumerate(rest)
    )
    assert receive(raw) == [Item(TEXT, text.encode())]


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ok\x80"])
def test_a_fragment_that_is_not_utf8_ends_the_connection_at_once(bad):
    assert closed(masked(TEXT, bad, final=False))[:2] == (1007, 1007)


@pytest.mark.parametrize("half", ["é".encode()[:1], "好".encode()[:2], "🎉".encode()[:3]])
def test_a_message_that_ends_within_a_character_ends_the_connection(half):
    assert closed(masked(TEXT, b"a", final=False), masked(CONTINUATION, half))[:2] == (1007, 1007)


def test_binary_messages_may_hold_any_bytes():
    raw = masked(BINARY, b"\xff", final=False) + masked(CONTINUATION, b"\xfe")
    assert receive(raw) == [Item(BINARY, b"\xff\xfe")]


@given(st.binary(max_size=20))
def test_is_utf8_says_what_python_says(payload):
    try:
        payload.decode()
    except UnicodeDecodeError:
        assert not framing.is_utf8(payload)
    else:
        assert framing.is_utf8(payload)


# -- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [LIMIT + 1, 2**20, 2**62])
def test_a_message_too_big_is_refused_by_its_header_alone(size):
    header = b"\x81\xff" + size.to_bytes(8, "big") + b"mask"
    code, sent, reason = closed(header)
    assert (code, sent) == (1009, 1009)
    assert str(LIMIT) in reason


def test_the_limit_counts_all_fragments_of_a_message():
    piece = b"a" * 500
    start, more = masked(TEXT, piece, final=False), masked(CONTINUATION, piece, final=False)
    assert receive(start, masked(CONTINUATION, piece), limit=1000)
    assert closed(start, more, masked(CONTINUATION, b"a"), limit=1000)[:2] == (1009, 1009)


def test_as_many_fragments_as_allowed_are_fine_and_one_more_is_not():
    start, more = masked(TEXT, b"a", final=False), masked(CONTINUATION, b"a", final=False)
    last = masked(CONTINUATION, b"a")
    assert receive(start, more * 6, last, fragments=8) == [Item(TEXT, b"a" * 8)]
    assert closed(start, more * 7, last, fragments=8)[:2] == (1008, 1008)


def test_empty_fragments_count_too():
    assert closed(masked(TEXT, b"", final=False), masked(CONTINUATION, b"", final=False) * 8, fragments=8)[0] == 1008


def test_two_messages_of_many_fragments_do_not_add_up():
    one = masked(TEXT, b"a", final=False) + masked(CONTINUATION, b"a", final=False) * 3 + masked(CONTINUATION, b"a")
    assert receive(one * 4, fragments=8) == [Item(TEXT, b"aaaaa")] * 4


# -- what is broken, and how it ends -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(unmasked(TEXT, b"hi"), id="unmasked text"),
        pytest.param(unmasked(PING, b""), id="unmasked ping"),
        pytest.param(b"\xc1" + HI[1:], id="RSV1"),
        pytest.param(b"\xa1" + HI[1:], id="RSV2"),
        pytest.param(b"\x91" + HI[1:], id="RSV3"),
        pytest.param(b"\x83" + HI[1:], id="opcode 3"),
        pytest.param(b"\x8b" + HI[1:], id="opcode 11"),
        pytest.param(b"\x89\xfe\x00\x7e" + bytes(130), id="a ping of 126 bytes"),
        pytest.param(b"\x09" + masked(PING, b"a")[1:], id="half a ping"),
        pytest.param(masked(CONTINUATION, b"a"), id="a continuation of nothing"),
        pytest.param(masked(TEXT, b"a", final=False) + masked(TEXT, b"a"), id="a message within a message"),
        pytest.param(masked(Opcode.CLOSE, b"\x03"), id="close with one byte"),
        pytest.param(masked(Opcode.CLOSE, (1005).to_bytes(2, "big")), id="close 1005"),
        pytest.param(masked(Opcode.CLOSE, (1006).to_bytes(2, "big")), id="close 1006"),
        pytest.param(masked(Opcode.CLOSE, (999).to_bytes(2, "big")), id="close 999"),
        pytest.param(masked(Opcode.CLOSE, (5000).to_bytes(2, "big")), id="close 5000"),
    ],
)
def test_broken_framing_ends_with_1002(raw):
    assert closed(raw)[:2] == (close.PROTOCOL_ERROR, close.PROTOCOL_ERROR)


def test_a_close_whose_reason_is_not_utf8_ends_with_1007():
    assert closed(masked(Opcode.CLOSE, (1000).to_bytes(2, "big") + b"\xff"))[:2] == (1007, 1007)


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4000, 4440, 4999])
def test_a_close_is_answered_with_its_own_code(code):
    assert closed(masked(Opcode.CLOSE, Close(code, "bye").serialize()))[:2] == (code, code)


def test_a_close_without_a_code_is_answered_without_one():
    assert closed(masked(Opcode.CLOSE, b""))[:2] == (close.NO_STATUS, None)


def test_a_close_that_comes_byte_by_byte_is_a_close():
    raw = HI + masked(Opcode.CLOSE, Close(1000, "bye").serialize())
    assert closed(*(raw[at : at + 1] for at in range(len(raw))))[:2] == (1000, 1000)


def test_a_close_in_the_middle_of_a_message_ends_the_connection_too():
    assert closed(masked(TEXT, b"a", final=False), masked(Opcode.CLOSE, b""))[0] == close.NO_STATUS


def test_what_a_client_does_is_not_logged(caplog):
    with caplog.at_level(logging.DEBUG):
        closed(b"\xff" * 20)
    assert caplog.records == []


# -- out -----------------------------------------------------------------------------------------------------


@given(st.sampled_from([TEXT, BINARY]), st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536, 70_000]))
def test_our_frames_are_those_of_the_rfc(opcode, size):
    payload = b"a" * size
    assert framing.frame(opcode, payload) == unmasked(opcode, payload)


@pytest.mark.parametrize("code", sorted(v for k, v in vars(close).items() if k.isupper() and v not in (1005, 1006)))
def test_every_close_code_of_ours_can_be_sent(code):
    raw = framing.close_frame(code, "why")
    assert Close.parse(raw[2:]) == Close(code, "why")


@pytest.mark.parametrize("reason", ["", "a" * 123, "a" * 500, "好" * 100, "a" + "🎉" * 100])
def test_a_long_reason_is_cut_between_characters(reason):
    raw = framing.close_frame(1009, reason)
    assert raw[1] <= 125
    assert reason.startswith(Close.parse(raw[2:]).reason)
