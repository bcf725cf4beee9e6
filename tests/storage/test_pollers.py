import pytest

from legacy_chat.storage import pollers, presence, rooms
from legacy_chat.storage.presence import Row


@pytest.fixture
def here(database):
    """Somebody whom a worker sees `until` then."""

    def seen(uid: str, worker: str, until: int = 100) -> None:
        def job(connection):
            presence.renew(connection, worker, 1, until)
            presence.put(connection, [Row(uid, worker, True, False, 1)])

        database.run(job)

    return seen


def test_who_polls_with_how_many_pages_and_in_which_rooms(database, here):
    def job(connection):
        room = rooms.create_room(connection, "lobby", "Lobby", False)
        for uid in ("7", "9"):
            rooms.add_member(connection, room.id, uid)

    database.run(job)
    here("7", pollers.name(1))
    here("7", pollers.name(2))
    here("9", "worker")
    assert database.read(lambda c: pollers.polling(c, 50)) == ({"7": 2}, {"g:lobby": {"7"}})
    assert database.read(lambda c: pollers.count(c, 50)) == (2, 3)


def test_whoever_does_not_come_back_in_time_polls_no_more(database, here):
    here("7", pollers.name(1), until=100)
    assert database.read(lambda c: pollers.polling(c, 100)).people == {}
    assert database.read(lambda c: pollers.count(c, 100)) == (0, 0)


def test_a_client_whose_time_is_up_is_found_once(database, here):
    here("7", pollers.name(1), until=100)
    here("9", pollers.name(2), until=300)
    here("5", "worker", until=100)
    found = database.run(lambda c: pollers.lapsed(c, 200))
    assert [(row.uid, renewed) for row, renewed in found] == [("7", 1)]
    assert database.run(lambda c: pollers.lapsed(c, 200)) == []


def test_the_largest_client_id_has_a_name_that_fits():
    assert len(pollers.name(1 << 52)) <= 32
