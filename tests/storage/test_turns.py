from legacy_chat.storage import turns
from legacy_chat.storage.turns import Turn

ONE, OTHER = Turn("one", 5000, 41), Turn("other", 9000, 41)


def test_of_two_workers_that_begin_with_it_one_gets_it(database):
    assert database.run(lambda c: turns.change(c, "turn:a", None, ONE))
    assert not database.run(lambda c: turns.change(c, "turn:a", None, OTHER))
    assert database.read(lambda c: turns.find(c, ["turn:a", "turn:b"])) == {"turn:a": ONE}


def test_of_two_workers_that_saw_the_same_turn_one_gets_it(database):
    database.run(lambda c: turns.change(c, "turn:a", None, ONE))
    assert database.run(lambda c: turns.change(c, "turn:a", ONE, OTHER))
    assert not database.run(lambda c: turns.change(c, "turn:a", ONE, Turn("third", 9000, 41)))
    assert database.read(lambda c: turns.find(c, ["turn:a"])) == {"turn:a": OTHER}


def test_the_largest_numbers_have_room(database):
    turn = Turn("f" * 16, 2**53, 2**53)
    assert database.run(lambda c: turns.change(c, "turn:" + "f" * 24, None, turn))
    assert database.read(lambda c: turns.find(c, ["turn:" + "f" * 24])) == {"turn:" + "f" * 24: turn}
