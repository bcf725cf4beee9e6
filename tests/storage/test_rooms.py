import pytest

from legacy_chat.core.model import Draft
from legacy_chat.storage import messages, people, rooms


@pytest.fixture
def lobby(database):
    return database.run(lambda c: rooms.create_room(c, "lobby", "Lobby", False))


@pytest.fixture
def board(database):
    return database.run(lambda c: rooms.create_room(c, "board", "Board", True))


def say(database, conversation, content="hi", ts=1000):
    draft = Draft(conversation, "7", "ada", content, ts)
    return database.run(lambda c: messages.append(c, [draft]))[0]


def belong(database, room, uid, **values):
    return database.run(lambda c: rooms.add_member(c, room.id, uid, **values))


def of(database, uid):
    return database.read(lambda c: rooms.memberships(c, uid))


def test_a_new_room_is_found_by_its_gid(database, lobby):
    assert database.read(lambda c: rooms.find_room(c, "lobby")) == lobby
    assert (lobby.gid, lobby.name, lobby.private, lobby.seq, lobby.ts) == ("lobby", "Lobby", False, 0, 0)
    assert database.read(lambda c: rooms.find_room(c, "Lobby")) is None


def test_a_gid_is_given_once(database, lobby):
    assert database.run(lambda c: rooms.create_room(c, "lobby", "Another", True)) is None
    assert database.read(lambda c: rooms.find_room(c, "lobby")) == lobby


def test_ada_belongs_once_and_may_go(database, lobby):
    assert belong(database, lobby, "7")
    assert not belong(database, lobby, "7")
    assert database.read(lambda c: rooms.is_member(c, lobby.id, "7"))
    assert database.run(lambda c: rooms.remove_member(c, lobby.id, "7"))
    assert not database.run(lambda c: rooms.remove_member(c, lobby.id, "7"))
    assert not database.read(lambda c: rooms.is_member(c, lobby.id, "7"))


def test_what_was_said_before_ben_came_is_not_unread_to_him(database, lobby):
    say(database, lobby.id)
    belong(database, lobby, "9", read=1)
    say(database, lobby.id)
    assert [m.unread for m in of(database, "9")] == [1]


def test_only_rooms_count_against_the_limit_of_rooms(database, lobby, board):
    belong(database, lobby, "7")
    belong(database, board, "7")
    database.run(lambda c: rooms.open_private(c, "7", "9"))
    assert database.read(lambda c: rooms.count_rooms(c, "7")) == 2
    assert database.read(lambda c: rooms.count_rooms(c, "9")) == 0


def test_two_people_have_one_talk_whoever_begins(database):
    talk = database.run(lambda c: rooms.open_private(c, "7", "9"))
    assert database.run(lambda c: rooms.open_private(c, "9", "7")) == talk
    assert database.read(lambda c: rooms.find_private(c, "9", "7")) == talk
    assert database.read(lambda c: rooms.find_private(c, "7", "8")) is None


def test_each_of_two_people_sees_the_other_one_in_the_list(database):
    database.run(lambda c: people.remember(c, "7", "ada", 0))
    database.run(lambda c: rooms.open_private(c, "7", "9"))
    assert [(m.uid, m.name, m.gid, m.client_key) for m in of(database, "7")] == [("9", "9", None, "p:9")]
    assert [(m.uid, m.name, m.gid, m.client_key) for m in of(database, "9")] == [("7", "ada", None, "p:7")]


def test_ada_may_write_notes_to_herself(database):
    talk = database.run(lambda c: rooms.open_private(c, "7", "7"))
    assert [(m.id, m.uid) for m in of(database, "7")] == [(talk, "7")]


def test_the_conversation_that_spoke_last_stands_first(database, lobby, board):
    belong(database, lobby, "7")
    belong(database, board, "7")
    say(database, board.id, ts=1000)
    assert [m.gid for m in of(database, "7")] == ["board", "lobby"]
    say(database, lobby.id, ts=2000)
    assert [(m.gid, m.ts, m.seq) for m in of(database, "7")] == [("lobby", 2000, 1), ("board", 1000, 1)]


def test_one_membership_is_the_same_as_in_the_list(database, lobby):
    belong(database, lobby, "7")
    assert [database.read(lambda c: rooms.membership(c, "7", lobby.id))] == of(database, "7")
    assert database.read(lambda c: rooms.membership(c, "9", lobby.id)) is None


def listed(database, room):
    return [(m.uid, m.name) for m in database.read(lambda c: rooms.members_of(c, room.id))]


def test_members_are_listed_by_name(database, lobby):
    for uid, name in (("9", "ben"), ("7", "ada"), ("8", "cleo")):
        database.run(lambda c, uid=uid, name=name: people.remember(c, uid, name, 0))
        belong(database, lobby, uid)
    assert listed(database, lobby) == [("7", "ada"), ("9", "ben"), ("8", "cleo")]


def test_somebody_who_was_invited_and_never_came_is_listed_too(database, lobby):
    belong(database, lobby, "404")
    assert listed(database, lobby) == [("404", "404")]


def test_the_read_marker_never_moves_back(database, lobby):
    belong(database, lobby, "8")
    for _ in range(5):
        say(database, lobby.id)
    moves = [database.run(lambda c, seq=seq: rooms.mark_read(c, lobby.id, "8", seq)) for seq in (3, 2, 3, 5)]
    assert [bool(moved) for moved in moves] == [True, False, False, True]
    assert [m.read for m in of(database, "8")] == [5]


def test_nobody_marks_what_is_not_theirs(database, lobby):
    belong(database, lobby, "7")
    assert not database.run(lambda c: rooms.mark_read(c, lobby.id, "9", 1))


def test_public_rooms_are_listed_by_name_with_their_members(database, lobby, board):
    database.run(lambda c: rooms.create_room(c, "annex", "Annex", False))
    database.run(lambda c: rooms.open_private(c, "7", "9"))
    belong(database, lobby, "7")
    belong(database, lobby, "9")
    belong(database, board, "7")
    found = database.read(lambda c: rooms.public_rooms(c, "7"))
    assert [(room.gid, room.name, *rest) for room, *rest in found] == [
        ("annex", "Annex", 0, False),
        ("lobby", "Lobby", 2, True),
    ]


def test_a_room_remembers_who_opened_it(database, lobby):
    founded = database.run(lambda c: rooms.create_room(c, "annex", "Annex", False, founder="7"))
    assert (founded.founder, lobby.founder) == ("7", None)


def test_a_room_gets_another_name_and_is_closed_to_the_public(database, lobby):
    database.run(lambda c: rooms.change_room(c, lobby, "Hall", True))
    room = database.read(lambda c: rooms.find_room(c, "lobby"))
    assert (room.id, room.name, room.private) == (lobby.id, "Hall", True)


def test_many_come_at_once_and_have_read_what_was_said_by_then(database, lobby):
    say(database, lobby.id)
    room = database.read(lambda c: rooms.find_room(c, "lobby"))
    database.run(lambda c: rooms.add_members(c, room, ["7", "9"]))
    assert database.read(lambda c: rooms.uids_of(c, lobby.id)) == {"7", "9"}
    assert [m.unread for m in of(database, "9")] == [0]


def test_another_worker_that_brought_one_of_them_in_is_no_error(database, lobby):
    belong(database, lobby, "9")
    database.run(lambda c: rooms.add_members(c, lobby, ["7", "9", "8"]))
    assert database.read(lambda c: rooms.uids_of(c, lobby.id)) == {"7", "8", "9"}


def test_the_picture_of_a_person_is_in_lists_of_members_and_of_talks(database, lobby):
    database.run(lambda c: people.remember(c, "9", "ben", 0, "/ben.png"))
    belong(database, lobby, "9")
    database.run(lambda c: rooms.open_private(c, "7", "9"))
    assert [m.avatar for m in database.read(lambda c: rooms.members_of(c, lobby.id))] == ["/ben.png"]
    assert [m.avatar for m in of(database, "7")] == ["/ben.png"]


def test_of_two_workers_that_begin_a_talk_at_one_moment_both_have_it(database, monkeypatch):
    """The other one is through between our look and our insert, which SQLite's lock does not let happen."""
    looks = iter([None])
    find = rooms.find_private
    talk = database.run(lambda c: rooms.open_private(c, "7", "9"))
    monkeypatch.setattr(rooms, "find_private", lambda *who: next(looks, find(*who)))
    monkeypatch.setattr(rooms, "is_member", lambda *_: False)
    assert database.run(lambda c: rooms.open_private(c, "7", "9")) == talk
    assert not database.run(lambda c: rooms.add_member(c, talk, "7", peer="9"))
