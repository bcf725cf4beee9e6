import pytest

from legacy_chat.errors import NotMember
from legacy_chat.testing import People, assert_delivered, assert_nothing_leaked, assert_online, assert_ordered


@pytest.fixture
def people(host):
    people = People(host)
    yield people
    people.close()
    assert_nothing_leaked(people)


def test_ada_and_ben_talk(people):
    ada, ben = people("ada"), people("ben")
    assert ada.say("lobby", "hi")["seq"] == 1
    ben.whisper("ada", "psst")
    assert_delivered(ben, "hi", gid="lobby", uid="ada")
    assert_delivered(ada, "psst", to="ada")
    assert_ordered(ada)


def test_two_pages_of_one_person(people):
    one, other, ben = people("ada"), people("ada"), people("ben")
    one.whisper("ben", "psst")
    assert_delivered(other, "psst")
    assert_delivered(ben, "psst")
    assert [frame for frame in one.frames if frame["type"] == "pm"] == []


def test_who_leaves_is_not_online(people):
    ada, ben = people("ada"), people("ben")
    assert_online(ada, "ben")
    ben.leave()
    assert ben.closed
    assert people.open_connections() == 1
    assert_online(ada, "ben", online=False)


def test_an_error_is_raised_with_its_code(people):
    with pytest.raises(NotMember):
        people("ada").ask("leave", gid="lobby") and people("ada").say("lobby", "?")


def test_an_event_of_the_site(people, host):
    people("ada")
    ben = people("ben")
    host.extensions["legacy_chat"].pushes.push(make("ben", {"n": 1}))
    assert ben.events("order") == [{"name": "order", "data": {"n": 1}}]


def make(uid, data):
    from legacy_chat.actions.push import make_push

    return make_push(uid, name="order", data=data)
