"""Pushes in the process of the worker and without one: who gets what, what is stored, what is counted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from legacy_chat.actions.login import Login
from legacy_chat.actions.push import Pushes, make_push
from legacy_chat.backplane.contract import Reach, ToAll, ToPeople, ToRoom
from legacy_chat.core.metrics import MESSAGES, PUSHES
from legacy_chat.core.model import Member
from legacy_chat.core.push import Errand, Pushed
from legacy_chat.errors import BadShape, BadText, Empty, TooLong, Unavailable, UnknownRoom
from legacy_chat.storage import messages, people, rooms, schedule


@pytest.fixture
def pushes(parts) -> Pushes:
    return Pushes(parts)


@pytest.fixture
def here(parts) -> list:
    """A worker in this process with ada on two pages and ben on one; every notice that it got."""
    notices: list = []
    pages = {"7": 2, "9": 1}

    def count(notice) -> Reach:
        reached = [pages[uid] for uid in notice.uids if uid in pages] if isinstance(notice, ToPeople) else [2, 1]
        return Reach(len(reached), sum(reached))

    parts.backplane.subscribe(notices.append, count)
    return notices


@pytest.fixture
def lobby(parts):
    def job(connection):
        room = rooms.create_room(connection, "lobby", "Lobby", False)
        rooms.add_member(connection, room.id, "7")
        return room

    return parts.database.run(job)


def heard(notices) -> list[tuple]:
    return [
        (notice.uids if isinstance(notice, ToPeople) else type(notice), json.loads(notice.frame)) for notice in notices
    ]


def history(parts, one: str, other: str) -> list[tuple[str, str]]:
    where = parts.database.read(lambda c: rooms.find_private(c, one, other))
    page, _ = parts.database.read(lambda c: messages.page(c, where or 0, None, None, 100))
    return [(message.uid, message.content) for message in page]


def planned(parts) -> list:
    return parts.database.read(lambda c: schedule.due(c, 2**52))


# -- events --------------------------------------------------------------------------------------------------


def test_text_for_ada_is_an_event_on_her_pages_and_stored_nowhere(pushes, here, parts):
    assert pushes.push(make_push("7", content="your order left")) == Pushed(1, 2, 0)
    assert heard(here) == [(("7",), {"type": "event", "name": "push", "data": {"content": "your order left"}})]
    assert history(parts, "site", "7") == []


def test_whoever_is_away_counts_for_nothing(pushes, here):
    assert pushes.push(make_push(["7", "9", "absent"], content="hello")) == Pushed(2, 3, 0)
    assert pushes.push(make_push("absent", content="hello")) == Pushed(0, 0, 0)


def test_an_event_of_the_sites_own_has_its_name_and_data(pushes, here):
    pushes.push(make_push(all=True, name="price", data={"EUR": [1, 2.5]}))
    assert heard(here) == [(ToAll, {"type": "event", "name": "price", "data": {"EUR": [1, 2.5]}})]


def test_a_room_is_reached_by_its_key_and_has_to_be_there(pushes, here, lobby):
    assert pushes.push(make_push(gid="lobby", content="closing soon")) == Pushed(2, 3, 0)
    assert [(type(notice), notice.key) for notice in here] == [(ToRoom, "g:lobby")]
    with pytest.raises(UnknownRoom):
        pushes.push(make_push(gid="nowhere", content="hello"))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"content": " "}, Empty),
        ({"content": "x" * 4001}, TooLong),
        ({"content": "a\0b"}, BadText),
        ({"name": "huge", "data": "x" * 65536}, TooLong),
        ({"name": "odd", "data": object()}, BadText),
        ({"name": "half", "data": "\ud800"}, BadText),
        ({"name": "none", "data": [{"EUR": float("nan")}]}, BadText),
        ({"name": "none", "data": float("-inf")}, BadText),
        ({"content": "hi", "durable": True, "to": "line\nbreak"}, BadText),
        ({"content": "hi", "durable": True, "sender": {"uid": "shop", "name": "a\0b"}}, BadText),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anybody_hears_of_it(pushes, here, given, error):
    with pytest.raises(error):
        pushes.push(make_push(**{"to": "7", **given}))
    assert here == []


def test_a_push_to_nobody_in_particular_is_a_mistake_not_a_shout(pushes):
    with pytest.raises(BadShape, match="exactly one"):
        make_push(None, content="hello")


def test_nobody_takes_an_event_where_no_worker_runs_and_that_is_said(pushes):
    with pytest.raises(Unavailable, match="No chat worker"):
        pushes.push(make_push("7", content="hello"))


# -- stored --------------------------------------------------------------------------------------------------


def test_a_durable_push_is_a_message_from_the_site_and_an_event_on_open_pages(pushes, here, parts):
    assert pushes.push(make_push("7", content="your order left", durable=True)) == Pushed(1, 2, 1)
    (to_both, message), (to_ada, event) = heard(here)
    assert (to_both, message["type"], message["uid"], message["name"]) == (("7", "site"), "pm", "site", "Site")
    assert (to_ada, event["name"]) == (("7",), "push")
    assert event["data"] == {"content": "your order left", "uid": "site", "seq": 1, "mid": message["mid"]}
    assert history(parts, "site", "7") == [("site", "your order left")]


def test_whoever_is_away_finds_it_at_the_next_login(pushes, here, parts):
    assert pushes.push(make_push("5", content="welcome", durable=True)) == Pushed(0, 0, 1)
    snapshot = Login(parts).open(Member("5", "eve"), None, lambda _: None)
    (talk,) = [m for m in snapshot.memberships if m.uid]
    assert (talk.uid, talk.name, talk.unread) == ("site", "Site", 1)


def test_each_of_many_has_a_message_of_their_own(pushes, here, parts):
    uids = [str(number) for number in range(150)]
    assert pushes.push(make_push(uids, content="hello all", durable=True)) == Pushed(2, 3, 150)
    assert all(history(parts, "site", uid) == [("site", "hello all")] for uid in uids)


def test_a_room_has_one_message_for_all(pushes, here, lobby, parts):
    sender = {"uid": "bot", "name": "Robot"}
    assert pushes.push(make_push(gid="lobby", content="hi", durable=True, sender=sender)) == Pushed(2, 3, 1)
    (_, message), (_, event) = heard(here)
    assert (message["type"], message["name"], message["seq"]) == ("groupPm", "Robot", 1)
    assert event["data"] == {"content": "hi", "gid": "lobby", "seq": 1, "mid": message["mid"]}


def test_without_a_worker_it_is_stored_all_the_same(pushes, parts):
    assert pushes.push(make_push("7", content="later", durable=True)) == Pushed(0, 0, 1)
    assert history(parts, "site", "7") == [("site", "later")]


def test_an_errand_that_comes_twice_is_stored_and_told_once(pushes, here, parts):
    errand = Errand(make_push("7", content="once", durable=True), "push:1")
    assert pushes.carry_out(errand) == Pushed(1, 2, 1)
    before = len(here)
    assert pushes.carry_out(errand).stored == 1
    assert len(here) == before
    assert history(parts, "site", "7") == [("site", "once")]


def test_a_post_is_a_message_and_no_pop_up(pushes, here, lobby, parts, ada):
    Login(parts).open(ada, None, lambda _: None)
    here.clear()
    assert pushes.post("lobby", "order 42 left", "7") == Pushed(2, 3, 1)
    ((_, message),) = heard(here)
    assert (message["type"], message["uid"], message["name"]) == ("groupPm", "7", "ada")
    assert pushes.post("lobby", "and again", "shop", "The shop").stored == 1
    assert heard(here)[-1][1]["name"] == "The shop"


def test_writing_in_the_name_of_somebody_who_never_came_leaves_them_a_newcomer(pushes, lobby, parts):
    pushes.post("lobby", "I was here", "21", "eve")
    assert parts.database.read(lambda c: people.find_name(c, "21")) == "eve"
    assert [room.gid for room in Login(parts).open(Member("21", "Eve"), None, lambda _: None).joined] == ["lobby"]


# -- planned -------------------------------------------------------------------------------------------------


def test_a_push_with_a_time_waits_in_a_row_and_can_be_called_off(pushes, here, parts, clock):
    answer = pushes.push(make_push("7", content="happy new year", at=clock.now + 1000))
    assert (answer.users, answer.connections, answer.stored, here) == (0, 0, 0, [])
    (row,) = planned(parts)
    assert (row.id, row.due, row.every) == (answer.id, clock.now + 1000, None)
    assert json.loads(row.push) == {"uid": "7", "content": "happy new year"}
    assert pushes.unschedule(answer.id)
    assert not pushes.unschedule(answer.id)
    assert planned(parts) == []


def test_handed_over_twice_it_is_planned_once_and_another_request_is_another(pushes, parts, clock):
    push = make_push("7", content="happy new year", at=clock.now + 1000)
    ids = [pushes.carry_out(Errand(push, id_)).id for id_ in ("api:1:ab", "api:1:ab", "api:2:ab")]
    assert ids[0] == ids[1] != ids[2]
    assert len(planned(parts)) == 2


def test_times_may_be_given_as_pythons_own(pushes, parts, clock):
    when = datetime(2030, 1, 1, tzinfo=timezone.utc)
    pushes.push(make_push("7", content="happy new year", at=when, every=timedelta(days=1)))
    (row,) = planned(parts)
    assert (row.due, row.every) == (1893456000000, 86_400_000)


def test_a_time_without_a_zone_is_local(pushes, parts):
    when = datetime(2030, 1, 1, 12, 30)
    pushes.push(make_push("7", content="lunch", at=when))
    assert planned(parts)[0].due == when.astimezone().timestamp() * 1000


@pytest.mark.parametrize("every", [None, timedelta(days=1)])
def test_a_time_that_is_over_is_refused_with_what_was_given_and_what_time_it_is(pushes, parts, clock, every):
    for at in (clock.now - 3_600_000, datetime.fromtimestamp(clock.now / 1000 - 3600)):
        with pytest.raises(BadShape) as refused:
            pushes.push(make_push("7", content="late", at=at, every=every))
        assert refused.value.code == "bad_frame"
        assert "2023-11-14 21:13:20+00:00 was given, and it is 2023-11-14 22:13:20+00:00" in refused.value.message
    assert planned(parts) == []


def test_seconds_in_place_of_milliseconds_are_seen_by_their_year(pushes, clock):
    with pytest.raises(BadShape, match=r"1970-01-20 .* was given"):
        pushes.push(make_push("7", content="late", at=clock.now // 1000))


def test_a_moment_on_the_way_does_not_count(pushes, parts, clock):
    pushes.push(make_push("7", content="now", at=clock.now - 2000))
    assert planned(parts)[0].due == clock.now - 2000


def test_without_a_first_time_it_begins_after_one_round(pushes, parts, clock):
    pushes.push(make_push("7", content="tick", every=60_000))
    assert planned(parts)[0].due == clock.now + 60_000


# -- other processes -----------------------------------------------------------------------------------------


class FakeRelay:
    def __init__(self, answer):
        self.answer, self.errands = answer, []

    def hand_over(self, errand):
        self.errands.append(errand)
        return self.answer


def test_a_process_without_the_worker_hands_it_over_whole(pushes, parts):
    parts.relay = FakeRelay(Pushed(1, 3, 1))
    push = make_push("7", content="hello\r\nthere", durable=True)
    assert pushes.push(push) == Pushed(1, 3, 1)
    (errand,) = parts.relay.errands
    assert errand.push.content == "hello\nthere"
    assert history(parts, "site", "7") == []


def test_where_nobody_listens_it_is_stored_here(pushes, parts):
    parts.relay = FakeRelay(None)
    assert pushes.push(make_push("7", content="hello", durable=True)) == Pushed(0, 0, 1)
    assert history(parts, "site", "7") == [("site", "hello")]


def test_the_worker_itself_asks_nobody(pushes, parts, here):
    parts.relay = FakeRelay(None)
    assert pushes.push(make_push("7", content="hello")) == Pushed(1, 2, 0)
    assert parts.relay.errands == []


def test_each_push_is_counted_by_what_became_of_it(pushes, here, lobby, parts):
    pushes.push(make_push("7", content="hi"))
    pushes.push(make_push(["8", "10"], content="hi", durable=True))
    pushes.push(make_push("7", content="later", every=timedelta(hours=1)))
    pushes.post("lobby", "no push, only a message", "7")
    counts = parts.counts
    assert {result: counts[place] for result, place in PUSHES.items()} == {
        "ok": 1,
        "offline": 1,
        "planned": 1,
        "fail": 0,
    }
    assert {kind: counts[place] for kind, place in MESSAGES.items()} == {"room": 1, "private": 2}


def test_a_push_that_nobody_takes_has_failed(pushes, parts):
    with pytest.raises(Unavailable):
        pushes.push(make_push("7", content="hi"))
    assert parts.counts[PUSHES["fail"]] == 1
