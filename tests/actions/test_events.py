"""What a site's handlers are called with, what becomes of what they return and raise, and what they leave behind."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

import msgspec
import pytest
from gevent import GreenletExit, Timeout

from legacy_chat.actions.current import current, emit, join_room, leave_room, rooms
from legacy_chat.actions.events import Events
from legacy_chat.actions.handlers import Handlers
from legacy_chat.actions.local import Local
from legacy_chat.actions.requests import Requests
from legacy_chat.core import frames
from legacy_chat.core.push import Pushed
from legacy_chat.errors import BadFrame, BadShape, Forbidden, Internal, Refused, UnknownEvent


@pytest.fixture
def ada_here(site, ada):
    return site.come(ada)


def test_what_a_handler_returns_is_the_answer(site, ada_here):
    site.on("add")(lambda numbers: sum(numbers))
    assert ada_here.emit("add", [1, 2, 3]) == 6
    assert ada_here.request("event", id="third", name="add", data=[4]) == {
        "type": "ack", "id": "third", "ok": True, "data": 4,
    }  # fmt: skip


@pytest.mark.parametrize("data", [None, True, 0, 1.5, "text", [], {"a": [None, {"b": "ä"}]}, 2**63])
def test_any_json_goes_both_ways(site, ada_here, data):
    site.on("echo")(lambda data: data)
    assert ada_here.emit("echo", data) == data


@pytest.mark.parametrize(
    "answer", [float("nan"), [1, float("inf")], {"a": {"b": -float("inf")}}, {"a": object()}, {1j: 1}]
)
def test_what_is_no_json_is_answered_as_internal_and_is_in_the_log(site, ada_here, answer, caplog):
    site.on("price")(lambda: answer)
    with pytest.raises(Internal):
        ada_here.emit("price")
    assert "returned for 'price' cannot be sent" in caplog.text


def test_a_null_is_json_wherever_it_stands(site, ada_here):
    answers = [{"a": [None, (1, None)], 5: "null"}, msgspec.Raw(b'{"a":null}'), Pushed(1, 2, 0)]
    site.on("next")(lambda: answers.pop(0))
    assert ada_here.emit("next") == {"a": [None, [1, None]], "5": "null"}
    assert ada_here.emit("next") == {"a": None}
    assert ada_here.emit("next") == {"users": 1, "connections": 2, "stored": 0}


def test_an_event_without_data_brings_none(site, ada_here):
    heard = []
    site.on("ready")(heard.append)
    ada_here.say(type="event", name="ready")
    assert heard == [None]


def test_without_an_id_nothing_is_answered_but_errors(site, ada_here):
    site.on("ready")(lambda: "yes")
    ada_here.take()
    ada_here.say(type="event", name="ready")
    assert ada_here.take() == []
    ada_here.say(type="event", name="nonsense")
    assert [frame["code"] for frame in ada_here.take()] == ["unknown_event"]


def test_an_event_that_nobody_handles_is_an_error(ada_here):
    with pytest.raises(UnknownEvent, match="'move'"):
        ada_here.emit("move")


@pytest.mark.parametrize("name", ["connect", "close", "disconnect"])
def test_a_client_cannot_pretend_to_come_or_to_go(site, ada_here, name):
    called = []
    site.on(name)(called.append)
    with pytest.raises(UnknownEvent):
        ada_here.emit(name)
    assert called == []


@pytest.mark.parametrize("frame", [{}, {"name": ""}, {"name": "x" * 65}, {"name": 5}])
def test_a_frame_without_a_name_is_refused(ada_here, frame):
    with pytest.raises(BadFrame):
        ada_here.request("event", **frame)


def test_before_the_login_no_handler_is_called(site, ada):
    called = []
    site.on("move")(called.append)
    page = site.page(ada)
    page.say(type="event", name="move", id="1")
    assert ([frame["code"] for frame in page.take()], called) == (["not_logged_in"], [])


# -- what goes wrong -----------------------------------------------------------------------------------------


def test_a_refusal_is_told_with_its_code_and_words(site, ada_here):
    class NotYourTurn(Refused):
        code = "not_your_turn"

    @site.on("move")
    def move(data):
        raise NotYourTurn("Wait for ben.")

    @site.on("enter")
    def enter(data):
        raise Refused("Only for members.")

    with pytest.raises(Exception, match="Wait for ben") as refused:
        ada_here.emit("move")
    assert refused.value.code == "not_your_turn"
    with pytest.raises(Forbidden, match="Only for members"):
        ada_here.emit("enter")


def test_a_bug_is_in_the_log_with_the_handlers_name_and_no_word_of_it_is_told(site, ada_here, caplog):
    @site.on("move")
    def move(data):
        raise KeyError("secret")

    with pytest.raises(Internal) as told:
        ada_here.emit("move")
    assert "secret" not in told.value.message
    assert "test_events" in caplog.text
    assert "move failed" in caplog.text
    assert "KeyError" in caplog.text


def test_an_error_of_ours_inside_of_a_handler_keeps_the_requests_id(site, ada_here):
    @site.on("move")
    def move(data):
        raise BadShape("what the site pushed had no shape")

    with pytest.raises(BadFrame):
        ada_here.emit("move")


@pytest.mark.parametrize("returned", [object(), {1, object()}, "\ud800", {"a": lambda: 1}, "x" * 70_000])
def test_what_cannot_be_sent_is_our_fault_and_in_the_log(site, ada_here, caplog, returned):
    site.on("move")(lambda data: returned)
    with pytest.raises(Internal):
        ada_here.emit("move")
    assert "cannot be sent" in caplog.text


@pytest.mark.parametrize("end", [Timeout, SystemExit, GreenletExit])
def test_what_would_end_a_greenlet_or_the_process_ends_the_call(site, ada_here, end):
    """A handler that gave itself five seconds and forgot to look; a script's `sys.exit()` left in a library."""

    @site.on("late")
    def late(data):
        raise end()

    with pytest.raises(Internal):
        ada_here.emit("late")
    assert ada_here.request("ping")["type"] == "pong"


def test_after_a_bug_the_connection_goes_on(site, ada_here):
    site.on("divide")(lambda data: 1 // data)
    with pytest.raises(Internal):
        ada_here.emit("divide", 0)
    assert ada_here.emit("divide", 1) == 1


# -- again and again -----------------------------------------------------------------------------------------


def test_a_repeated_event_runs_once_and_is_answered_twice(site, ada, ada_here):
    called = []
    site.on("buy")(lambda data: called.append(data) or len(called))
    for page in (ada_here, site.come(ada)):
        assert page.request("event", id="order 42", name="buy", data=1)["data"] == 1
    assert called == [1]


def test_what_a_repeated_event_told_is_told_to_the_next_connection(site, ada, ada_here):
    called = []

    @site.on("look")
    def look(data):
        called.append(data)
        emit("board", {"moves": 3})

    for page in (ada_here, site.come(ada)):
        page.request("event", id="first look", name="look")
        assert [frame["data"] for frame in page.take() if frame["type"] == "event"] == [{"moves": 3}]
    assert len(called) == 1


def test_whether_another_connection_may_into_a_room_is_asked_again(site, ada, ada_here):
    banned = set()

    @site.on("vip")
    def vip(data):
        if current.member.uid in banned:
            raise Refused("Banned.")
        join_room("vip")
        return rooms()

    site.on("out")(lambda: leave_room("vip"))
    assert ada_here.request("event", id="J", name="vip")["data"] == ["vip"]
    assert ada_here.request("event", id="J", name="vip")["data"] == ["vip"]
    other = site.come(ada)
    assert other.request("event", id="J", name="vip")["data"] == ["vip"]
    banned.add(ada.uid)
    ada_here.emit("out")
    for page in (ada_here, site.come(ada)):
        with pytest.raises(Refused, match="Banned"):
            page.request("event", id="J", name="vip")
    site.on("where")(rooms)
    assert ada_here.emit("where") == []


def test_what_was_told_counts_in_the_memory_of_answers(site, ada_here):
    site.on("state")(lambda: emit("board", "x" * 60_000))
    for number in range(200):
        ada_here.request("event", id=str(number), name="state")
        ada_here.take()
    assert len(site.events._repeats) < 80


def test_the_same_id_of_two_people_is_two_events(site, ben, ada_here):
    called = []
    site.on("buy")(lambda data: called.append(data) or len(called))
    assert ada_here.request("event", id="1", name="buy")["data"] == 1
    assert site.come(ben).request("event", id="1", name="buy")["data"] == 2


# -- who comes and goes --------------------------------------------------------------------------------------


def test_who_comes_is_told_once_for_each_connection(site, ada, ben):
    came = []
    site.on("connect")(lambda member: came.append(member.name))
    page = site.come(ada)
    page.connect()
    site.come(ada), site.come(ben)
    assert came == ["ada", "ada", "ben"]


def test_who_goes_is_told_once_and_only_of_those_who_came(site, ada, ben):
    went = []
    site.on("close")(lambda member: went.append(member.name))
    page = site.come(ada)
    site.page(ben).disconnect()
    page.disconnect()
    page.disconnect()
    assert went == ["ada"]


@pytest.mark.parametrize("refusing", ["false", "refused"])
def test_a_connect_handler_may_turn_somebody_away(site, ada, ben, refusing):
    gone = []

    @site.on("connect")
    def only_ben(member):
        if member.name == "ben":
            return True
        if refusing == "false":
            return False
        raise Refused("Only ben may come in.")

    @site.on("connect")
    def second(member):
        gone.append(member.name)

    page = site.page(ada)
    page.connect()
    assert page.closed == 4403
    assert page.take("error")[0]["code"] == "forbidden"
    assert site.come(ben).closed is None
    assert gone == ["ben"]


def test_a_bug_in_a_connect_handler_costs_nobody_the_chat(site, ada, caplog):
    came = []
    site.on("connect")(lambda member: 1 // 0)
    site.on("connect")(came.append)
    assert site.come(ada).closed is None
    assert came == [ada]
    assert "ZeroDivisionError" in caplog.text


def test_a_bug_or_a_refusal_of_a_close_handler_hinders_no_other(site, ada, caplog):
    went = []

    @site.on("close")
    def refuse(member):
        raise Refused("Stay!")

    site.on("close")(lambda member: 1 // 0)
    site.on("close")(went.append)
    site.come(ada).disconnect()
    assert went == [ada]
    assert "ZeroDivisionError" in caplog.text


# -- contexts ------------------------------------------------------------------------------------------------


def test_each_call_has_a_context_of_its_own_which_ends_with_it(parts, ada):
    open_now, opened = [], []

    @contextmanager
    def context(session):
        open_now.append(session.member.name)
        opened.append(1)
        try:
            yield
        finally:
            open_now.pop()

    handlers = Handlers()
    events = Events(parts, handlers, context)
    local = Local(parts, lambda online: Requests(parts, online, lambda token: ada, events=events))
    handlers.add("who", lambda data: list(open_now))
    handlers.add("fail", lambda data: 1 // 0)
    page = local.client(ada)
    page.connect()
    assert page.emit("who") == ["ada"]
    with pytest.raises(Internal):
        page.emit("fail")
    assert (open_now, len(opened)) == ([], 2)


def test_what_a_handler_sets_is_gone_with_its_call(site, ada_here):
    flavour = ContextVar("flavour", default="none")

    @site.on("taste")
    def taste(data):
        before = flavour.get()
        flavour.set(data)
        return before

    assert [ada_here.emit("taste", "salt"), ada_here.emit("taste", "sweet")] == ["none", "none"]


def test_an_event_is_a_frame_of_the_protocol():
    request = frames.decode(b'{"type":"event","name":"move","data":{"a":1,"b":[2]},"id":"1"}')
    assert (request.name, request.data, request.id) == ("move", {"a": 1, "b": [2]}, "1")
    with pytest.raises(BadFrame):
        frames.decode(b'{"type":"event","name":"move","data":{"a":1,"a":2}}')
