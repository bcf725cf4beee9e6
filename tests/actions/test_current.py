"""What a handler says and does to the connection that speaks, and to others."""

from __future__ import annotations

import pytest

from legacy_chat.actions.current import current, disconnect, emit, join_room, leave_room, rooms, send
from legacy_chat.actions.push import Pushes
from legacy_chat.actions.rooms import Rooms
from legacy_chat.core.push import Pushed
from legacy_chat.errors import Forbidden, Internal, Refused, UnknownRoom


@pytest.fixture
def ada_here(site, ada):
    return site.come(ada)


@pytest.fixture
def ben_here(site, ben):
    return site.come(ben)


def calls(site, function):
    """`page.emit("call")` runs the function within a handler."""
    site.on("call")(lambda data: function())


def data(page) -> list:
    return [event["data"] for event in page.get_received()]


def test_a_handler_knows_who_speaks(site, ada_here, ben_here):
    site.on("who")(lambda: [current.member.uid, current.member.name, current.client_id, list(current.rooms)])
    assert ada_here.emit("who") == ["7", "ada", ada_here.client_id, []]
    assert ben_here.emit("who") == ["9", "ben", ben_here.client_id, []]


@pytest.mark.parametrize("call", [lambda: current.member, lambda: emit("x"), rooms, disconnect, lambda: join_room("x")])
def test_outside_of_a_handler_nobody_speaks(call):
    with pytest.raises(RuntimeError, match=r"chat\.broadcast"):
        call()


def test_an_answer_is_for_the_speaking_page_alone(site, ada, ada_here, ben_here):
    tab = site.come(ada)
    calls(site, lambda: emit("price", {"EUR": 1}))
    ada_here.emit("call")
    assert ada_here.get_received() == [{"name": "price", "data": {"EUR": 1}}]
    assert tab.get_received() == ben_here.get_received() == []


def test_broadcast_is_for_everybody_with_or_without_the_speaker(site, ada_here, ben_here):
    calls(site, lambda: (emit("news", 1, broadcast=True), emit("news", 2, broadcast=True, include_self=False)))
    ada_here.emit("call")
    assert (data(ada_here), data(ben_here)) == ([1], [1, 2])


def test_a_chat_room_is_reached_by_its_key(site, ada_here, ben_here):
    tea = ada_here.request("create", name="Tea")["room"]["gid"]
    calls(site, lambda: (emit("kettle", 1, room=tea), emit("kettle", 2, room="lobby", include_self=False)))
    ada_here.emit("call")
    assert (data(ada_here), data(ben_here)) == ([1], [2])


def test_one_may_speak_to_a_room_that_one_is_not_in_but_not_to_none(site, ada_here, ben_here):
    tea = ben_here.request("create", name="Tea")["room"]["gid"]
    calls(site, lambda: emit("kettle", 1, room=tea))
    ada_here.emit("call")
    assert data(ben_here) == [1]
    site.on("wrong")(lambda: emit("kettle", 1, room="attic"))
    with pytest.raises(UnknownRoom):
        ada_here.emit("wrong")


def test_what_is_no_json_is_refused(site, ada_here, caplog):
    calls(site, lambda: emit("price", float("nan")))
    with pytest.raises(Internal):
        ada_here.emit("call")
    assert "TypeError: The data cannot be written as JSON" in caplog.text


def test_send_is_the_event_message(site, ada_here):
    calls(site, lambda: send("hello"))
    ada_here.emit("call")
    assert ada_here.get_received() == [{"name": "message", "data": "hello"}]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: emit("no spaces"),
        lambda: emit("x", object()),
        lambda: emit("x", "y" * 70_000),
        lambda: emit("x", to="a", broadcast=True),
        lambda: emit("x", to="a", room="lobby"),
    ],
)
def test_what_cannot_be_said_is_a_bug_of_the_site(site, ada_here, wrong):
    calls(site, wrong)
    with pytest.raises(Internal):
        ada_here.emit("call")
    assert ada_here.get_received() == []


# -- event rooms ---------------------------------------------------------------------------------------------


@pytest.fixture
def chess(site):
    """A site where one enters and leaves by events, and moves are told to all in the room."""
    site.on("enter")(join_room)
    site.on("leave")(leave_room)
    site.on("rooms")(rooms)
    site.on("move")(lambda move: emit("moved", move, to="chess", include_self=False))
    return site


def test_a_room_is_the_connections_that_were_put_into_it(chess, ada, ada_here, ben_here):
    tab = chess.come(ada)
    for page in (ada_here, ben_here):
        page.emit("enter", "chess")
    ada_here.emit("move", "e4")
    assert (data(ada_here), data(ben_here), data(tab)) == ([], ["e4"], [])


def test_who_left_or_closed_the_page_is_not_in_there(chess, ben, ada_here, ben_here):
    for page in (ada_here, ben_here):
        page.emit("enter", "chess")
    ada_here.emit("leave", "chess")
    ada_here.emit("leave", "chess")
    ben_here.emit("move", "e5")
    assert data(ada_here) == []
    ben_here.disconnect()
    again = chess.come(ben)
    ada_here.emit("move", "e4")
    assert data(again) == []
    assert again.emit("rooms") == []


@pytest.mark.parametrize("name", [None, True, 1.5, [], {"a": 1}, "", " ", "x" * 65, "a\nb"])
def test_what_is_no_name_of_a_room_is_refused(chess, ada_here, name):
    """A page may send anything, and `None` would be one room for all who send nothing."""
    for event in ("enter", "leave"):
        with pytest.raises(Refused, match="room's name"):
            ada_here.emit(event, name)
    assert ada_here.emit("rooms") == []
    if name is not None:
        chess.on("tell")(lambda to: emit("moved", 1, to=to))
        with pytest.raises(Refused, match="room's name"):
            ada_here.emit("tell", name)


def test_whoever_enters_twice_is_in_there_once(chess, ada_here, ben_here):
    for name in ("chess", " chess ", "tea", 42):
        ada_here.emit("enter", name)
    assert ada_here.emit("rooms") == ["42", "chess", "tea"]
    ben_here.emit("move", "e4")
    assert data(ada_here) == ["e4"]


def test_an_event_room_is_no_chat_room_of_the_same_name(chess, parts, ada_here, ben_here):
    """Otherwise an event could put somebody into a private room of the site."""
    Rooms(parts).create("chess", "Chess", private=True, members=("9",))
    ada_here.emit("enter", "chess")
    ben_here.request("group", gid="chess", content="secret")
    assert ada_here.take("groupPm") == []
    ben_here.emit("move", "e4")
    assert (data(ada_here), data(ben_here)) == (["e4"], [])
    assert Pushes(parts).to_event_room("chess", "moved", "e5") == Pushed(1, 1, 0)
    assert (data(ada_here), data(ben_here)) == (["e5"], [])


def test_there_is_a_limit(chess, ada_here):
    for number in range(chess.parts.settings.max_rooms):
        ada_here.emit("enter", number)
    with pytest.raises(Forbidden, match="128"):
        ada_here.emit("enter", "one more")
    ada_here.emit("enter", 0)
    ada_here.emit("leave", 0)
    ada_here.emit("enter", "one more")


def test_a_request_that_is_repeated_on_a_new_connection_does_to_it_what_it_did(chess, ada, ada_here, ben_here):
    """The first connection broke before the answer came."""
    chess.on("welcome")(lambda: (join_room("chess"), emit("greeting", "ada")))
    ada_here.request("event", id="1", name="welcome")
    ada_here.disconnect()
    again = chess.come(ada)
    again.request("event", id="1", name="welcome")
    ben_here.emit("move", "e4")
    assert data(again) == ["ada", "e4"]


def test_a_close_handler_may_still_speak_to_the_others(chess, ada_here, ben_here):
    chess.on("close")(lambda member: emit("left", member.name, to="chess"))
    for page in (ada_here, ben_here):
        page.emit("enter", "chess")
    ada_here.disconnect()
    assert (data(ben_here), data(ada_here)) == (["ada"], [])


def test_disconnect_ends_the_speaking_page_and_it_does_not_come_back(site, ada, ada_here):
    tab = site.come(ada)
    calls(site, disconnect)
    ada_here.say(type="event", name="call")
    assert (ada_here.closed, tab.closed) == (4400, None)
