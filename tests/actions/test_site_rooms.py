import json

import pytest

from legacy_chat.actions.messages import Messages
from legacy_chat.actions.rooms import Rooms
from legacy_chat.actions.site_rooms import SiteRooms
from legacy_chat.backplane.contract import Subscribe, ToRoom, Unsubscribe
from legacy_chat.core.model import Member
from legacy_chat.errors import BadText, Empty, Exists, UnknownRoom
from legacy_chat.storage import people
from legacy_chat.storage import rooms as stored


def named(*uids: str) -> list[Member]:
    """People of whom nothing but the uid is said."""
    return [Member(uid, uid) for uid in uids]


@pytest.fixture
def rooms(parts) -> SiteRooms:
    return SiteRooms(parts)


def uids(parts, room) -> set[str]:
    return parts.database.read(lambda c: stored.uids_of(c, room.id))


def told(published) -> list:
    return [json.loads(n.frame) if isinstance(n, ToRoom) else n for n in published]


def test_a_room_is_made_with_those_who_care_for_it_and_their_pages_show_it(rooms, parts, published):
    parts.database.run(lambda c: people.remember(c, "7", "ada", 0, "/ada.png"))
    room = rooms.ensure("order-42", "Order 42", True, named("7", "9"))
    assert (room.gid, room.name, room.private, room.founder) == ("order-42", "Order 42", True, None)
    assert uids(parts, room) == {"7", "9"}
    heard = told(published)
    assert [(type(n), n.uid) for n in heard[:2]] == [(Subscribe, "7"), (Subscribe, "9")]
    assert heard[2:] == [
        {"type": "join", "gid": "order-42", "uid": "7", "name": "ada", "room": "Order 42", "avatar": "/ada.png"},
        {"type": "join", "gid": "order-42", "uid": "9", "name": "9", "room": "Order 42"},
    ]


def test_the_same_call_again_changes_nothing_writes_nothing_and_tells_nobody(rooms, parts, published):
    first = rooms.ensure("order-42", "Order 42", True, named("7"))
    published.clear()
    parts.writer.submit = lambda *_: pytest.fail("written")
    assert rooms.ensure("order-42", "Order 42", True, named("7")) == first
    assert rooms.ensure("order-42") == first
    assert published == []


def test_whoever_never_came_is_shown_by_the_name_that_the_site_gave(rooms, parts, published):
    parts.database.run(lambda c: people.remember(c, "7", "ada", 0))
    cleo, changed = Member("5", "Cleo", avatar="/cleo.png"), Member("5", "Cleo of the shop")
    room = rooms.ensure("order-42", "Order 42", True, [Member("7", "customer 7"), cleo, *named("9")])
    assert [n["name"] for n in told(published) if isinstance(n, dict)] == ["ada", "Cleo", "9"]
    rooms.ensure("order-42", members=[changed])
    rooms.ensure("order-42", members=named("5"))
    listed = parts.database.read(lambda c: stored.members_of(c, room.id))
    assert listed == [Member("9", "9"), Member("5", "Cleo of the shop", avatar="/cleo.png"), Member("7", "ada")]
    parts.writer.submit = lambda *_: pytest.fail("written")
    rooms.ensure("order-42", members=[changed, Member("7", "customer 7")])


def test_who_is_new_is_added_and_nobody_is_removed(rooms, parts, published):
    rooms.ensure("order-42", "Order 42", True, named("7"))
    published.clear()
    room = rooms.ensure("order-42", "Order 42", True, named("9"))
    assert uids(parts, room) == {"7", "9"}
    assert [n.uid for n in published if isinstance(n, Subscribe)] == ["9"]


def test_another_name_reaches_open_pages(rooms, published):
    rooms.ensure("order-42", "Order 42")
    published.clear()
    assert rooms.ensure("order-42", "Order 42 (sent)", True).name == "Order 42 (sent)"
    assert told(published) == [{"type": "room", "gid": "order-42", "name": "Order 42 (sent)", "private": True}]


def test_without_a_name_a_room_is_called_by_its_key_and_keeps_the_name_it_has(rooms):
    assert rooms.ensure("order-42").name == "order-42"
    rooms.ensure("order-42", "Order 42")
    assert rooms.ensure("order-42").name == "Order 42"


@pytest.mark.parametrize(
    ("gid", "name", "error"), [("order 42", None, BadText), ("order-42", " ", Empty), ("order-42", "a\nb", BadText)]
)
def test_a_room_that_cannot_be_is_refused(rooms, gid, name, error):
    with pytest.raises(error):
        rooms.ensure(gid, name)


def test_a_room_that_a_person_opened_is_not_taken_for_the_sites_own(rooms, parts, ben):
    gid = Rooms(parts).found(ben, "Order 43", private=False).gid
    with pytest.raises(Exists, match="opened by '9'"):
        rooms.ensure(gid, "Order 43", True, named("7"))
    room = parts.database.read(lambda c: stored.find_room(c, gid))
    assert (room.private, uids(parts, room)) == (False, {"9"})


def test_members_are_added_and_set_to_exactly_these(rooms, parts, published):
    room = rooms.ensure("order-42", "Order 42", True, named("7", "8"))
    rooms.add("order-42", named("9"))
    assert uids(parts, room) == {"7", "8", "9"}
    published.clear()
    rooms.set_members("order-42", named("9", "10"))
    assert uids(parts, room) == {"9", "10"}
    assert [n.uid for n in published if isinstance(n, Subscribe)] == ["10"]
    assert sorted(n.uid for n in published if isinstance(n, Unsubscribe)) == ["7", "8"]
    left = [n for n in told(published) if isinstance(n, dict) and n["type"] == "leave"]
    assert sorted(n["uid"] for n in left) == ["7", "8"]


def test_whoever_comes_later_has_read_what_was_said_before(rooms, parts, ada):
    rooms.ensure("order-42", "Order 42", True, [ada])
    Messages(parts).post(Rooms(parts).find(ada, "order-42"), ada, "hello", lambda _: None)
    room = rooms.add("order-42", named("9"))
    assert parts.database.read(lambda c: stored.membership(c, "9", room.id)).unread == 0


def test_a_room_that_is_not_there_has_no_members(rooms):
    for call in (rooms.add, rooms.set_members):
        with pytest.raises(UnknownRoom):
            call("order-44", named("7"))
