from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.realtime.outbox import Outbox
from legacy_chat.realtime.transport import WOULD_BLOCK


class Trickle:
    """A socket that takes as many bytes a time as `takes` says, then all; None: it takes nothing just now."""

    def __init__(self, takes=()):
        self._takes = list(takes)
        self.taken = b""

    def write(self, data):
        take = self._takes.pop(0) if self._takes else len(data)
        if take is None:
            return WOULD_BLOCK
        sent = bytes(data[:take])
        self.taken += sent
        return len(sent)

    @property
    def open(self):
        return not self._takes


frames = st.lists(st.binary(min_size=1, max_size=20), max_size=8)
takes = st.lists(st.none() | st.integers(0, 12), max_size=20)


@given(frames, takes)
def test_the_bytes_come_out_in_order_and_whole_however_few_the_socket_takes(sent, takes):
    outbox, socket = Outbox(), Trickle(takes)
    for frame in sent:
        outbox.add(frame)
    while not outbox.flush(socket):
        assert b"".join(sent).startswith(socket.taken)
        assert outbox.size == len(b"".join(sent)) - len(socket.taken)
    assert socket.taken == b"".join(sent)
    assert outbox.size == 0
    assert not outbox


@given(st.data(), takes)
def test_frames_may_come_while_others_are_on_their_way(data, takes):
    outbox, socket, sent = Outbox(), Trickle(takes), b""
    for frame in data.draw(frames):
        outbox.add(frame)
        sent += frame
        if data.draw(st.booleans()):
            outbox.flush(socket)
        assert outbox.size == len(sent) - len(socket.taken)
    while not outbox.flush(socket):
        pass
    assert socket.taken == sent


@given(st.binary(min_size=1, max_size=50), st.data(), frames, takes)
def test_a_frame_that_went_out_in_part_before_there_was_a_queue_is_finished_first(first, data, rest, takes):
    already = data.draw(st.integers(0, len(first) - 1))
    outbox, socket = Outbox(), Trickle(takes)
    outbox.started(first, already)
    for frame in rest:
        outbox.add(frame)
    while not outbox.flush(socket):
        pass
    assert first[:already] + socket.taken == first + b"".join(rest)
    assert outbox.size == 0


@given(st.binary(min_size=1, max_size=30), st.data(), frames, takes)
def test_giving_up_never_leaves_half_a_frame(first, data, rest, takes):
    """Whatever had gone out by then, the peer sees whole frames, and the close frame after them."""
    already = data.draw(st.integers(0, len(first) - 1))
    outbox, socket = Outbox(), Trickle(takes)
    outbox.started(first, already)
    for frame in rest:
        outbox.add(frame)
    outbox.flush(socket)
    outbox.abandon()
    outbox.add(b"CLOSE")
    while not outbox.flush(socket):
        pass
    seen = first[:already] + socket.taken
    boundaries = [b"".join([first, *rest][:count]) for count in range(len(rest) + 2)]
    assert seen in [whole + b"CLOSE" for whole in boundaries]
    assert outbox.size == 0


def test_a_socket_that_takes_nothing_costs_nothing():
    outbox = Outbox()
    outbox.add(b"hello")
    assert not outbox.flush(Trickle([None]))
    assert (outbox.size, bool(outbox)) == (5, True)


def test_an_empty_outbox_has_nothing_left():
    assert Outbox().flush(Trickle())


LIMIT = 100


def test_up_to_the_limit_anything_may_wait_for_long():
    outbox = Outbox()
    outbox.add(b"x" * 60)
    assert outbox.takes(40, LIMIT, now=0)
    assert outbox.takes(40, LIMIT, now=1000)


def test_a_burst_may_go_beyond_the_limit_for_a_moment():
    outbox = Outbox()
    outbox.add(b"x" * 300)
    assert outbox.takes(300, LIMIT, now=10.0)
    assert outbox.takes(300, LIMIT, now=10.2)
    assert not outbox.takes(300, LIMIT, now=10.3)


def test_a_burst_has_an_end_as_well():
    outbox = Outbox()
    outbox.add(b"x" * 790)
    assert outbox.takes(10, LIMIT, now=0)
    assert not outbox.takes(11, LIMIT, now=0)


def test_whoever_got_through_one_burst_may_have_another():
    outbox = Outbox()
    outbox.add(b"x" * 300)
    assert outbox.takes(300, LIMIT, now=10.0)
    assert outbox.flush(Trickle())
    assert outbox.takes(50, LIMIT, now=10.1)
    outbox.add(b"x" * 150)
    assert outbox.takes(300, LIMIT, now=11.0)


def test_a_reader_of_whom_nothing_is_heard_after_a_burst_is_stuck():
    outbox = Outbox()
    outbox.add(b"x" * 101)
    assert not outbox.stuck(LIMIT, idle=0.2)
    assert outbox.stuck(LIMIT, idle=0.3)


def test_below_the_limit_a_reader_may_take_its_time():
    outbox = Outbox()
    outbox.add(b"x" * 100)
    assert not outbox.stuck(LIMIT, idle=9.0)
