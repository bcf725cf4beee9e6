"""Whatever arrives, is lost or comes late: what a client that polls is told, and what it says, is there once."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from legacy_chat.client import address, polling
from legacy_chat.client.inbox import Inbox
from legacy_chat.client.life import Life
from legacy_chat.client.polling import Polling
from legacy_chat.client.reader import Reader
from legacy_chat.client.requests import Request, Requests
from legacy_chat.client.wire import How
from legacy_chat.core import frames

from .poll_model import ROOM, TALK, FakeLane, Model

LANES = st.integers(0, 1)
PROCESSES = st.integers(0, 1)


class AdaPolls(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.patches = [
            patch.object(polling, "Lane", FakeLane),
            patch.object(polling, "monotonic", lambda: self.now),
            patch.object(polling, "delay", lambda failures, asked=None: asked or 1.0),
        ]
        for one in self.patches:
            one.start()
        self.server = Model()
        life = Life()
        self.requests = Requests(life)
        self.inbox = Inbox(life, None, urgent=lambda: 0)
        self.reader = Reader(life, self.requests, self.inbox, None)
        self.wire = Polling(How(address.read("http://chat.example/chat")), life, self.requests.lose)
        self.said: list[Request] = []
        self.heard: list[frames.Event] = []
        self.due: dict[int, str] = {}  # notices that have to come
        self.reader.begin(self.wire, None)
        self.settle()

    def teardown(self) -> None:
        try:
            self.come_to_rest()
            self.the_site_tells_the_event_rooms()
            self.come_to_rest()
            self.check_all()
        finally:
            for one in self.patches:
                one.stop()

    # -- the client -------------------------------------------------------------------------------------------

    def look(self) -> None:
        """One round of the background thread, which does not wait."""
        self.wire._check_end()
        self.wire._post()
        self.wire._take()
        while self.wire._events:
            self.reader.take(self.wire._events.popleft(), self.wire)
        self.wire._post()
        while (event := self.inbox.get(0)) is not None:
            self.heard.append(event)

    def answer_of(self, request: Request) -> object:
        return request.answer or request.lost or request.given_up

    # -- what people do ---------------------------------------------------------------------------------------

    @rule(type=st.sampled_from(["group", "pm", "event"]))
    def ada_says(self, type) -> None:
        fields = {
            "group": {"gid": "lobby", "content": "x"},
            "pm": {"uid": "2", "content": "x"},
            "event": {"name": f"room {len(self.said)}", "data": None},
        }[type]
        request = Request(type, fields)
        request.name = fields.get("name")
        self.said.append(request)
        self.requests._add(request)
        self.requests._send(request)
        self.look()

    @rule(key=st.sampled_from([ROOM, TALK]))
    def ben_says(self, key) -> None:
        self.server.say(key, "2")
        self.wake()

    @rule()
    def the_site_tells_ada(self) -> None:
        if self.reader.login:
            self.due[self.server.emit("u:1")] = "u:1"
            self.wake()

    @precondition(lambda self: any(request.name for request in self.said))
    @rule()
    def the_site_tells_the_event_rooms(self) -> None:
        """What ada knows to have entered must reach her."""
        for request in self.said:
            if request.name:
                number = self.server.emit(request.name)
                if isinstance(request.answer, frames.Ack):
                    self.due[number] = request.name
        self.wake()

    @precondition(lambda self: self.said)
    @rule()
    def ada_stops_waiting(self) -> None:
        self.said[-1].given_up = not self.said[-1].answer

    # -- what the network and the server do -------------------------------------------------------------------

    def lanes(self, *states: str) -> list[FakeLane]:
        return [lane for lane in (self.wire._talk, self.wire._hold) if lane.state in states]

    @precondition(lambda self: self.lanes("on the way"))
    @rule(which=LANES, process=PROCESSES)
    def a_post_arrives(self, which, process) -> None:
        lane = self.lanes("on the way")[which:] or self.lanes("on the way")
        self.server.arrive(lane[0], self.server.processes[process])
        self.wake()

    def wake(self) -> None:
        for process in self.server.processes:
            self.server.wake(process)

    @precondition(lambda self: any(process.held for process in self.server.processes))
    @rule(process=PROCESSES, drain=st.booleans())
    def a_held_polls_time_is_over(self, process, drain) -> None:
        last = ({"type": "drain", "retry_after": 300},) if drain else ()
        self.server.wake(self.server.processes[process], last, even_so=True)

    @precondition(lambda self: self.lanes("answered"))
    @rule(which=LANES)
    def an_answer_comes_home(self, which) -> None:
        (self.lanes("answered")[which:] or self.lanes("answered"))[0].come_home()
        self.look()

    @precondition(lambda self: self.lanes("on the way", "there", "answered"))
    @rule(which=LANES)
    def a_connection_breaks(self, which) -> None:
        lanes = self.lanes("on the way", "there", "answered")
        (lanes[which:] or lanes)[0].break_off()
        self.look()

    @precondition(lambda self: self.lanes("on the way"))
    @rule(which=LANES, status=st.sampled_from([503, 429]))
    def a_post_is_refused_for_now(self, which, status) -> None:
        (self.lanes("on the way")[which:] or self.lanes("on the way"))[0].refuse(status)
        self.look()

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0]))
    def time_passes(self, seconds) -> None:
        self.now += seconds
        self.look()

    # -- what has to be true ----------------------------------------------------------------------------------

    @invariant()
    def nothing_came_twice_or_out_of_order(self) -> None:
        for key, kind in ((ROOM, frames.GroupPm), (TALK, frames.PrivatePm)):
            seqs = [event.seq for event in self.heard if isinstance(event, kind)]
            assert seqs == list(range(1, len(seqs) + 1)), key
        told = [event.data for event in self.heard if isinstance(event, frames.SiteEvent)]
        assert told == sorted(set(told))

    @invariant()
    def nothing_was_done_twice(self) -> None:
        assert all(count == 1 for count in self.server.runs.values())

    def come_to_rest(self) -> None:
        """A good network for a while."""
        for _ in range(10):
            for lane in (self.wire._talk, self.wire._hold):
                if lane.state == "on the way":
                    self.server.arrive(lane, self.server.processes[0])
                for process in self.server.processes:
                    self.server.wake(process)
                if lane.state == "answered":
                    lane.come_home()
                self.look()
            self.now += 1.0
            self.look()

    def check_all(self) -> None:
        self.nothing_came_twice_or_out_of_order()
        self.nothing_was_done_twice()
        for key, kind in ((ROOM, frames.GroupPm), (TALK, frames.PrivatePm)):
            assert len([event for event in self.heard if isinstance(event, kind)]) == len(self.server.messages[key])
        assert all(self.answer_of(request) for request in self.said)
        told = {event.data for event in self.heard if isinstance(event, frames.SiteEvent)}
        assert set(self.due) <= told
        stored = [m["id"] for m in self.server.messages[ROOM] if "id" in m]
        mine = [request.id for request in self.said if request.id in stored]
        assert stored == mine

    def settle(self) -> None:
        """The login, whose answer comes."""
        self.look()
        lane = self.wire._talk
        self.server.arrive(lane, self.server.processes[0])
        lane.come_home()
        self.look()
        assert self.reader.login


def test_nothing_is_lost_doubled_or_out_of_order():
    run_state_machine_as_test(AdaPolls, settings=settings(max_examples=200, stateful_step_count=40, deadline=None))
