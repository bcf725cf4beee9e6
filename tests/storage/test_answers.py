import pytest

from legacy_chat.storage import answers
from legacy_chat.storage.answers import BEGUN, Kept


@pytest.fixture
def begin(database):
    return lambda key=1, request="r", digest="d", now=100: database.run(
        lambda c: answers.begin(c, key, request, digest, now)
    )


def test_a_request_is_begun_once(database, begin):
    assert (begin(), begin()) == (True, False)
    assert database.read(lambda c: answers.find(c, 1, "r")) == Kept("d", BEGUN, "", 100)


def test_another_key_and_another_request_are_their_own(begin):
    assert all((begin(), begin(key=2), begin(request="s")))


def test_an_answer_is_kept_until_it_is_forgotten(database, begin):
    begin()
    database.run(lambda c: answers.keep(c, 1, "r", 201, '{"小": 1}'))
    database.run(lambda c: answers.forget(c, 100))
    assert database.read(lambda c: answers.find(c, 1, "r")) == Kept("d", 201, '{"小": 1}', 100)
    database.run(lambda c: answers.forget(c, 101))
    assert database.read(lambda c: answers.find(c, 1, "r")) is None


def test_a_dropped_request_may_be_begun_again(database, begin):
    begin()
    database.run(lambda c: answers.drop(c, 1, "r"))
    assert begin()


def test_of_two_that_restart_a_request_one_does(database, begin):
    begin()
    began = database.read(lambda c: answers.find(c, 1, "r")).ts
    assert [database.run(lambda c: answers.restart(c, 1, "r", began, 500)) for _ in range(2)] == [True, False]
    assert database.read(lambda c: answers.find(c, 1, "r")).ts == 500
