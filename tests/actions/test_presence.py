"""Workers that share a store: what is written, who counts as come or gone, what is left by one that died."""

from __future__ import annotations

from contextlib import contextmanager

import gevent
import pytest

from legacy_chat.actions import presence as module
from legacy_chat.actions.login import Login
from legacy_chat.actions.messages import Messages
from legacy_chat.actions.presence import Presence
from legacy_chat.core.model import Member
from legacy_chat.core.presence import SETTLE, Change, PersonState
from legacy_chat.errors import Unavailable
from legacy_chat.storage import presence as storage

GRACE, LEASE = 10.0, 30.0


class Worker:
    """A worker of the site: its people come, hide and go; `round` is what it tells."""

    def __init__(self, world: World):
        self._world = world
        self.presence = Presence(world.parts, record=world.record)
        self.presence.begin()

    def here(self, *uids: str, away: bool = False) -> list[tuple]:
        for uid in uids:
            self.presence.roster.here(uid, away, self._world.now)
        return self.round()

    def gone(self, *uids: str) -> list[tuple]:
        for uid in uids:
            self.presence.roster.gone(uid, self._world.now, self._world.parts.clock())
        return self.round()

    def round(self) -> list[tuple]:
        """`(uid, online, away)` of everybody who is told, and a star where they came or went."""
        settled = self.presence.settle(self._world.now)
        for row in settled.adopted:
            self.presence.roster.adopt(row.uid, row.away, self._world.now, row.seen)
        return [(n.change.uid, n.change.online, n.change.away) + ("*",) * n.crossed for n in settled.news]


class World:
    def __init__(self, parts):
        self.parts = parts
        self.now = 0.0
        self.webhooks: list[tuple] = []

    def record(self, connection, kind, data, ts) -> None:
        self.webhooks.append((kind, data["uid"]))

    def worker(self) -> Worker:
        return Worker(self)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.parts.clock.now += round(seconds * 1000)


@pytest.fixture
def world(parts) -> World:
    return World(parts)


@pytest.fixture
def one(world) -> Worker:
    return world.worker()


def test_ada_comes_and_goes(world, one):
    assert one.here("7") == [("7", True, False, "*")]
    assert one.round() == []
    left = world.parts.clock()
    assert one.gone("7") == []
    world.wait(GRACE)
    assert one.round() == [("7", False, False, "*")]
    assert world.webhooks == [("user.online", "7"), ("user.offline", "7")]
    assert Presence(world.parts).state(["7"]) == [PersonState("7", False, seen=left)]


def test_ten_reloads_leave_no_trace(world, one):
    one.here("7")
    for _ in range(10):
        assert one.gone("7") == []
        world.wait(1)
        assert one.here("7") == []
    world.wait(100)
    assert one.round() == []
    assert world.webhooks == [("user.online", "7")]


def test_away_is_told_but_is_no_coming_and_going(world, one):
    one.here("7")
    one.here("7", away=True)
    world.wait(SETTLE)
    assert one.round() == [("7", True, True)]
    assert Presence(world.parts).state(["7"]) == [PersonState("7", True, away=True)]
    assert world.webhooks == [("user.online", "7")]


def test_a_restart_with_good_byes_is_nothing_to_tell(world, one):
    one.here("7", "9")
    one.presence.release()
    assert one.gone("7", "9") == []
    two = world.worker()
    assert two.round() == []
    assert two.here("7", "9") == []
    world.wait(1000)
    assert two.round() == []
    assert world.webhooks == [("user.online", "7"), ("user.online", "9")]


def test_whoever_comes_before_the_new_worker_looked_did_not_come(world, one):
    one.here("7", "9")
    one.presence.release()
    two = world.worker()
    assert two.here("7") == []
    world.wait(GRACE)
    assert two.round() == [("9", False, False, "*")]


def test_who_was_away_at_the_restart_stays_so_without_a_word(world, one):
    one.here("7", away=True)
    one.presence.release()
    two = world.worker()
    assert two.here("7", away=False) == []
    assert two.here("7", away=True) == []
    world.wait(1000)
    assert two.round() == []


def test_who_came_back_from_being_away_over_the_restart_is_told(world, one):
    one.here("7", away=True)
    one.presence.release()
    two = world.worker()
    two.here("7", away=False)
    world.wait(SETTLE)
    assert two.round() == [("7", True, False)]


def test_a_killed_worker_ends_in_offline_within_lease_and_grace(world, one):
    """Who is back in time did not go; who is gone for good is told so."""
    one.here("7", "9")
    two = world.worker()
    assert two.here("7") == []
    world.wait(LEASE)
    assert two.round() == []
    world.wait(GRACE)
    assert two.round() == [("9", False, False, "*")]
    assert world.webhooks[2:] == [("user.offline", "9")]
    world.wait(LEASE + GRACE)
    assert two.round() == []


def test_a_person_at_two_workers_is_one_person(world, one):
    two = world.worker()
    assert one.here("7") == [("7", True, False, "*")]
    assert two.here("7") == []
    one.gone("7")
    world.wait(GRACE)
    assert one.round() == []
    assert Presence(world.parts).is_online("7")
    two.round()
    two.gone("7")
    world.wait(GRACE)
    assert two.round() == [("7", False, False, "*")]
    assert world.webhooks == [("user.online", "7"), ("user.offline", "7")]


def test_a_person_at_two_workers_is_away_when_both_say_so(world, one):
    two = world.worker()
    one.here("7")
    two.here("7")
    one.here("7", away=True)
    world.wait(SETTLE)
    assert one.round() == []
    two.here("7", away=True)
    world.wait(SETTLE)
    assert two.round() == [("7", True, True)]


def test_away_shows_once_the_worker_that_said_otherwise_is_dead(world, one):
    two = world.worker()
    one.here("7")
    two.here("7")
    two.here("7", away=True)
    world.wait(SETTLE)
    assert two.round() == []
    world.wait(LEASE)
    assert two.round() == [("7", True, True)]


def test_a_worker_that_was_taken_for_dead_takes_its_people_back(world, one):
    one.here("7")
    two = world.worker()
    two.round()
    world.wait(LEASE)
    two.round()
    world.wait(GRACE)
    assert two.round() == [("7", False, False, "*")]
    one.round()
    assert one.round() == [("7", True, False, "*")]


def test_a_store_that_does_not_answer_only_delays(world, one, monkeypatch):
    one.round()
    with monkeypatch.context() as patched:
        patched.setattr(storage, "put", lambda *_: (_ for _ in ()).throw(Unavailable("locked")))
        with pytest.raises(Unavailable):
            one.here("7")
    assert one.round() == [("7", True, False, "*")]


def test_a_thousand_who_come_at_once_are_written_in_pieces(world, one):
    uids = [f"p{number}" for number in range(2 * module.MOST)]
    first = one.here(*uids)
    second = one.round()
    assert [len(first), len(second)] == [module.MOST, module.MOST]
    assert sorted(uid for uid, *_ in first + second) == sorted(uids)
    assert one.round() == []


def test_news_are_for_the_rooms_and_the_private_talks_of_the_person(world, one, parts, ada):
    Login(parts).open(ada, None, lambda _: None)
    messages = Messages(parts)
    messages.post(messages.private("7", "9"), ada, "hi", lambda _: None)
    one.presence.roster.here("7", False, world.now)
    [news] = one.presence.settle(world.now).news
    assert news.change == Change("7", True)
    assert news.audience.peers == ["9"]


def test_the_lease_is_renewed_in_time_and_idle_rounds_write_nothing(world, one, monkeypatch):
    jobs: list = []
    call = world.parts.writer.call
    monkeypatch.setattr(world.parts.writer, "call", lambda job: jobs.append(world.now) or call(job))
    for _ in range(60):
        one.round()
        world.wait(1)
    assert jobs == [0, 10, 20, 30, 40, 50]


def test_who_asks_without_a_worker_believes_a_dead_one_no_longer_than_it_may(world, one):
    one.here("7")
    last = world.parts.clock()
    reader = Presence(world.parts)
    world.wait(LEASE + GRACE - 0.1)
    assert reader.is_online("7")
    world.wait(0.1)
    assert reader.state(["7", "8"]) == [PersonState("7", False, seen=last), PersonState("8", False)]


def test_a_process_without_a_worker_writes_nothing(world):
    reader = Presence(world.parts)
    reader.roster.here("7", False, 0)
    assert reader.settle(0) == module.Settled([], [])
    reader.release()
    assert world.parts.read(lambda c: storage.next_lease(c, "")) is None


@pytest.mark.parametrize("mistake", [RuntimeError("the site's own bug"), SystemExit(1), gevent.Timeout(1)])
def test_the_callbacks_are_called_and_one_that_fails_harms_nobody(parts, caplog, mistake):
    called: list = []

    @contextmanager
    def context():
        called.append("context")
        yield

    def fails(uid, online):
        raise mistake

    presence = Presence(parts, changed=[fails, lambda *who: called.append(who)], context=context)
    presence.call_back("7", True)
    presence.call_back("7", False)
    assert called == ["context", "context", ("7", True), "context", "context", ("7", False)]
    assert "on_online failed" in caplog.text
    assert "on_offline failed" in caplog.text


def test_a_login_shows_how_the_partners_of_private_talks_stand(world, one, parts, ada, ben):
    snapshots: list = []
    messages = Messages(parts)
    for member in (ada, ben, Member("8", "cleo")):
        Login(parts).open(member, None, lambda _: None)
        if member is not ada:
            messages.post(messages.private("7", member.uid), ada, "hi", lambda _: None)
    one.here("9", away=True)
    Login(parts).open(ada, None, snapshots.append)
    assert snapshots[0].peers == {"9": PersonState("9", True, away=True)}
