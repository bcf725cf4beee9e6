"""Rows of presence and the leases of the workers that wrote them; SQLite's way and the portable one."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from legacy_chat.core.presence import PersonState
from legacy_chat.storage import presence, rooms
from legacy_chat.storage.presence import NOBODY, Audience, Row

ADA = Row("7", "one", True, False, 100)
BEN = Row("9", "one", True, True, 100)


@pytest.fixture
def run(database):
    return database.run


@pytest.fixture(params=["sqlite", "portable"])
def put(request, run, monkeypatch):
    def put(*rows: Row) -> None:
        def work(connection) -> None:
            if request.param == "portable":
                monkeypatch.setattr(connection.dialect, "name", "another")
            presence.put(connection, rows)
            monkeypatch.undo()

        run(work)

    return put


def every(run) -> set[Row]:
    return {row for rows in run(lambda c: presence.rows_of(c, ["7", "9", "8"])).values() for row in rows}


def test_what_is_put_is_there_and_what_is_put_again_is_replaced(put, run):
    put(ADA, BEN)
    put(ADA._replace(away=True, seen=200))
    put()
    assert every(run) == {ADA._replace(away=True, seen=200), BEN}


def test_two_workers_see_the_same_person_side_by_side(put, run):
    put(ADA, ADA._replace(worker="two"))
    assert len(every(run)) == 2


def test_a_worker_drops_whom_it_does_not_see_any_more(put, run):
    put(ADA, BEN, BEN._replace(worker="two"))
    run(lambda c: presence.drop(c, "one", ["9", "8"]))
    run(lambda c: presence.drop(c, "two", []))
    assert every(run) == {ADA, BEN._replace(worker="two")}


def test_people_are_found_as_they_stand(put, run):
    put(ADA, BEN, Row("8", NOBODY, False, False, 50))
    assert run(lambda c: presence.find(c, ["7", "9", "8", "never"])) == {
        "7": PersonState("7", True),
        "9": PersonState("9", True, away=True),
        "8": PersonState("8", False, seen=50),
    }


def test_more_people_than_fit_into_one_statement_are_found(put, run):
    put(*(Row(f"p{number}", "one", True, False, 1) for number in range(1100)))
    assert len(run(lambda c: presence.find(c, [f"p{number}" for number in range(1200)]))) == 1100


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([("one", True, True), ("two", True, False)], PersonState("7", True)),
        ([("one", True, True), ("two", True, True)], PersonState("7", True, away=True)),
        ([("one", True, True), (NOBODY, False, False)], PersonState("7", True, away=True)),
        ([(NOBODY, False, False), ("two", True, False)], PersonState("7", True)),
    ],
)
def test_whom_several_workers_know_is_one_person(put, run, rows, state):
    put(*(Row("7", worker, online, away, 10) for worker, online, away in rows))
    assert run(lambda c: presence.find(c, ["7"])) == {"7": state}


def test_the_word_of_a_dead_worker_does_not_count_for_who_asks_by_the_lease(put, run):
    put(ADA, BEN._replace(worker="two"))
    run(lambda c: presence.renew(c, "one", 120, 1000))
    run(lambda c: presence.renew(c, "two", 120, 2000))
    assert run(lambda c: presence.find(c, ["7", "9"], alive=1000)) == {
        "7": PersonState("7", False, seen=120),
        "9": PersonState("9", True, away=True),
    }


def test_a_lease_is_renewed_and_the_first_of_the_others_to_end_is_known(run):
    assert not run(lambda c: presence.renew(c, "one", 0, 1000))
    assert run(lambda c: presence.renew(c, "one", 10, 1010))
    assert run(lambda c: presence.next_lease(c, "one")) is None
    assert run(lambda c: presence.next_lease(c, "two")) == 1010


def test_people_of_an_ended_lease_are_adopted_once_and_others_are_left_alone(put, run):
    put(ADA, BEN, Row("8", "alive", True, False, 100))
    run(lambda c: presence.renew(c, "one", 500, 1000))
    run(lambda c: presence.renew(c, "alive", 500, 1001))
    adopted = run(lambda c: presence.adopt(c, "two", 1000))
    assert set(adopted.people) == {ADA._replace(worker="two", seen=500), BEN._replace(worker="two", seen=500)}
    assert adopted.turned == []
    assert every(run) == {*adopted.people, Row("8", "alive", True, False, 100)}
    assert run(lambda c: presence.adopt(c, "two", 1000)).people == []


def test_a_crowd_that_stops_polling_costs_a_few_statements_beside_a_crowd_that_is_here(put, run, database):
    mine = [Row(f"here{number}", "two", True, False, 100) for number in range(1000)]
    gone = [Row(f"gone{number}", f"poll:{number}", True, False, 100) for number in range(300)]
    put(*mine, *gone)
    run(lambda c: [presence.renew(c, row.worker, 500, 1000) for row in gone])
    read = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _k, words, *_: read.append(words[:6]))
    adopted = run(lambda c: presence.adopt(c, "two", 1000))
    assert {row.uid for row in adopted.people} == {row.uid for row in gone}
    assert read.count("SELECT") == 3
    assert run(lambda c: presence.adopt(c, "two", 1000)).people == []


def test_of_two_pages_that_stopped_polling_one_is_taken_over_and_the_other_turns_its_person(put, run):
    put(ADA._replace(away=True), ADA._replace(worker="three"))
    for worker in ("one", "three"):
        run(lambda c, worker=worker: presence.renew(c, worker, 0, 1))
    adopted = run(lambda c: presence.adopt(c, "two", 1))
    assert [row.uid for row in adopted.people] == ["7"]
    assert adopted.turned == (["7"] if adopted.people[0].away else [])
    assert {row.worker for row in every(run)} == {"two"}


def test_more_ended_workers_than_are_adopted_at_once_are_adopted_in_the_end(put, run):
    gone = [Row(f"gone{number}", f"poll:{number}", True, False, 100) for number in range(presence.AT_ONCE + 1)]
    put(*gone)
    run(lambda c: [presence.renew(c, row.worker, 500, 1000) for row in gone])
    adopted = [len(run(lambda c: presence.adopt(c, "two", 1000)).people) for _ in range(2)]
    assert adopted == [presence.AT_ONCE, 1]


def test_nobody_adopts_from_itself(put, run):
    put(ADA)
    run(lambda c: presence.renew(c, "one", 0, 1))
    assert run(lambda c: presence.adopt(c, "one", 1000)).people == []
    assert every(run) == {ADA}


def test_who_is_here_already_is_not_adopted_but_may_be_away_now(put, run):
    put(ADA, BEN, ADA._replace(worker="two", away=True), BEN._replace(worker="two"))
    run(lambda c: presence.renew(c, "one", 0, 1))
    assert run(lambda c: presence.adopt(c, "two", 1)) == presence.Adopted([], ["7"])
    assert {row.worker for row in every(run)} == {"two"}


def test_news_concern_rooms_and_the_partners_of_private_talks(run):
    def found(connection) -> dict[str, Audience]:
        for gid in ("lobby", "board"):
            room = rooms.create_room(connection, gid, gid, False)
            rooms.add_member(connection, room.id, "7")
        rooms.open_private(connection, "7", "9")
        return presence.audience(connection, ["7", "9", "8"])

    audience = run(found)
    assert (sorted(audience["7"].gids), audience["7"].peers) == (["board", "lobby"], ["9"])
    assert audience["9"] == Audience([], ["7"])
    assert audience["8"] == Audience([], [])
    assert run(lambda c: presence.audience(c, [])) == {}
