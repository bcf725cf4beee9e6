"""RFC 6455 as Autobahn's fuzzing client asks it: its cases 1 to 7, 9 and 10, by their numbers, against raw bytes.

`make conformance` runs the true suite, where a Python 2.7 is at hand; this list needs nothing but the server.
"""

from __future__ import annotations

import random
import struct

import pytest

from .fixtures import serving
from .raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

KIB, MIB = 2**10, 2**20
NORMAL = struct.pack("!H", 1000)
PRANK = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"  # no text at all


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("echo"), test_echo="1") as server:
        yield server


@pytest.fixture
def ada(echo, dial):
    client = dial(echo)
    client.handshake("/chat/test/echo")
    return client


def case(number: str, *pieces: bytes, gets=(), code: int = 0):
    """What is sent, each piece by itself; what comes back; with which code the server closes (0: not at all)."""
    return pytest.param(pieces, list(gets), code, id=number)


def octets(*frames: bytes) -> list[bytes]:
    return [bytes([octet]) for octet in b"".join(frames)]


def chops(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def parts(opcode: int, payload: bytes, size: int) -> list[bytes]:
    """A message in fragments of `size` bytes."""
    pieces = chops(payload, size)
    last = len(pieces) - 1
    return [frame(CONTINUATION if n else opcode, piece, fin=n == last) for n, piece in enumerate(pieces)]


def closing(payload: bytes) -> bytes:
    return frame(CLOSE, payload)


def check(ada, pieces, gets, code) -> None:
    for piece in pieces:
        ada.send_bytes(piece)
    if not code:
        ada.send(CLOSE, NORMAL)
    received, end = ada.rest()
    assert received == gets
    assert end.code == (code or 1000)


# -- 1: framing -----------------------------------------------------------------------------------------------

LENGTHS = (0, 1, 125, 126, 127, 128, 65535, 65536)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["1.1-text", "1.2-binary"])
def test_messages_of_every_form_of_length_come_back(ada, opcode, length):
    payload = b"*" * length if opcode == TEXT else b"\xfe" * length
    check(ada, [frame(opcode, payload)], [(opcode, payload)], 0)


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["1.1.8", "1.2.8"])
def test_a_frame_may_come_in_chops_of_997_bytes(ada, opcode):
    payload = b"*" * 65536
    check(ada, chops(frame(opcode, payload), 997), [(opcode, payload)], 0)


# -- 2: pings and pongs -----------------------------------------------------------------------------------------

TEN = [b"ping %d" % number for number in range(10)]


@pytest.mark.parametrize(
    ("pieces", "gets", "code"),
    [
        case("2.1-empty", frame(PING), gets=[(PONG, b"")]),
        case("2.2-text", frame(PING, b"Hello, world!"), gets=[(PONG, b"Hello, world!")]),
        case("2.3-binary", frame(PING, PRANK), gets=[(PONG, PRANK)]),
        case("2.4-125-bytes", frame(PING, b"\xfe" * 125), gets=[(PONG, b"\xfe" * 125)]),
        case("2.5-126-bytes", frame(PING, b"\xfe" * 126), code=1002),
        case("2.6-octets", *octets(frame(PING, b"\xfe" * 125)), gets=[(PONG, b"\xfe" * 125)]),
        case("2.7-pong", frame(PONG)),
        case("2.8-pong-with-payload", frame(PONG, b"unsolicited")),
        case("2.9-pong-then-ping", frame(PONG, b"unsolicited"), frame(PING, b"ping"), gets=[(PONG, b"ping")]),
        case("2.10-ten", *[frame(PING, p) for p in TEN], gets=[(PONG, p) for p in TEN]),
        case("2.11-ten-in-octets", *octets(*[frame(PING, p) for p in TEN]), gets=[(PONG, p) for p in TEN]),
        case("2-pong-of-126-bytes", frame(PONG, b"\xfe" * 126), code=1002),
    ],
)
def test_pings_are_answered_and_pongs_are_not(ada, pieces, gets, code):
    check(ada, pieces, gets, code)


# -- 3 and 4: what is reserved ------------------------------------------------------------------------------------

HELLO = frame(TEXT, b"Hello")
HEARD = (TEXT, b"Hello")


@pytest.mark.parametrize(
    ("pieces", "gets", "code"),
    [
        case("3.1-text", frame(TEXT, b"Hello", rsv=1), code=1002),
        case("3.2-second-text-glued", HELLO + frame(TEXT, b"x", rsv=2) + frame(PING), gets=[HEARD], code=1002),
        case("3.3-second-text", HELLO, frame(TEXT, b"x", rsv=3), frame(PING), gets=[HEARD], code=1002),
        case("3.4-octets", *octets(HELLO, frame(TEXT, b"x", rsv=4)), gets=[HEARD], code=1002),
        case("3.5-binary", frame(BINARY, PRANK, rsv=5), code=1002),
        case("3.6-ping", frame(PING, b"Hello", rsv=6), code=1002),
        case("3.7-close", frame(CLOSE, NORMAL, rsv=7), code=1002),
        *[case(f"4.1-opcode-{n}", frame(n), code=1002) for n in range(3, 8)],
        *[case(f"4.1-text-then-{n}", HELLO, frame(n, b"x"), frame(PING), gets=[HEARD], code=1002) for n in (5, 7)],
        *[case(f"4.2-opcode-{n}", frame(n), code=1002) for n in range(11, 16)],
        *[case(f"4.2-text-then-{n}", HELLO, frame(n, b"x"), frame(PING), gets=[HEARD], code=1002) for n in (13, 15)],
    ],
)
def test_reserved_bits_and_opcodes_end_the_connection(ada, pieces, gets, code):
    check(ada, pieces, gets, code)


def test_an_unmasked_frame_ends_the_connection(ada):
    check(ada, [frame(TEXT, b"Hello", mask=False)], [], 1002)


# -- 5: fragments -------------------------------------------------------------------------------------------------

ONE, TWO = frame(TEXT, b"one,", fin=False), frame(CONTINUATION, b"two")
WHOLE = (TEXT, b"one,two")
STRAY = frame(CONTINUATION, b"stray")
STRAY_OPEN = frame(CONTINUATION, b"stray", fin=False)
FIVE = [frame(CONTINUATION if n else TEXT, b"%d" % n, fin=n == 4) for n in range(5)]
WITH_PINGS = [*FIVE[:2], frame(PING, b"a"), *FIVE[2:4], frame(PING, b"b"), FIVE[4]]
PINGED = [(PONG, b"a"), (PONG, b"b"), (TEXT, b"01234")]


@pytest.mark.parametrize(
    ("pieces", "gets", "code"),
    [
        case("5.1-ping-in-two", frame(PING, b"a", fin=False), frame(CONTINUATION, b"b"), code=1002),
        case("5.2-pong-in-two", frame(PONG, b"a", fin=False), frame(CONTINUATION, b"b"), code=1002),
        case("5.3-text-in-two", ONE + TWO, gets=[WHOLE]),
        case("5.4-framewise", ONE, TWO, gets=[WHOLE]),
        case("5.5-octets", *octets(ONE, TWO), gets=[WHOLE]),
        case("5.6-ping-between", ONE + frame(PING, b"p") + TWO, gets=[(PONG, b"p"), WHOLE]),
        case("5.7-framewise", ONE, frame(PING, b"p"), TWO, gets=[(PONG, b"p"), WHOLE]),
        case("5.8-octets", *octets(ONE, frame(PING, b"p"), TWO), gets=[(PONG, b"p"), WHOLE]),
        case("5.9-nothing-to-continue", STRAY + HELLO, code=1002),
        case("5.10-framewise", STRAY, HELLO, code=1002),
        case("5.11-octets", *octets(STRAY), code=1002),
        case("5.12-nothing-to-continue-open", STRAY_OPEN + HELLO, code=1002),
        case("5.13-framewise", STRAY_OPEN, HELLO, code=1002),
        case("5.14-octets", *octets(STRAY_OPEN), code=1002),
        case("5.15-after-the-end", ONE + TWO + STRAY_OPEN + HELLO, gets=[WHOLE], code=1002),
        case("5.16-stray-before-a-message", STRAY_OPEN, ONE, TWO, code=1002),
        case("5.17-closed-stray-before-a-message", STRAY, ONE, TWO, code=1002),
        case("5.18-text-inside-text", ONE, HELLO, code=1002),
        case("5.19-pings-between-five", *WITH_PINGS, gets=PINGED),
        case("5.20-octets", *octets(*WITH_PINGS), gets=PINGED),
        case("5-binary-inside-text", ONE, frame(BINARY, b"x"), code=1002),
    ],
)
def test_fragments_in_order_and_out_of_order(ada, pieces, gets, code):
    check(ada, pieces, gets, code)


# -- 6: UTF-8 -----------------------------------------------------------------------------------------------------

GREETING = "Hello-µ@ßöäüàá-UTF-8!!".encode()
KOSME = "κ\u1f79σμε".encode()  # 2 + 3 + 2 + 2 + 2 bytes
BROKEN = KOSME + b"\xed\xa0\x80" + b"edited"

VALID = {
    **{f"6.6-{n}-bytes": KOSME[:n] for n in (2, 5, 7, 9, 11)},
    "6.7-first-of-1-to-4-bytes": b"\x00\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80",
    "6.9-last-of-1-to-4-bytes": b"\x7f\xdf\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf",
    "6.11-around-surrogates": b"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd\xf4\x8f\xbf\xbf",
    **{f"6.22-noncharacter-{n:x}": chr(n).encode() for n in range(0xFFFE, 0x110000, 0x10000)},
    **{f"6.22-noncharacter-{n:x}": chr(n).encode() for n in range(0xFFFF, 0x110000, 0x10000)},
    "6.23-specials": "\ufff9\ufffa\ufffb\ufffc\ufffd\ufffe\uffff".encode(),
}

INVALID = {
    **{f"6.6-{n}-bytes": KOSME[:n] for n in (1, 3, 4, 6, 8, 10)},
    "6.8-first-of-5-bytes": b"\xf8\x88\x80\x80\x80",
    "6.8-first-of-6-bytes": b"\xfc\x84\x80\x80\x80\x80",
    "6.10-last-of-4-bytes": b"\xf7\xbf\xbf\xbf",
    "6.10-last-of-5-bytes": b"\xfb\xbf\xbf\xbf\xbf",
    "6.10-last-of-6-bytes": b"\xfd\xbf\xbf\xbf\xbf\xbf",
    "6.11-above-10ffff": b"\xf4\x90\x80\x80",
    "6.12-continuation-80": b"\x80",
    "6.12-continuation-bf": b"\xbf",
    **{f"6.12-{n}-continuations": (b"\x80\xbf" * 4)[:n] for n in range(2, 8)},
    "6.12-all-continuations": bytes(range(0x80, 0xC0)),
    "6.13-lonely-starts-of-2": b"".join(b"%c " % n for n in range(0xC0, 0xE0)),
    "6.13-lonely-starts-of-3": b"".join(b"%c " % n for n in range(0xE0, 0xF0)),
    "6.13-lonely-starts-of-4": b"".join(b"%c " % n for n in range(0xF0, 0xF8)),
    "6.13-lonely-starts-of-5": b"\xf8 \xf9 \xfa \xfb ",
    "6.13-lonely-starts-of-6": b"\xfc \xfd ",
    "6.14-cut-2": b"\xc0",
    "6.14-cut-3": b"\xe0\x80",
    "6.14-cut-4": b"\xf0\x80\x80",
    "6.14-cut-5": b"\xf8\x80\x80\x80",
    "6.14-cut-6": b"\xfc\x80\x80\x80\x80",
    "6.14-cut-valid-2": b"\xdf",
    "6.14-cut-valid-3": b"\xef\xbf",
    "6.14-cut-valid-4": b"\xf4\x8f\xbf",
    "6.15-cut-together": b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf",
    "6.16-fe": b"\xfe",
    "6.16-ff": b"\xff",
    "6.16-fe-fe-ff-ff": b"\xfe\xfe\xff\xff",
    **{f"6.17-overlong-slash-{len(p)}": p for p in (b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf")},
    **{f"6.18-overlong-most-{len(p)}": p for p in (b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf")},
    **{f"6.19-overlong-nul-{len(p)}": p for p in (b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80")},
    **{f"6.20-surrogate-{n:x}": b"\xed%c%c" % (0x80 | n >> 6 & 63, 0x80 | n & 63)
       for n in (0xD800, 0xDB7F, 0xDB80, 0xDBFF, 0xDC00, 0xDF80, 0xDFFF)},
    "6.21-surrogates-lowest-pair": b"\xed\xa0\x80\xed\xb0\x80",
    "6.21-surrogates-highest-pair": b"\xed\xaf\xbf\xed\xbf\xbf",
}  # fmt: skip


@pytest.mark.parametrize(
    ("pieces", "gets", "code"),
    [
        case("6.1.1-empty", frame(TEXT), gets=[(TEXT, b"")]),
        case("6.1.2-empty-fragments", frame(TEXT, fin=False), frame(0, fin=False), frame(0), gets=[(1, b"")]),
        case("6.1.3-middle", frame(TEXT, fin=False), frame(0, b"m", fin=False), frame(0), gets=[(TEXT, b"m")]),
        case("6.2.1-whole", frame(TEXT, GREETING), gets=[(TEXT, GREETING)]),
        case("6.2.2-between-characters", *parts(TEXT, GREETING, 11), gets=[(TEXT, GREETING)]),
        case("6.2.3-every-octet", *parts(TEXT, GREETING, 1), gets=[(TEXT, GREETING)]),
        case("6.2.4-every-octet", *parts(TEXT, KOSME, 1), gets=[(TEXT, KOSME)]),
        case("6.3.1-whole", frame(TEXT, BROKEN), code=1007),
        case("6.3.2-every-octet", *parts(TEXT, BROKEN, 1), code=1007),
        *[case(name, frame(TEXT, text), gets=[(TEXT, text)]) for name, text in VALID.items()],
        *[case(name, frame(TEXT, text), code=1007) for name, text in INVALID.items()],
    ],
)
def test_text_is_utf8_or_ends_with_1007(ada, pieces, gets, code):
    check(ada, pieces, gets, code)


def test_bad_text_is_noticed_before_the_message_is_whole(ada):  # 6.4.1, 6.4.2
    ada.send(TEXT, KOSME, fin=False)
    ada.send(CONTINUATION, b"\xf4\x90\x80\x80", fin=False)
    assert ada.closed().code == 1007


def test_bad_text_in_chops_of_one_frame_is_noticed_at_its_end(ada):  # 6.4.3, 6.4.4
    check(ada, chops(frame(TEXT, KOSME + b"\xf4\x90\x80\x80edited"), 17), [], 1007)


# -- 7: the closing handshake -----------------------------------------------------------------------------------

GOOD_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
BAD_CODES = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)


@pytest.mark.parametrize(
    ("pieces", "gets", "code"),
    [
        case("7.1.1-after-a-text", HELLO, closing(NORMAL), gets=[HEARD], code=1000),
        case("7.1.2-twice", closing(NORMAL), closing(NORMAL), code=1000),
        case("7.1.3-then-a-ping", closing(NORMAL) + frame(PING), code=1000),
        case("7.1.4-then-a-text", closing(NORMAL) + HELLO, code=1000),
        case("7.1.5-between-fragments", ONE + closing(NORMAL) + TWO, code=1000),
        case("7.3.1-empty", closing(b""), code=1005),
        case("7.3.2-one-byte", closing(b"a"), code=1002),
        case("7.3.3-code-alone", closing(NORMAL), code=1000),
        case("7.3.4-reason", closing(NORMAL + "Tschüß".encode()), code=1000),
        case("7.3.5-longest-reason", closing(NORMAL + b"*" * 123), code=1000),
        case("7.3.6-longer-reason", closing(NORMAL + b"*" * 124), code=1002),
        case("7.5.1-reason-not-utf8", closing(NORMAL + BROKEN), code=1007),
        *[case(f"7.7-code-{code}", closing(struct.pack("!H", code)), code=code) for code in GOOD_CODES],
        *[case(f"7.9-code-{code}", closing(struct.pack("!H", code)), code=1002) for code in BAD_CODES],
    ],
)
def test_codes_of_the_closing_handshake(ada, pieces, gets, code):
    check(ada, pieces, gets, code)


def test_the_reason_of_a_close_comes_back_with_its_code(ada):
    ada.send(CLOSE, struct.pack("!H", 4000) + "bis später".encode())
    end = ada.closed()
    assert (end.code, end.reason) == (4000, "bis später")


def test_a_large_message_before_the_close_is_answered_first(ada):  # 7.1.6
    large = b"BAsd7&jh23" * 26214
    check(ada, [frame(TEXT, large), closing(NORMAL) + frame(PING)], [(TEXT, large)], 1000)


# -- 9 and 10: sizes ----------------------------------------------------------------------------------------------


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # one seed for each size: the same bytes in every run


@pytest.mark.parametrize("size", [64 * KIB, 256 * KIB, 1 * MIB, 4 * MIB, 8 * MIB, 16 * MIB])
@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["9.1-text", "9.2-binary"])
def test_large_messages_come_back(ada, opcode, size):
    payload = noise(size // 2).hex().encode() if opcode == TEXT else noise(size)
    ada.send(opcode, payload)
    assert ada.receive() == (opcode, payload)


def test_more_than_16_mib_is_refused_by_the_header(ada):
    ada.send_bytes(frame(BINARY, b"")[:1] + b"\xff" + struct.pack("!Q", 16 * MIB + 1) + b"mask")
    assert ada.closed().code == 1009


@pytest.mark.parametrize("size", [64, 256, 1 * KIB, 4 * KIB, 64 * KIB, 1 * MIB])
@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["9.3-text", "9.4-binary"])
def test_four_mib_in_fragments(ada, opcode, size):
    payload = b"*" * (4 * MIB) if opcode == TEXT else noise(4 * MIB)
    ada.send_bytes(b"".join(parts(opcode, payload, size)))
    assert ada.receive() == (opcode, payload)


@pytest.mark.parametrize("size", [64, 512, 2 * KIB])
@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["9.5-text", "9.6-binary"])
def test_one_mib_in_chops(ada, opcode, size):
    payload = b"*" * MIB if opcode == TEXT else noise(MIB)
    for chop in chops(frame(opcode, payload), size):
        ada.send_bytes(chop)
    assert ada.receive() == (opcode, payload)


@pytest.mark.parametrize("size", [0, 16, 256, 4 * KIB])
@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["9.7-text", "9.8-binary"])
def test_a_thousand_messages_there_and_back(ada, opcode, size):
    sent = frame(opcode, b"*" * size)
    for _ in range(1000):
        ada.send_bytes(sent)
        assert ada.receive() == (opcode, b"*" * size)


def test_a_message_in_automatic_fragments(ada):  # 10.1.1
    payload = b"*" * 65536
    check(ada, parts(TEXT, payload, 1300), [(TEXT, payload)], 0)
