import pytest
from flask import current_app
from flask_login import UserMixin

from legacy_chat import Member
from legacy_chat.errors import BadShape, Forbidden, NotMember
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


class Staff(UserMixin):
    id, name, avatar, role = 4, "Cleo", "/cleo.png", "staff"


def test_a_user_of_the_site_and_a_member_are_who_they_are(people, host):
    cleo = people(Staff())
    assert (cleo.uid, cleo.login["name"], cleo.login["avatar"]) == ("4", "Cleo", "/cleo.png")
    assert cleo.login["roles"] == ["staff"]
    dee = people(Member("5", "Dee", roles=("buyer",)), roles=["staff"], avatar="/dee.png")
    assert (dee.login["name"], dee.login["avatar"], dee.login["roles"]) == ("Dee", "/dee.png", ["staff"])
    assert people(4, "Cleo the great").login["name"] == "Cleo the great"


def test_whom_the_site_keeps_out_and_what_is_nobody(people, host):
    host.extensions["legacy_chat"].hooks.member_loader = lambda user: None
    with pytest.raises(Forbidden):
        people(Staff())
    for nobody in (object(), None, Staff):
        with pytest.raises(BadShape):
            people(nobody)


def test_the_context_of_the_test_goes_on(people, host):
    ended = []
    host.teardown_appcontext(ended.append)
    with host.app_context():
        people(Staff())
        assert (current_app.name, ended) == ("host", [])


def test_an_event_of_the_site(people, host):
    people("ada")
    ben = people("ben")
    host.extensions["legacy_chat"].pushes.push(make("ben", {"n": 1}))
    assert ben.events("order") == [{"name": "order", "data": {"n": 1}}]


def make(uid, data):
    from legacy_chat.actions.push import make_push

    return make_push(uid, name="order", data=data)
