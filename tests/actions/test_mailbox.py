import pytest

from legacy_chat.actions.presence import Presence
from legacy_chat.backplane.contract import Disconnect, Posted, Reach, ToAll, ToAudience, ToPeople, ToRoom
from legacy_chat.errors import Unavailable
from legacy_chat.storage import notices, rooms

FRAME = b'{"type":"typing"}'


@pytest.fixture
def lobby(parts):
    def job(connection):
        room = rooms.create_room(connection, "lobby", "Lobby", False)
        for uid in ("7", "9"):
            rooms.add_member(connection, room.id, uid)

    parts.database.run(job)


@pytest.fixture
def ada_polls(parts, lobby):
    parts.database.run(lambda c: Presence(parts).polls(c, 1, "7", False, parts.clock() + 1000))
    parts.mailbox.look()


@pytest.fixture
def kept(parts):
    def kept() -> list[tuple[str, str | None]]:
        keys = ["*", "g:lobby", "u:7", "u:9", "x:7"]
        return [(k.key, k.about) for k in parts.database.read(lambda c: notices.since(c, 0, keys))]

    return kept


def test_where_nobody_polls_nothing_is_kept(parts, published, kept):
    for notice in (ToRoom("g:lobby", FRAME), ToPeople(("7",), FRAME), ToAll(FRAME)):
        parts.backplane.publish(notice)
    assert len(published) == 3
    assert kept() == []


@pytest.mark.parametrize(
    ("notice", "keys"),
    [
        (ToRoom("g:lobby", FRAME), [("g:lobby", None)]),
        (ToRoom("g:lobby", FRAME, about="7"), [("g:lobby", "7"), ("u:7", None)]),
        (ToPeople(("7", "9", "7"), FRAME), [("u:7", None)]),
        (ToAll(FRAME), [("*", None)]),
        (ToAudience(("g:lobby",), ("7", "9"), FRAME, "5"), [("g:lobby", "5"), ("u:7", "5")]),
        (Disconnect("7", 4440, "logged out"), [("x:7", None)]),
        (ToRoom("g:lobby", FRAME, stored=True), []),
        (ToPeople(("7",), FRAME, stored=True), []),
    ],
)
@pytest.mark.usefixtures("ada_polls")
def test_what_ada_would_miss_is_kept_and_said_to_be_there_once_it_is(parts, published, kept, notice, keys):
    parts.backplane.publish(notice)
    assert kept() == keys
    posted = [notice for notice in published if isinstance(notice, Posted)]
    assert published[0] == notice
    assert {key for notice in posted for key in notice.keys} == {key for key, _ in keys}


@pytest.mark.usefixtures("ada_polls")
def test_who_polls_counts_as_reached(parts, published):
    assert parts.backplane.deliver(ToPeople(("7", "9"), FRAME)) == Reach(1, 1)
    assert parts.backplane.deliver(ToRoom("g:lobby", FRAME)) == Reach(1, 1)
    assert parts.backplane.deliver(ToAll(FRAME)) == Reach(1, 1)
    assert parts.backplane.reach(ToRoom("g:other", b"")) == Reach()


@pytest.mark.usefixtures("ada_polls")
def test_without_a_chat_worker_a_site_of_polls_can_still_take_it(parts, kept):
    assert parts.backplane.deliver(ToPeople(("7",), FRAME)) == Reach(1, 1)
    assert parts.backplane.deliver(ToPeople(("9",), FRAME)) == Reach(0, 0)
    assert kept() == [("u:7", None)]


def test_where_nobody_can_take_it_that_is_an_error(parts, lobby):
    with pytest.raises(Unavailable):
        parts.backplane.deliver(ToPeople(("9",), FRAME))


@pytest.mark.usefixtures("ada_polls")
def test_somebody_with_a_connection_as_well_is_one_person_reached(parts):
    parts.backplane.subscribe(lambda notice: None, lambda notice: Reach(1, 2))
    assert parts.backplane.deliver(ToPeople(("7",), FRAME)) == Reach(1, 3)


def test_somebody_who_came_this_moment_is_known_before_the_next_look(parts, published, kept, lobby):
    assert not parts.mailbox.people
    parts.mailbox.came("9", ["g:lobby"])
    assert parts.backplane.reach(ToRoom("g:lobby", b"")) == Reach(1, 1)
    parts.backplane.publish(ToPeople(("9",), FRAME))
    assert kept() == [("u:9", None)]


@pytest.mark.usefixtures("ada_polls")
def test_old_notices_are_cleared_away_as_new_ones_come(parts, clock, kept, monkeypatch):
    monkeypatch.setattr("legacy_chat.actions.mailbox._TIDY_EVERY", 2)
    parts.backplane.publish(ToAll(FRAME))
    clock.now += 61_000
    parts.mailbox.came("7")
    parts.backplane.publish(ToPeople(("7",), FRAME))
    assert kept() == [("u:7", None)]


def test_who_begins_to_poll_while_the_store_is_asked_who_does_is_not_forgotten(parts, lobby, monkeypatch):
    read = parts.read

    def slow(query):
        found = read(query)
        parts.mailbox.came("7", ["g:lobby"])
        return found

    monkeypatch.setattr(parts, "read", slow)
    parts.mailbox.look()
    monkeypatch.undo()
    assert (parts.mailbox._people["7"], parts.mailbox._rooms) == (1, {"g:lobby": {"7"}})
