import pytest

from legacy_chat.core.model import Draft, Member
from legacy_chat.core.poll import Kept, Place
from legacy_chat.storage import messages, notices, polls, rooms

ADA = Member("7", "ada")


@pytest.fixture
def lobby(database) -> int:
    def job(connection):
        room = rooms.create_room(connection, "lobby", "Lobby", False)
        rooms.add_member(connection, room.id, "7")
        return room.id

    return database.run(job)


@pytest.fixture
def say(database):
    def say(where: int, *texts: str) -> None:
        database.run(lambda c: messages.append(c, [Draft(where, "9", "ben", text, 1) for text in texts]))

    return say


@pytest.fixture
def news(database):
    def read(seqs: dict[int, int], most: int = 300, notice: int = 0, **through: int):
        place = Place(ADA, 1, seqs, notice)
        ask = polls.Ask(place, most, {int(k[1:]): v for k, v in through.items()})
        return database.read(lambda c: polls.news(c, [ask]))[0]

    return read


def seqs(news) -> dict[int, list[int]]:
    return {where.id: [message.seq for message in page] for where, page in news.messages}


def test_messages_after_ones_place_in_their_order(lobby, say, news):
    say(lobby, "a", "b", "c")
    found = news({lobby: 1})
    assert seqs(found) == {lobby: [2, 3]}
    assert not found.more


def test_nothing_new_is_nothing(lobby, say, news):
    say(lobby, "a")
    found = news({lobby: 1})
    assert (found.messages, found.notices, found.more) == ([], [], False)


def test_much_comes_in_portions(lobby, say, news):
    say(lobby, *map(str, range(250)))
    found = news({lobby: 0})
    assert seqs(found) == {lobby: list(range(1, 101))}
    assert found.more


def test_no_more_than_what_is_asked_for_over_all_rooms(database, lobby, say, news):
    other = database.run(lambda c: rooms.open_private(c, "7", "9"))
    say(lobby, *map(str, range(30)))
    say(other, "x", "y")
    found = news({lobby: 0}, most=30)
    assert seqs(found) == {lobby: list(range(1, 31))}
    assert found.more


def test_what_is_needed_up_to_a_number_comes_in_any_case(lobby, say, news):
    say(lobby, *map(str, range(250)))
    found = news({lobby: 0}, most=0, **{f"c{lobby}": 230})
    assert seqs(found) == {lobby: list(range(1, 231))}
    assert found.more


def test_a_room_one_was_brought_into_begins_there_and_a_private_talk_at_its_first_word(database, lobby, say, news):
    say(lobby, "before", "before")

    def join(connection):
        room = rooms.create_room(connection, "shop", "Shop", True)
        messages.append(connection, [Draft(room.id, "9", "ben", "before", 1)])
        rooms.add_member(connection, room.id, "7", read=1)
        return room.id

    shop = database.run(join)
    talk = database.run(lambda c: rooms.open_private(c, "7", "9"))
    say(shop, "welcome")
    say(talk, "psst")
    assert seqs(news({lobby: 2})) == {shop: [2], talk: [1]}


def test_nothing_of_a_room_that_one_does_not_belong_to(database, lobby, say, news):
    database.run(lambda c: rooms.remove_member(c, lobby, "7"))
    say(lobby, "secret")
    database.run(lambda c: notices.keep(c, [Kept("g:lobby", "typing", 1)]))
    found = news({lobby: 0})
    assert (found.headings, found.messages, found.notices) == ([], [], [])


def test_notices_of_ones_rooms_of_oneself_of_everybody_and_of_the_end(lobby, database, news):
    keys = ["g:lobby", "g:other", "u:7", "u:9", "*", "x:7", "x:9"]
    database.run(lambda c: notices.keep(c, [Kept(key, key, 1) for key in keys]))
    found = news({lobby: 0})
    assert [kept.frame for kept in found.notices] == ["g:lobby", "u:7", "*", "x:7"]
    assert news({lobby: 0}, notice=found.newest).notices == []


def test_several_people_are_answered_by_one_look_each_with_their_own(database, lobby, say):
    def job(connection):
        shop = rooms.create_room(connection, "shop", "Shop", False)
        for where in (lobby, shop.id):
            rooms.add_member(connection, where, "8")
        notices.keep(connection, [Kept("u:7", '"ada"', 5), Kept("u:8", '"ben"', 6), Kept("g:shop", '"shop"', 7)])
        return shop.id

    shop = database.run(job)
    say(lobby, "a", "b")
    say(shop, "c")
    ada, ben, nobody = (Place(Member(uid, uid), 1, {lobby: had}, 0) for uid, had in (("7", 0), ("8", 1), ("4", 0)))
    asked = [polls.Ask(place, 300, {}) for place in (ada, ben, ada, nobody)]
    found = database.read(lambda c: polls.news(c, asked))
    assert [seqs(news) for news in found] == [{lobby: [1, 2]}, {lobby: [2], shop: [1]}, {lobby: [1, 2]}, {}]
    assert [[notice.frame for notice in news.notices] for news in found] == [['"ada"'], ['"ben"'], ['"ada"'], []]
    assert found == [database.read(lambda c, ask=ask: polls.news(c, [ask])[0]) for ask in asked]
