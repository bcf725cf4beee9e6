import gevent
import pytest

from legacy_chat import settings as settings_table
from legacy_chat.backplane.contract import Disconnect, Posted, Subscribe, ToPeople, ToRoom
from legacy_chat.core.model import Conversation
from legacy_chat.errors import Unavailable
from legacy_chat.realtime.holds import Hold, Holds


def make(slots=None, **config) -> Holds:
    return Holds(settings_table.load({f"CHAT_{name.upper()}": str(value) for name, value in config.items()}, {}), slots)


@pytest.fixture
def holds() -> Holds:
    return make()


@pytest.mark.parametrize(
    "notice",
    [
        Posted(("g:lobby", "g:x")),
        ToRoom("g:lobby", b"{}", stored=True),
        ToPeople(("5", "7"), b"{}", stored=True),
        Subscribe("7", Conversation(3, gid="shop")),
        Disconnect("7", 4440, "logged out"),
    ],
)
def test_news_wake_whom_they_concern(holds, notice):
    with holds.hold(1, "7", None) as ada, holds.hold(2, "9", None) as ben:
        holds.listen(ada, ["u:7", "g:lobby"])
        holds.listen(ben, ["u:9", "g:other"])
        holds.receive(notice)
        assert ada.wait(0)
        assert not ben.wait(0)
        assert not ada.wait(0)


def test_what_is_only_told_and_not_posted_yet_wakes_nobody(holds):
    with holds.hold(1, "7", None) as ada:
        holds.listen(ada, ["g:lobby"])
        holds.receive(ToRoom("g:lobby", b"{}"))
        assert not ada.wait(0)


def test_somebody_waits_until_there_is_news(holds):
    with holds.hold(1, "7", None) as ada:
        holds.listen(ada, ["u:7"])
        gevent.spawn(holds.receive, Posted(("u:7",)))
        assert ada.wait(5)


def test_two_polls_of_a_client_that_came_side_by_side_leave_nothing_behind():
    holds = make(max_per_user=1, max_per_address=1)
    first, second = Hold(1, "7", "10.0.0.1"), Hold(1, "7", "10.0.0.1")
    for hold in (first, second):
        holds.enter(hold)
        holds.listen(hold, ["u:7"])
    assert first.superseded
    for hold in (first, second):
        holds.leave(hold)
    holds.check("7", "10.0.0.1")
    assert not holds._by_key


def test_the_next_poll_of_a_client_sends_the_one_before_home(holds):
    with holds.hold(1, "7", None) as first:
        holds.supersede(1)
        assert first.superseded
        assert first.wait(0)
        assert len(holds) == 0
        with holds.hold(1, "7", None) as second:
            assert not second.superseded
            assert len(holds) == 1
    assert len(holds) == 0


def test_nothing_is_left_of_polls_that_were_answered(holds):
    for number in range(3):
        with holds.hold(number, "7", "10.0.0.1") as hold:
            holds.listen(hold, ["u:7", "g:lobby"])
    assert (len(holds), dict(holds._by_key), dict(holds._by_uid), dict(holds._by_address)) == (0, {}, {}, {})


@pytest.mark.parametrize(
    ("limit", "uids", "addresses"),
    [("max_polls", "79", "ab"), ("max_per_user", "77", "ab"), ("max_per_address", "79", "aa")],
)
def test_over_a_limit_nobody_more_is_held(limit, uids, addresses):
    holds = make(**{limit: 1})
    with holds.hold(1, uids[0], addresses[0]):
        with pytest.raises(Unavailable) as refused, holds.hold(2, uids[1], addresses[1]):
            pass
        assert refused.value.retry_after
    with holds.hold(2, uids[1], addresses[1]):
        pass


def test_half_of_the_slots_stay_for_pages():
    holds = make(slots=2)
    with holds.hold(1, "7", None), pytest.raises(Unavailable), holds.hold(2, "9", None):
        pass


def test_zero_is_no_limit():
    holds = make(max_polls=0, max_per_user=0, max_per_address=0)
    with holds.hold(1, "7", "a"), holds.hold(2, "7", "a"):
        assert len(holds) == 2


def test_at_the_end_everybody_is_woken(holds):
    with holds.hold(1, "7", None) as ada:
        holds.end()
        assert ada.wait(0)
        assert holds.ended
        assert 200 <= holds.come_back() <= 502


def test_what_came_between_the_look_and_the_hold_wakes_as_well(holds):
    seen = holds.news
    holds.receive(Posted(("g:lobby",)))
    with holds.hold(1, "7", None) as ada, holds.hold(2, "9", None) as ben:
        holds.listen(ada, ["u:7", "g:lobby"], seen)
        holds.listen(ben, ["u:9", "g:other"], seen)
        assert ada.wait(0)
        assert not ben.wait(0)
        holds.listen(ada, ["u:7", "g:lobby"], holds.news)
        assert not ada.wait(0)


def test_after_a_long_look_nobody_knows_and_it_is_looked_again(holds):
    seen = holds.news
    for _ in range(1001):
        holds.receive(Posted(("g:other",)))
    with holds.hold(1, "7", None) as ada:
        holds.listen(ada, ["g:lobby"], seen)
        assert ada.wait(0)
        holds.listen(ada, ["g:lobby"], holds.news - 1)
        assert not ada.wait(0)
