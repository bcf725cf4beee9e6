import json

import pytest

from legacy_chat.actions.rooms import Rooms, check_gid
from legacy_chat.backplane.contract import Subscribe, ToRoom, Unsubscribe
from legacy_chat.core.model import Conversation
from legacy_chat.errors import BadText, Empty, Exists, Forbidden, NotMember, TooLong, UnknownRoom
from legacy_chat.storage import people
from legacy_chat.storage import rooms as stored


@pytest.fixture
def rooms(parts) -> Rooms:
    return Rooms(parts)


@pytest.fixture
def lobby(rooms):
    return rooms.create("lobby", "Lobby")


@pytest.fixture
def board(rooms, ada):
    return rooms.create("board", "Board", private=True, members=(ada.uid,))


def told(published) -> list:
    """What was announced: frames as dicts, other notices as they are."""
    return [json.loads(n.frame) if isinstance(n, ToRoom) else n for n in published]


def belongs(parts, room, member) -> bool:
    return parts.database.read(lambda c: stored.is_member(c, room.id, member.uid))


# -- new rooms -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gid", ["lobby", "order-42", "123", "a.b:c@d+e_f", "客服", "a" * 64])
def test_a_key_that_can_stand_in_an_address_is_fine(gid):
    assert check_gid(gid) == gid


@pytest.mark.parametrize("gid", ["", "a b", "a/b", "a\n", "<b>", "a" * 65, "a,b", "\u202e"])
def test_another_key_is_refused(gid):
    with pytest.raises(BadText):
        check_gid(gid)


def test_a_key_is_given_once_and_the_first_room_stays(rooms, lobby, parts):
    with pytest.raises(Exists):
        rooms.create("lobby", "Another")
    assert parts.database.read(lambda c: stored.find_room(c, "lobby")) == lobby


@pytest.mark.parametrize(("name", "error"), [("", Empty), ("  ", Empty), ("a" * 81, TooLong), ("a\nb", BadText)])
def test_a_room_needs_a_name_that_can_be_shown(rooms, name, error):
    with pytest.raises(error):
        rooms.create("lobby", name)


def test_members_of_a_new_room_are_subscribed_after_the_commit(rooms, parts, ada, ben):
    seen = []
    parts.backplane.subscribe(lambda n: seen.append((n, parts.database.read(lambda c: stored.find_room(c, "board")))))
    room = rooms.create("board", "Board", True, (ada.uid, ben.uid))
    where = Conversation(room.id, gid="board")
    assert seen == [(Subscribe("7", where), room), (Subscribe("9", where), room)]


def test_a_room_that_ada_opens_is_hers_and_all_her_pages_hear_of_it(rooms, published, ada, parts):
    founded = rooms.found(ada, " Board ", private=True)
    assert (founded.name, founded.private, founded.unread, founded.founder) == ("Board", True, 0, "7")
    assert told(published) == [
        Subscribe("7", Conversation(founded.id, gid=founded.gid)),
        {"type": "join", "gid": founded.gid, "uid": "7", "name": "ada", "room": "Board"},
    ]


def test_a_room_that_somebody_opens_has_a_key_that_nobody_guesses(rooms, ada):
    one, other = rooms.found(ada, "Board", True), rooms.found(ada, "Board", True)
    assert one.gid != other.gid
    assert check_gid(one.gid)


def test_the_default_rooms_are_made_once(make_parts):
    rooms = Rooms(make_parts(CHAT_DEFAULT_ROOMS="lobby, help"))
    rooms.ensure_defaults()
    rooms.ensure_defaults()
    parts = rooms._parts
    assert [parts.database.read(lambda c, g=gid: stored.find_room(c, g).name) for gid in ("lobby", "help")] == [
        "Lobby",
        "Help",
    ]


# -- join, leave, invite -------------------------------------------------------------------------------------


def test_ben_joins_and_everybody_hears_of_it_he_too(rooms, lobby, published, ben, parts):
    joined = rooms.join(ben, "lobby")
    assert (joined.gid, joined.name, joined.unread) == ("lobby", "Lobby", 0)
    assert belongs(parts, lobby, ben)
    assert told(published) == [
        Subscribe("9", Conversation(lobby.id, gid="lobby")),
        {"type": "join", "gid": "lobby", "uid": "9", "name": "ben", "room": "Lobby"},
    ]


def test_joining_twice_changes_nothing_and_nobody_else_hears_of_it(rooms, lobby, published, ben):
    first = rooms.join(ben, "lobby")
    published.clear()
    assert rooms.join(ben, "lobby") == first
    assert told(published) == [Subscribe("9", Conversation(lobby.id, gid="lobby"))]


def test_a_stranger_joins_no_private_room_and_learns_nothing_of_it(rooms, board, published, ben, parts):
    with pytest.raises(UnknownRoom) as private:
        rooms.join(ben, "board")
    with pytest.raises(UnknownRoom) as missing:
        rooms.join(ben, "nowhere")
    assert private.value.message.replace("board", "nowhere") == missing.value.message
    assert not belongs(parts, board, ben)
    assert published == []


@pytest.fixture
def plans(rooms, ada, published):
    """A private room that ada opened."""
    gid = rooms.found(ada, "Plans", True).gid
    published.clear()
    return rooms.find(ada, gid)


def test_ada_invites_ben_into_a_private_room(rooms, plans, published, ada, ben, parts):
    published.clear()
    parts.database.run(lambda c: people.remember(c, "9", "ben", 0))
    rooms.invite(ada, plans.gid, "9")
    assert belongs(parts, plans, ben)
    assert told(published) == [
        Subscribe("9", plans),
        {"type": "join", "gid": plans.gid, "uid": "9", "name": "ben", "room": "Plans"},
    ]
    assert rooms.join(ben, plans.gid).gid == plans.gid


def test_into_a_room_of_the_site_nobody_is_invited(rooms, lobby, board, published, ada, ben, parts):
    rooms.join(ada, "lobby")
    published.clear()
    for gid in ("board", "lobby"):
        with pytest.raises(Forbidden, match="site itself"):
            rooms.invite(ada, gid, "9")
    assert not belongs(parts, board, ben)
    assert published == []


def test_an_invitation_of_somebody_who_belongs_is_no_news(rooms, plans, published, ada):
    rooms.invite(ada, plans.gid, "7")
    assert not [n for n in published if isinstance(n, ToRoom)]


def test_only_members_invite(rooms, lobby, board, ben):
    with pytest.raises(NotMember):
        rooms.invite(ben, "lobby", "8")
    with pytest.raises(UnknownRoom):
        rooms.invite(ben, "board", "8")


@pytest.mark.parametrize("uid", ["\x00", "a\nb", "\u202e"])
def test_a_uid_that_cannot_be_shown_is_invited_nowhere(rooms, board, ada, uid):
    with pytest.raises(BadText):
        rooms.invite(ada, "board", uid)


def test_the_others_and_ben_himself_hear_that_he_left_and_then_he_hears_no_more(rooms, lobby, published, ben, parts):
    rooms.join(ben, "lobby")
    published.clear()
    rooms.leave(ben, "lobby")
    assert not belongs(parts, lobby, ben)
    assert told(published) == [
        {"type": "leave", "gid": "lobby", "uid": "9", "name": "ben"},
        Unsubscribe("9", "g:lobby"),
    ]


def test_nobody_leaves_a_room_that_they_are_not_in(rooms, lobby, published, ben):
    with pytest.raises(NotMember):
        rooms.leave(ben, "lobby")
    with pytest.raises(UnknownRoom):
        rooms.leave(ben, "nowhere")
    assert published == []


def test_nobody_is_in_more_rooms_than_allowed(make_parts, ada, ben):
    rooms = Rooms(make_parts(CHAT_MAX_ROOMS=2))
    for gid in ("one", "two", "three"):
        rooms.create(gid, gid)
    rooms.join(ada, "one")
    rooms.join(ada, "two")
    with pytest.raises(Forbidden, match="2 rooms"):
        rooms.join(ada, "three")
    with pytest.raises(Forbidden):
        rooms.found(ada, "Four", False)
    with pytest.raises(Forbidden, match="2 rooms"):
        rooms.invite(ben, rooms.found(ben, "Five", False).gid, "7")
    assert rooms.join(ada, "one").gid == "one"


def test_an_invitation_of_somebody_who_belongs_is_no_matter_of_the_limit(make_parts, ada):
    rooms = Rooms(make_parts(CHAT_MAX_ROOMS=1))
    rooms.invite(ada, rooms.found(ada, "One", False).gid, "7")


# -- looking -------------------------------------------------------------------------------------------------


def test_a_member_finds_the_room_and_is_subscribed_on_the_way(rooms, board, published, ada):
    where = Conversation(board.id, gid="board")
    assert rooms.find(ada, "board") == where
    assert published == [Subscribe("7", where)]


def test_somebody_else_finds_nothing(rooms, lobby, board, published, ben):
    with pytest.raises(NotMember):
        rooms.find(ben, "lobby")
    with pytest.raises(UnknownRoom):
        rooms.find(ben, "board")
    assert published == []


def test_the_list_of_public_rooms_says_where_one_is(rooms, lobby, board, ada):
    rooms.create("annex", "Annex")
    rooms.join(ada, "lobby")
    listed = [(room.gid, room.members, room.joined) for room in rooms.public(ada)]
    assert listed == [("annex", 0, False), ("lobby", 1, True)]
