from legacy_chat.core.api import RoomInfo
from legacy_chat.storage import directory, people, rooms


def make(database, gid, *members, private=False):
    def job(connection):
        room = rooms.create_room(connection, gid, gid.upper(), private)
        for uid in members:
            rooms.add_member(connection, room.id, uid)
        return room.id

    return database.run(job)


def test_rooms_come_in_pages_in_the_order_in_which_they_were_made(database):
    for gid in ("c", "a", "b"):
        make(database, gid, private=gid == "a")
    first, last = database.read(lambda c: directory.rooms_after(c, 0, 2))
    second, end = database.read(lambda c: directory.rooms_after(c, last, 2))
    assert ([room.gid for room in first], [room.gid for room in second], end) == (["c", "a"], ["b"], None)


def test_a_full_last_page_is_the_last(database):
    make(database, "a")
    assert database.read(lambda c: directory.rooms_after(c, 0, 1))[1] is None


def test_a_private_talk_is_no_room(database):
    database.run(lambda c: rooms.open_private(c, "7", "9"))
    assert database.read(lambda c: directory.rooms_after(c, 0, 9)) == ([], None)


def test_a_room_tells_how_many_belong(database):
    make(database, "a", "7", "9")
    make(database, "b", "7")
    expected = RoomInfo(gid="a", name="A", private=False, members=2, seq=0, ts=0)
    assert database.read(lambda c: directory.room(c, "a")) == expected
    assert database.read(lambda c: directory.room(c, "404")) is None


def test_members_come_in_pages_with_the_name_last_seen(database):
    room = make(database, "a", "9", "7", "8")
    make(database, "b", "1")
    database.run(lambda c: people.remember(c, "8", "ben", 0))
    first, last = database.read(lambda c: directory.members_after(c, room, "", 2))
    second, end = database.read(lambda c: directory.members_after(c, room, last, 2))
    assert (first, second, end) == ([("7", "7"), ("8", "ben")], [("9", "9")], None)
