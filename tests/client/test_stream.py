"""Whatever the network makes of them, ada sees the messages of each conversation once, in order, and all of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.client.stream import Cursor, Step, Stream
from legacy_chat.core import frames

ROOM, TALK = "g:lobby", "p:ben"


def said(key: str, seq: int) -> frames.GroupPm | frames.PrivatePm:
    if key.startswith("g:"):
        return frames.GroupPm(key[2:], "ben", "Ben", f"text {seq}", seq, 0, f"1.{seq}")
    return frames.PrivatePm(key[2:], "ada", "Ben", f"text {seq}", seq, 0, f"2.{seq}")


def room(gid: str, seq: int, read: int = 0) -> frames.RoomEntry:
    return frames.RoomEntry(gid, gid, seq, read, seq - read, False, 0)


def peer(uid: str, seq: int) -> frames.PeerEntry:
    return frames.PeerEntry(uid, uid, seq, 0, seq, 0, True)


def login(epoch: str = "e1", read: int = 0, **heads: int) -> frames.LoggedIn:
    """`lobby=3` is a room, `p_ben=4` a private talk."""
    groups = [room(name, seq, read) for name, seq in heads.items() if not name.startswith("p_")]
    peers = [peer(name[2:], seq) for name, seq in heads.items() if name.startswith("p_")]
    return frames.LoggedIn("ada", "Ada", 1001, epoch, groups, peers, frames.Online(1, 1))


def entered(epoch: str = "e1", resume: frames.Resume | None = None, **heads: int) -> Stream:
    stream = Stream(resume)
    stream.logged_in(login(epoch, **heads))
    stream.replayed()
    return stream


def seqs(*steps: Step | None) -> list[int]:
    return [step.event.seq for step in steps if step is not None and step.event is not None]


class World:
    """A server with a history and a wire that loses, doubles and delays; everything that ada gets to see."""

    def __init__(self) -> None:
        self.heads = {ROOM: 0, TALK: 0}
        self.stream, self.cursor = Stream(), Cursor()
        self.seen: dict[str, list[int]] = {ROOM: [], TALK: []}
        self.asked: list[tuple[str, int]] = []
        self.pages: list[tuple[str, list]] = []
        self.reconnect(0)

    def show(self, *steps: Step | None) -> None:
        for step in steps:
            if step is not None:
                self.cursor.move(step)
                if step.event is not None:
                    self.seen[self.stream.key_of(step.event)].append(step.event.seq)
        self.asked += self.stream.asks()

    def say(self, key: str) -> None:
        self.heads[key] += 1
        self.again(key, self.heads[key])

    def lose(self, key: str) -> None:
        self.heads[key] += 1

    def again(self, key: str, seq: int) -> None:
        """A message arrives, be it late, doubled or before its time."""
        if 1 <= seq <= self.heads[key]:
            self.show(self.stream.take(said(key, seq)))

    def read(self) -> None:
        """The server reads the oldest page asked for; it arrives some time later."""
        if self.asked:
            key, after = self.asked.pop(0)
            self.pages.append((key, [said(key, n) for n in range(after + 1, self.heads[key] + 1)][:3]))

    def arrive(self) -> None:
        if self.pages:
            self.show(*self.stream.page(*self.pages.pop(0)))

    def fail(self) -> None:
        if self.asked:
            self.stream.failed(self.asked.pop(0)[0])
            self.show()

    def reconnect(self, most: int) -> None:
        """A new login; up to `most` missed messages are replayed, more are a gap."""
        self.asked, self.pages = [], []
        resume = self.stream.resume()
        self.show(self.stream.logged_in(login(lobby=self.heads[ROOM], p_ben=self.heads[TALK])))
        for key, head in self.heads.items() if resume else ():
            had = resume.seqs.get(key, 0)
            if 0 < head - had <= most:
                self.show(*(self.stream.take(said(key, n)) for n in range(had + 1, head + 1)))
            elif head > had:
                where = {"gid": "lobby"} if key == ROOM else {"uid": "ben"}
                self.show(self.stream.take(frames.Gap(had, head, **where)))
        self.stream.replayed()
        self.show()

    def settle(self) -> None:
        while self.asked or self.pages:
            self.read()
            self.arrive()


KEYS = st.sampled_from([ROOM, TALK])
EVENTS = st.one_of(
    st.tuples(st.just("say"), KEYS),
    st.tuples(st.just("lose"), KEYS),
    st.tuples(st.just("again"), KEYS, st.integers(1, 20)),
    st.tuples(st.sampled_from(["read", "arrive", "fail"])),
    st.tuples(st.just("reconnect"), st.integers(0, 5)),
)


@given(st.lists(EVENTS, max_size=60))
def test_any_mix_of_replays_doubles_holes_and_gaps_shows_each_message_once_and_in_order(events):
    world = World()
    for name, *arguments in events:
        getattr(world, name)(*arguments)
        for seen in world.seen.values():
            assert seen == list(range(1, len(seen) + 1))
    world.say(ROOM)
    world.say(TALK)
    world.settle()
    for key, seen in world.seen.items():
        assert seen == list(range(1, world.heads[key] + 1))
    assert world.cursor.seqs == world.heads


@given(st.lists(EVENTS, max_size=40), st.integers(0, 40))
def test_a_new_process_goes_on_exactly_where_the_stored_cursor_stood(events, stop):
    world = World()
    for name, *arguments in events[:stop]:
        getattr(world, name)(*arguments)
    stored = world.cursor.resume()
    world.stream, world.cursor = Stream(stored), Cursor(stored)
    world.reconnect(5)
    for name, *arguments in events[stop:]:
        getattr(world, name)(*arguments)
    world.say(ROOM)
    world.say(TALK)
    world.settle()
    assert world.seen == {key: list(range(1, head + 1)) for key, head in world.heads.items()}


def test_a_first_login_starts_at_the_newest_of_everything():
    stream = entered(lobby=41, p_ben=7)
    assert stream.resume() == frames.Resume("e1", {ROOM: 41, TALK: 7})
    assert stream.asks() == []
    assert seqs(stream.take(said(ROOM, 41)), stream.take(said(ROOM, 42)), stream.take(said(TALK, 8))) == [42, 8]


def test_a_private_talk_that_began_meanwhile_counts_as_0_and_a_room_that_was_joined_elsewhere_starts_now():
    stream = entered(lobby=41)
    stream.logged_in(login(lobby=41, tea=12, p_ben=2))
    assert stream.resume().seqs == {ROOM: 41, "g:tea": 12, TALK: 0}
    assert seqs(stream.take(said(TALK, 1)), stream.take(said(TALK, 2))) == [1, 2]


def test_what_no_replay_brought_is_asked_for_after_the_login():
    stream = entered(resume=frames.Resume("e1", {ROOM: 3}), lobby=9)
    assert stream.asks() == [(ROOM, 3)]
    assert stream.asks() == []
    assert seqs(*stream.page(ROOM, [said(ROOM, n) for n in range(4, 10)])) == [4, 5, 6, 7, 8, 9]
    assert stream.asks() == []


def test_live_messages_wait_for_the_hole_before_them():
    stream = entered(lobby=1)
    assert seqs(stream.take(said(ROOM, 4)), stream.take(said(ROOM, 5))) == []
    assert stream.asks() == [(ROOM, 1)]
    assert seqs(*stream.page(ROOM, [said(ROOM, n) for n in (2, 3, 4)])) == [2, 3, 4]
    assert stream.asks() == [(ROOM, 4)]
    assert seqs(*stream.page(ROOM, [said(ROOM, 5)])) == [5]
    assert seqs(stream.take(said(ROOM, 6))) == [6]


def test_what_history_has_no_more_is_skipped():
    stream = entered(lobby=1)
    stream.take(said(ROOM, 9))
    stream.asks()
    assert seqs(*stream.page(ROOM, [said(ROOM, 8), said(ROOM, 9)])) == [8, 9]
    stream.take(said(ROOM, 12))
    stream.asks()
    assert seqs(*stream.page(ROOM, [])) == []
    assert seqs(stream.take(said(ROOM, 13))) == [13]


def test_a_lost_history_starts_everything_anew_and_is_told():
    stream = entered(lobby=41, p_ben=7)
    step = stream.logged_in(login("e2", lobby=2))
    assert (step.epoch, dict(step.moves)) == ("e2", {ROOM: 2, TALK: None})
    gap = frames.Gap(41, 2, gid="lobby")
    assert stream.take(gap).event is gap
    stream.replayed()
    assert stream.asks() == []
    assert seqs(stream.take(said(ROOM, 3))) == [3]


def test_a_cursor_ahead_of_the_server_is_told_and_set_back():
    stream = entered(lobby=41)
    stream.logged_in(login(lobby=40))
    assert stream.take(frames.Gap(41, 40, gid="lobby")).moves == {ROOM: 40}
    stream.replayed()
    assert seqs(stream.take(said(ROOM, 41))) == [41]


def test_a_room_is_followed_from_where_one_joined():
    stream = entered()
    assert stream.joined(room("lobby", seq=6, read=5)).moves == {ROOM: 5}
    assert stream.joined(room("lobby", seq=9, read=9)) is None
    assert seqs(stream.take(said(ROOM, 6)), stream.take(said(ROOM, 7))) == [6, 7]


def test_a_room_that_somebody_invited_one_to_misses_nothing_over_a_reconnect():
    stream = entered()
    invitation = frames.Joined("lobby", "ada", "Ada", "Lobby")
    assert stream.take(invitation).event is invitation
    stream.logged_in(login(lobby=8, read=5))
    stream.replayed()
    assert stream.asks() == [(ROOM, 5)]


def test_who_leaves_a_room_or_is_removed_from_it_forgets_where_one_was():
    stream = entered(lobby=41, tea=3, cake=4)
    assert stream.take(frames.Left("lobby", "ada", "Ada")).moves == {ROOM: None}
    stream.take(said("g:tea", 9))
    stream.asks()
    stream.forget("g:tea")
    assert stream.page("g:tea", [said("g:tea", 4)]) == []
    stream.logged_in(login(lobby=50))
    assert stream.resume().seqs == {ROOM: 50}


def test_others_who_come_and_go_are_only_told():
    stream = entered(lobby=41)
    for event in (frames.Left("lobby", "ben", "Ben"), frames.Joined("tea", "ben", "Ben", "Tea")):
        assert stream.take(event) == Step(event)
    assert stream.resume().seqs == {ROOM: 41}


def test_more_conversations_than_a_resume_may_name_leave_out_private_ones():
    many = {f"p:{n}": 1 for n in range(1200)} | {ROOM: 3}
    named = Stream(frames.Resume("e1", many)).resume().seqs
    assert len(named) == 1000
    assert named[ROOM] == 3
