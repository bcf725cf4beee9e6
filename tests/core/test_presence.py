"""What is told of people, and when: stories first, then any story that hypothesis can think of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.core.presence import SETTLE, Change, PersonState, Roster

GRACE = 10.0
SEEN = 1_700_000_000_000


@pytest.fixture
def roster() -> Roster:
    return Roster(GRACE)


def tell(roster: Roster, now: float) -> list[Change]:
    """What is told now."""
    changes = roster.due(now, 1000)
    roster.settled(changes, now, SEEN)
    return changes


def came(uid: str = "ada", away: bool = False) -> Change:
    return Change(uid, True, away)


def went(uid: str = "ada", seen: int = SEEN) -> Change:
    return Change(uid, False, seen=seen)


def test_ada_comes_and_goes_and_is_told_gone_after_the_grace(roster):
    roster.here("ada", False, 0)
    assert tell(roster, 0) == [came()]
    roster.gone("ada", 1, SEEN - 5)
    assert tell(roster, 1 + GRACE - 0.1) == []
    assert tell(roster, 1 + GRACE) == [went(seen=SEEN - 5)]
    assert tell(roster, 1000) == []


def test_ten_reloads_are_nothing_to_tell(roster):
    roster.here("ada", False, 0)
    tell(roster, 0)
    for now in range(0, 100, 10):
        roster.gone("ada", now, SEEN)
        assert tell(roster, now + GRACE - 1) == []
        roster.here("ada", False, now + GRACE - 1)
    assert tell(roster, 1000) == []


def test_a_visit_between_two_looks_never_was(roster):
    roster.here("ada", False, 0)
    roster.gone("ada", 0.5, SEEN)
    assert tell(roster, 1) == []
    assert tell(roster, 1000) == []


def test_ada_is_away_when_it_has_held_for_a_moment_and_back_likewise(roster):
    roster.here("ada", False, 0)
    tell(roster, 0)
    roster.here("ada", True, 5)
    assert tell(roster, 5 + SETTLE - 0.1) == []
    assert tell(roster, 5 + SETTLE) == [came(away=True)]
    roster.here("ada", False, 20)
    assert tell(roster, 20 + SETTLE) == [came(away=False)]


def test_a_look_at_another_tab_is_nothing_to_tell(roster):
    roster.here("ada", False, 0)
    tell(roster, 0)
    roster.here("ada", True, 5)
    roster.here("ada", False, 5 + SETTLE / 2)
    roster.here("ada", True, 5 + SETTLE)
    assert tell(roster, 5 + SETTLE) == []


def test_who_was_away_before_a_restart_is_away_after_it_without_a_word(roster):
    """The new page counts as seen until it says that it is hidden."""
    roster.adopt("ada", True, 0, SEEN)
    roster.here("ada", False, 1)
    assert tell(roster, 1) == []
    roster.here("ada", True, 1.5)
    assert tell(roster, 1000) == []


def test_who_was_adopted_and_does_not_come_back_is_gone_after_the_grace(roster):
    roster.adopt("ada", False, 0, SEEN - 7)
    assert roster.state("ada") == PersonState("ada", True)
    assert tell(roster, GRACE - 1) == []
    assert tell(roster, GRACE) == [went(seen=SEEN - 7)]
    assert roster.state("ada") is None


def test_who_came_before_the_adoption_is_nothing_to_tell(roster):
    roster.here("ada", False, 0)
    roster.adopt("ada", False, 0, SEEN)
    roster.adopt("ada", True, 0, SEEN)
    assert tell(roster, 1000) == []


def test_what_was_not_stored_is_due_again(roster):
    roster.here("ada", False, 0)
    assert roster.due(0, 10) == roster.due(5, 10) == [came()]


def test_who_goes_while_it_is_being_told_gets_the_grace(roster):
    roster.here("ada", False, 0)
    changes = roster.due(0, 10)
    roster.gone("ada", 0.5, SEEN)
    roster.settled(changes, 1, SEEN + 1)
    assert tell(roster, 1 + GRACE - 0.1) == []
    assert tell(roster, 1 + GRACE) == [went(seen=SEEN + 1)]


def test_who_comes_back_while_it_is_being_told_is_told_as_back(roster):
    roster.here("ada", False, 0)
    tell(roster, 0)
    roster.gone("ada", 0, SEEN)
    changes = roster.due(GRACE, 10)
    roster.here("ada", False, GRACE)
    roster.settled(changes, GRACE, SEEN)
    assert tell(roster, GRACE) == [came()]


def test_a_standstill_of_the_server_lengthens_the_grace(roster):
    roster.here("ada", False, 0)
    tell(roster, 0)
    roster.gone("ada", 0, SEEN)
    roster.excuse(30)
    assert tell(roster, GRACE + 29) == []
    assert tell(roster, GRACE + 30) == [went()]


def test_no_more_is_due_at_once_than_is_asked_for_and_nobody_is_forgotten(roster):
    for number in range(10):
        roster.here(f"p{number}", False, 0)
    told = []
    while changes := roster.due(0, 3):
        assert len(changes) <= 3
        roster.settled(changes, 0, SEEN)
        told += [change.uid for change in changes]
    assert told == [f"p{number}" for number in range(10)]


def test_a_worker_that_was_taken_for_dead_tells_again_who_is_here(roster):
    for uid in ("ada", "ben"):
        roster.here(uid, False, 0)
    tell(roster, 0)
    roster.gone("ben", 1, SEEN)
    roster.restart()
    assert tell(roster, 1000) == [came()]


# -- any story -----------------------------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(
        st.sampled_from(["here", "hidden", "gone", "look", "adopt"]),
        st.sampled_from(["ada", "ben"]),
        st.sampled_from([0.0, 0.3, 1.0, SETTLE, GRACE / 2, GRACE, GRACE + 1]),
        st.booleans(),
    ),
    max_size=60,
)


class Story:
    """Plays the steps, and keeps what really happened and what was told."""

    def __init__(self) -> None:
        self.roster, self.now = Roster(GRACE), 0.0
        self.here: dict[str, bool] = {}
        self.left: dict[str, float] = {}
        self.told: dict[str, bool] = {}

    def play(self, what: str, uid: str, pause: float, stored: bool) -> None:
        self.now += pause
        if what in ("here", "hidden"):
            self.here[uid] = what == "hidden"
            self.roster.here(uid, self.here[uid], self.now)
        elif what == "gone":
            if self.here.pop(uid, None) is not None:
                self.left[uid] = self.now
            self.roster.gone(uid, self.now, int(self.now))
        elif what == "adopt" and not (uid in self.here or uid in self.told):
            self.left[uid] = self.now
            self.told[uid] = False
            self.roster.adopt(uid, False, self.now, int(self.now))
        elif what == "look":
            self.look(stored)

    def look(self, stored: bool = True) -> None:
        changes = self.roster.due(self.now, 1000)
        assert len({change.uid for change in changes}) == len(changes)
        for change in changes:
            self.check(change)
        if stored:
            self.roster.settled(changes, self.now, int(self.now))
            self.told.update({change.uid: change.away for change in changes if change.online})
            for change in changes:
                if not change.online:
                    del self.told[change.uid]

    def check(self, change: Change) -> None:
        if change.online:
            assert self.told.get(change.uid) != change.away, "the same is told twice"
            assert self.here[change.uid] == change.away
        else:
            assert change.uid in self.told, "somebody goes who never came"
            assert change.uid not in self.here
            assert self.now >= self.left[change.uid] + GRACE, "the grace is not over"


@given(steps)
def test_whatever_happens_only_the_truth_is_told_and_nobody_goes_within_the_grace(story):
    world = Story()
    for step in story:
        world.play(*step)


@given(steps)
def test_in_the_end_everybody_knows_who_is_here_and_who_is_away(story):
    world = Story()
    for step in story:
        world.play(*step)
    for _ in range(2):
        world.now += GRACE + SETTLE
        world.look()
    assert world.told == world.here
    assert {uid for uid in ("ada", "ben") if world.roster.state(uid)} == world.here.keys()
    world.now += 1000
    assert world.roster.due(world.now, 10) == []
