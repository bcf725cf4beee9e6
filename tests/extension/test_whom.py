"""People and rooms in all the ways in which a site may name them."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask_login import AnonymousUserMixin, UserMixin, current_user, login_user

from legacy_chat import Chat, Member
from legacy_chat.errors import BadShape, BadText, Empty, Forbidden, TooLong
from legacy_chat.extension.whom import gid_of, member_of, members_of, uid_of, uids_of
from legacy_chat.storage import rooms

ID = UUID("12345678-1234-5678-1234-567812345678")


class User(UserMixin):
    def __init__(self, id: object, name: str = "", **more: object):
        self.id, self.name = id, name
        vars(self).update(more)


CLEO = User(5, "Cleo", avatar="/cleo.png", role="staff", locale="de")

NOBODY = [None, True, 1.5, b"7", ("7", "9"), ["7"], {"uid": "7"}, object(), User, AnonymousUserMixin(), User(None)]
SAID = r"a uid \(str or int\), a Member, or a user of the site|has no id"


@pytest.fixture
def app(host):
    with host.app_context():
        yield host


@pytest.fixture
def state(app):
    return app.extensions["legacy_chat"]


@pytest.mark.parametrize(
    ("given", "member"),
    [
        ("7", Member("7", "7")),
        (7, Member("7", "7")),
        (" 7 ", Member("7", "7")),
        (ID, Member(str(ID), str(ID))),
        (Member("7", "Ada"), Member("7", "Ada")),
        (Member(7, None), Member("7", "7")),
        (Member("7", " A\u202eda ", "phone", "/ada.png"), Member("7", "Ada", "phone", "/ada.png")),
        (CLEO, Member("5", "Cleo", None, "/cleo.png", ("staff",), "de")),
    ],
)
def test_somebody_is_a_uid_a_member_or_a_user_of_the_site(app, given, member):
    assert member_of(given) == member
    assert uid_of(given) == member.uid
    assert members_of([given, given]) == members_of(given) == [member]
    assert uids_of((given, given)) == uids_of(given) == [member.uid]


@pytest.mark.parametrize("given", NOBODY, ids=lambda given: type(given).__name__)
def test_whatever_else_is_named_and_nothing_of_what_it_holds(app, given):
    for ask in (member_of, uid_of):
        with pytest.raises(BadShape, match=SAID) as refused:
            ask(given)
        shown = repr(given) if given is None or isinstance(given, bool) else type(given).__name__
        assert shown in refused.value.message or "class User" in refused.value.message


@pytest.mark.parametrize(("uid", "error"), [("", Empty), ("x" * 65, TooLong), ("a\nb", BadText), ("7\u200d", BadText)])
def test_a_uid_that_cannot_be_one_is_refused(app, uid, error):
    for given in (uid, Member(uid, "Ada")):
        with pytest.raises(error):
            member_of(given)


def test_whoever_is_logged_in_is_found_behind_the_proxy(app):
    with app.test_request_context():
        with pytest.raises(BadShape, match="logged in"):
            member_of(current_user)
        login_user(CLEO)
        assert members_of(current_user)[0].name == "Cleo"


def test_the_member_loader_says_as_whom_a_user_chats(state):
    state.hooks.member_loader = lambda user: {"uid": f"shop:{user.id}", "name": "Cleo of the shop"}
    assert member_of(CLEO) == Member("shop:5", "Cleo of the shop")
    state.hooks.member_loader = lambda user: None
    with pytest.raises(Forbidden):
        member_of(CLEO)
    assert uid_of(CLEO) == "5"


def test_a_room_is_named_by_text_number_or_uuid():
    assert [gid_of("order-7"), gid_of(7), gid_of(ID)] == ["order-7", "7", str(ID)]
    for wrong in (None, True, 1.5, b"7", ["7"]):
        with pytest.raises(BadShape, match="room's key"):
            gid_of(wrong)


# -- in every call -------------------------------------------------------------------------------------------


@pytest.fixture
def chat(app) -> Chat:
    return Chat()


def test_a_room_with_people_who_never_came_shows_their_names(chat, state):
    room = chat.room(7, "Order 7", private=True, members=[CLEO, Member("8", "Dan"), 9])
    assert room.gid == "7"
    listed = state.database.read(lambda c: rooms.members_of(c, room.id))
    assert listed == [Member("9", "9"), Member("5", "Cleo", avatar="/cleo.png"), Member("8", "Dan")]
    chat.add(7, User(10, "Eve"))
    chat.remove(7, CLEO, Member("8", "Dan"))
    assert state.database.read(lambda c: rooms.uids_of(c, room.id)) == {"9", "10"}
    chat.set_members(7, [CLEO])
    assert state.database.read(lambda c: rooms.uids_of(c, room.id)) == {"5"}


def test_a_token_says_what_is_known_of_a_user_and_what_is_said_beside_that(chat, state):
    assert state.tokens.verify(chat.token(CLEO)) == member_of(CLEO)
    other = state.tokens.verify(chat.token(CLEO, "Cleo of the shop", avatar="/c.png", roles=["boss"], locale="zh"))
    assert other == Member("5", "Cleo of the shop", None, "/c.png", ("boss",), "zh")
    assert state.tokens.verify(chat.token(Member("8", "Dan"))).name == "Dan"


def test_a_page_in_a_test_is_that_of_a_user(chat):
    page = chat.test_client(CLEO)
    assert page.session.member == member_of(CLEO)
    assert chat.emit("price", CLEO, 1).users == 1
    assert [page.closed, chat.disconnect(CLEO), page.closed] == [None, None, 4440]


def test_a_user_is_pushed_to_and_spoken_for(chat, state):
    page = chat.test_client(CLEO)
    chat.room(7, members=[CLEO])
    assert chat.push([CLEO, "5"], "hello").users == chat.push(CLEO, name="price").users == 1
    assert chat.push(gid=7, content="hello").users == 1
    chat.post(7, "packed", uid=Member("8", "Dan"))
    assert [(frame["uid"], frame["name"]) for frame in page.take("groupPm")] == [("8", "Dan")]


@pytest.mark.parametrize("wrong", [None, True, ("7", "9"), object()], ids=lambda wrong: type(wrong).__name__)
def test_where_one_of_several_is_nobody_nothing_is_done(chat, state, wrong):
    chat.room("order-1", members=["7"])
    for call in (
        lambda: chat.room("order-2", members=["7", wrong]),
        lambda: chat.room("order-2", members=wrong if wrong != ("7", "9") else [wrong]),
        lambda: chat.add("order-1", "8", wrong),
        lambda: chat.remove("order-1", "7", wrong),
        lambda: chat.set_members("order-1", ["8", wrong]),
        lambda: chat.token(wrong),
        lambda: chat.disconnect(wrong),
        lambda: chat.test_client(wrong),
    ):
        with pytest.raises(BadShape):
            call()
    assert state.database.read(lambda c: rooms.find_room(c, "order-2")) is None
    room = state.database.read(lambda c: rooms.find_room(c, "order-1"))
    assert state.database.read(lambda c: rooms.uids_of(c, room.id)) == {"7"}
