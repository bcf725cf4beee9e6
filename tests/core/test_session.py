import pytest

from legacy_chat.core import frames
from legacy_chat.core.model import Member
from legacy_chat.core.session import Session
from legacy_chat.errors import Forbidden, NotLoggedIn


def test_before_the_login_only_login_and_ping_are_carried_out(ada):
    session = Session(ada, deadline=10.0)
    session.check(frames.Login())
    session.check(frames.Ping())
    with pytest.raises(NotLoggedIn, match="login"):
        session.check(frames.Group(gid="lobby", content="hi"))


def test_after_the_login_everything_is(ada):
    session = Session(ada, deadline=10.0)
    session.opened()
    session.check(frames.Group(gid="lobby", content="hi"))
    session.check(frames.Login())


def test_the_cookie_says_who_ada_is_and_a_token_of_her_own_changes_nothing(ada):
    session = Session(ada, deadline=None)
    assert session.identify(None) is ada
    assert session.identify(Member("7", "ada from the token")) is ada


def test_a_token_of_ben_does_not_turn_adas_connection_into_his(ada, ben):
    session = Session(ada, deadline=None)
    with pytest.raises(Forbidden):
        session.identify(ben)
    assert session.member is ada


def test_a_connection_without_cookie_takes_its_identity_from_the_first_token_and_keeps_it(ada, ben):
    session = Session(None, deadline=10.0)
    assert session.identify(ada) is ada
    with pytest.raises(Forbidden):
        session.identify(ben)


def test_a_login_that_names_nobody_on_a_connection_of_nobody_is_refused():
    session = Session(None, deadline=10.0)
    with pytest.raises(NotLoggedIn):
        session.identify(None)
    assert session.member is None


def test_nobody_must_come_within_the_deadline():
    session = Session(None, deadline=10.0)
    assert not session.overdue(9.9)
    assert session.overdue(10.0)


def test_pings_of_nobody_do_not_move_the_deadline():
    session = Session(None, deadline=10.0)
    session.check(frames.Ping())
    assert session.overdue(10.0)


def test_the_first_valid_frame_of_somebody_known_ends_the_deadline(ada):
    session = Session(ada, deadline=10.0)
    session.check(frames.Ping())
    assert not session.overdue(3600.0)


def test_an_open_session_has_no_deadline(ada):
    session = Session(None, deadline=10.0)
    session.identify(ada)
    session.opened()
    assert not session.overdue(3600.0)
