"""Frames in, frames out: `Page` is an open page of somebody, without the socket."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from legacy_chat.actions.hooks import Hooks
from legacy_chat.actions.requests import Requests
from legacy_chat.actions.rooms import Rooms
from legacy_chat.actions.rules import Rules
from legacy_chat.backplane.contract import Subscribe, ToPeople, ToRoom, Unsubscribe
from legacy_chat.core import frames
from legacy_chat.core.model import Conversation, Member
from legacy_chat.core.session import Session
from legacy_chat.errors import BadToken, Unavailable
from legacy_chat.storage import presence, rooms
from legacy_chat.storage.presence import NOBODY, Row


class Page:
    """Sends frames as dicts and keeps what comes back; hears the backplane as the registry would."""

    _ids = itertools.count(1001)

    def __init__(self, world: World, member: Member | None):
        self.client_id = next(self._ids)
        self.session = Session(member, None)
        self.got: list[dict] = []
        self.rooms: dict[str, Conversation] = {}
        self.refused: int | None = None
        self.full = False
        self._world = world

    def __call__(self, *requests: dict, wait: float = 0.0) -> list[dict]:
        """What came since the last call, while these requests were carried out."""
        self.got.clear()
        for request in requests:
            self._world.requests.handle(self, json.dumps(request).encode(), wait)
        return list(self.got)

    def send(self, event):
        self.got.append(json.loads(frames.encode(event)))

    def stored(self, where, message):
        pass

    def room(self, gid):
        return self.rooms.get(gid)

    def subscribe(self, snapshot):
        self.rooms = {m.gid: Conversation(m.id, gid=m.gid) for m in snapshot.memberships if m.gid}
        self._world.pages.append(self)

    def set_away(self, away):
        self.session.away = away

    def admit(self, member):
        if self.full:
            raise Unavailable("too many", 5.0)

    def refuse(self, error, code):
        self.refused = code
        self.send(frames.error_frame(error))

    def hear(self, notice):
        uid = self.session.member.uid
        if isinstance(notice, Subscribe) and notice.uid == uid:
            self.rooms[notice.room.gid] = notice.room
        elif isinstance(notice, Unsubscribe) and notice.uid == uid:
            self.rooms.pop(notice.key.removeprefix("g:"), None)
        elif isinstance(notice, ToRoom | ToPeople) and notice.skip != self.client_id:
            mine = uid in notice.uids if isinstance(notice, ToPeople) else notice.key[2:] in self.rooms
            if mine:
                self.got.append(json.loads(notice.frame))


class World:
    """All pages of one site."""

    def __init__(self, parts):
        self.pages: list[Page] = []
        self.requests = Requests(parts, self, self._verify)
        self.requests.rooms.ensure_defaults()
        parts.backplane.subscribe(lambda notice: [page.hear(notice) for page in self.pages])

    def page(self, member: Member | None) -> Page:
        return Page(self, member)

    def is_online(self, uid):
        return any(page.session.member.uid == uid for page in self.pages)

    def count(self):
        return len({page.session.member.uid for page in self.pages}), len(self.pages)

    def _verify(self, token):
        if token != "token of ada":
            raise BadToken("Not one of this site.")
        return Member("7", "ada")


@pytest.fixture
def world(parts) -> World:
    return World(parts)


@pytest.fixture
def adas(world, ada) -> Page:
    """A page of ada's, logged in."""
    page = world.page(ada)
    page({"type": "login"})
    return page


@pytest.fixture
def bens(world, ben) -> Page:
    page = world.page(ben)
    page({"type": "login"})
    return page


LOGIN = {"type": "login"}


def only(answers: list[dict]) -> dict:
    (answer,) = answers
    return answer


def code(answers: list[dict]) -> str:
    answer = only(answers)
    assert answer["type"] == "error"
    assert answer["message"]
    return answer["code"]


# -- login ---------------------------------------------------------------------------------------------------


def test_the_first_login_of_ada_shows_her_the_lobby(world, ada, parts):
    page = world.page(ada)
    (answer,) = page(LOGIN)[:1]
    assert answer == {
        "type": "login", "uid": "7", "name": "ada", "client_id": page.client_id, "peers": [],
        "epoch": answer["epoch"],
        "online": {"users": 1, "connections": 1},
        "groups": [{"gid": "lobby", "name": "Lobby", "seq": 0, "read": 0, "unread": 0, "private": False, "ts": 0,
                    "invite": False}],
    }  # fmt: skip


def test_a_login_with_an_id_gets_an_ack_too(world, ada):
    assert {"type": "ack", "id": "l1", "ok": True} in world.page(ada)({**LOGIN, "id": "l1"})


def test_a_later_login_refreshes(adas, bens):
    bens({"type": "pm", "uid": "7", "content": "psst"})
    answer = only(adas(LOGIN))
    peer = {"uid": "9", "name": "ben", "seq": 1, "read": 0, "unread": 1, "online": True}
    assert [{name: p[name] for name in peer} for p in answer["peers"]] == [peer]


def test_a_token_says_who_somebody_without_a_cookie_is(world):
    page = world.page(None)
    assert page({**LOGIN, "token": "token of ada"})[0]["uid"] == "7"
    assert not page.refused


def test_a_login_of_nobody_is_refused(world):
    page = world.page(None)
    assert code(page(LOGIN)) == "not_logged_in"
    assert page.refused


def test_a_bad_token_is_called_so_and_opens_nothing(world):
    page = world.page(None)
    assert code(page({**LOGIN, "token": "forged"})) == "bad_token"
    assert page.refused == 4401
    assert code(page({"type": "rooms", "id": "1"})) == "not_logged_in"


def test_one_page_too_many_of_ada_is_told_to_come_back_later(world):
    page = world.page(None)
    page.full = True
    assert code(page({**LOGIN, "token": "token of ada"})) == "unavailable"
    assert page.refused == 1013
    assert page.session.member is None


def test_bens_cookie_and_adas_token_do_not_mix(bens):
    assert code(bens({**LOGIN, "token": "token of ada", "id": "l2"})) == "forbidden"
    assert bens.session.member.uid == "9"
    assert not bens.refused


@pytest.mark.parametrize("request_", [{"type": "group", "gid": "lobby", "content": "hi"}, {"type": "rooms"}])
def test_before_the_login_nothing_is_carried_out(world, ada, request_):
    assert code(world.page(ada)(request_)) == "not_logged_in"


def test_ping_is_answered_even_before_the_login(world):
    assert world.page(None)({"type": "ping", "id": "p1"}) == [{"type": "pong", "id": "p1"}]
    assert world.page(None)({"type": "ping"}) == [{"type": "pong"}]


def test_what_was_missed_follows_the_login_in_order(adas, bens, world, ada):
    for content in ("one", "two", "three"):
        bens({"type": "group", "gid": "lobby", "content": content})
    bens({"type": "pm", "uid": "7", "content": "psst"})
    answers = world.page(ada)({**LOGIN, "resume": {"seqs": {"g:lobby": 1}}})
    assert [answer["type"] for answer in answers] == ["login", "groupPm", "groupPm", "pm"] or [
        answer["type"] for answer in answers
    ] == ["login", "pm", "groupPm", "groupPm"]
    assert [a["content"] for a in answers if a["type"] == "groupPm"] == ["two", "three"]
    assert [(a["uid"], a["to"]) for a in answers if a["type"] == "pm"] == [("9", "7")]


def test_a_hole_too_large_is_told_as_a_gap(adas, bens, world, ada):
    bens({"type": "pm", "uid": "7", "content": "psst"})
    seqs = {"g:lobby": 12, "p:9": 99}
    answers = world.page(ada)({**LOGIN, "resume": {"seqs": seqs}})
    assert [a for a in answers if a["type"] == "gap"] == [
        {"type": "gap", "after": 99, "seq": 1, "uid": "9"},
        {"type": "gap", "after": 12, "seq": 0, "gid": "lobby"},
    ]


# -- messages ------------------------------------------------------------------------------------------------


def test_a_word_to_the_room_comes_to_everybody_and_the_ack_to_its_sender(adas, bens, clock):
    bens.got.clear()
    told, ack = adas({"type": "group", "gid": "lobby", "content": "hi", "id": "m1"})
    assert ack == {"type": "ack", "id": "m1", "ok": True, "seq": 1, "mid": told["mid"], "ts": clock.now}
    assert bens.got == [told]
    assert (told["type"], told["uid"], told["content"], told["id"]) == ("groupPm", "7", "hi", "m1")


def test_without_an_id_there_is_no_ack(adas):
    assert [a["type"] for a in adas({"type": "group", "gid": "lobby", "content": "hi"})] == ["groupPm"]


def test_a_repeat_of_ada_gets_the_same_ack_and_ben_hears_it_once(adas, bens):
    request = {"type": "group", "gid": "lobby", "content": "hi", "id": "m1"}
    first = adas(request)[-1]
    bens.got.clear()
    assert adas(request) == [first]
    assert bens.got == []


def test_a_private_word_comes_to_all_pages_but_the_one_it_was_written_in(adas, bens, world, ada):
    other = world.page(ada)
    other(LOGIN)
    other.got.clear()
    bens.got.clear()
    ack = only(adas({"type": "pm", "uid": 9, "content": "psst", "id": "m1"}))
    assert (ack["type"], ack["seq"]) == ("ack", 1)
    assert other.got == bens.got
    assert {name: bens.got[0][name] for name in ("type", "uid", "to", "content", "id")} == {
        "type": "pm", "uid": "7", "to": "9", "content": "psst", "id": "m1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"type": "group", "gid": "nowhere", "content": "hi"}, "unknown_room"),
        ({"type": "group", "gid": "lobby", "content": " "}, "empty"),
        ({"type": "group", "gid": "lobby", "content": "a" * 4001}, "too_long"),
        ({"type": "group", "gid": "lobby", "content": "\x00"}, "bad_text"),
        ({"type": "pm", "uid": "a\nb", "content": "hi"}, "bad_text"),
        ({"type": "dance"}, "unknown_type"),
        ({"type": "group", "gid": "lobby"}, "bad_frame"),
        ({"type": "leave", "gid": "nowhere"}, "unknown_room"),
        ({"type": "create", "name": "Order 3", "gid": "order-3"}, "bad_frame"),
        ({"type": "create", "name": ""}, "empty"),
    ],
)
def test_a_refusal_has_a_code_and_the_id_and_is_heard_by_nobody_else(adas, bens, request_, expected):
    bens.got.clear()
    answers = adas({**request_, "id": "r1"})
    assert code(answers) == expected
    assert answers[0]["id"] == "r1"
    assert bens.got == []


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[]", b'{"type":"ping","type":"ping"}', b"[" * 5000])
def test_bytes_that_are_no_frame_get_a_coded_answer_and_the_next_frame_is_fine(world, adas, raw):
    adas.got.clear()
    world.requests.handle(adas, raw)
    assert adas.got[0]["code"] in ("bad_json", "bad_frame")
    assert adas({"type": "ping"}) == [{"type": "pong"}]


def test_a_mistake_of_ours_is_told_without_its_details(adas, monkeypatch, world):
    def broken(*_):
        raise RuntimeError("password of the database")

    monkeypatch.setattr(world.requests.rooms, "public", broken)
    answer = only(adas({"type": "rooms", "id": "r1"}))
    assert (answer["code"], answer["id"]) == ("internal", "r1")
    assert "password" not in str(answer)


@pytest.mark.parametrize("wait", [0.02, 0.024, 0.001, 3.0])
def test_a_frame_too_many_is_refused_and_told_how_long_to_wait(adas, bens, wait):
    bens.got.clear()
    answers = adas({"type": "group", "gid": "lobby", "content": "hi", "id": "m1"}, wait=wait)
    assert code(answers) == "rate_limited"
    assert (answers[0]["id"], bens.got) == ("m1", [])
    assert answers[0]["retry_after"] >= wait


def test_history_is_one_page_in_the_ack(adas):
    for n in range(1, 4):
        adas({"type": "group", "gid": "lobby", "content": f"{n}"})
    ack = only(adas({"type": "history", "gid": "lobby", "id": "h1", "limit": 2}))
    assert ([m["content"] for m in ack["messages"]], ack["more"]) == (["2", "3"], True)
    assert {m["type"] for m in ack["messages"]} == {"groupPm"}
    ack = only(adas({"type": "history", "gid": "lobby", "id": "h2", "before": 2}))
    assert ([m["seq"] for m in ack["messages"]], ack["more"]) == ([1], False)
    ack = only(adas({"type": "history", "gid": "lobby", "id": "h3", "after": 2}))
    assert ([m["seq"] for m in ack["messages"]], ack["more"]) == ([3], False)


def test_the_history_of_a_private_talk_is_the_same_for_both(adas, bens):
    adas({"type": "pm", "uid": "9", "content": "psst"})
    mine = only(adas({"type": "history", "uid": "9", "id": "h1"}))["messages"]
    his = only(bens({"type": "history", "uid": "7", "id": "h1"}))["messages"]
    assert mine == his
    assert (mine[0]["uid"], mine[0]["to"]) == ("7", "9")


def test_the_history_of_others_is_closed(adas, bens):
    board = opened(bens, "Board", private=True)
    bens({"type": "group", "gid": board, "content": "secret"})
    for request in ("history", "members", "typing"):
        assert code(adas({"type": request, "gid": board, "id": "1"})) == "unknown_room"
    assert code(adas({"type": "history", "gid": opened(bens, "Annex"), "id": "2"})) == "not_member"


@pytest.mark.parametrize(
    "request_",
    [
        {"type": "history", "uid": "9", "id": "1"},
        {"type": "typing", "uid": "9", "id": "1"},
        {"type": "read", "uid": "9", "seq": 0, "id": "1"},
    ],
)
def test_who_only_looks_begins_no_talk(adas, bens, request_):
    assert only(adas(request_))["type"] == "ack"
    assert only(bens(LOGIN))["peers"] == []


def test_typing_is_seen_by_the_others(adas, bens):
    bens.got.clear()
    assert adas({"type": "typing", "gid": "lobby"}) == []
    assert only(bens.got) == {"type": "typing", "gid": "lobby", "uid": "7", "name": "ada"}


def test_reading_is_seen_by_the_other_one_of_a_talk(adas, bens):
    adas({"type": "pm", "uid": "9", "content": "psst"})
    adas.got.clear()
    assert only(bens({"type": "read", "uid": "7", "seq": 1, "id": "1"}))["type"] == "ack"
    assert only(adas.got) == {"type": "read", "uid": "9", "to": "7", "name": "ben", "seq": 1}


# -- rooms ---------------------------------------------------------------------------------------------------


def opened(person, name: str, **fields) -> str:
    """The key of a room that somebody opens."""
    return person({"type": "create", "name": name, "id": "open", **fields})[-1]["room"]["gid"]


def test_ada_opens_a_room_and_ben_joins_it(adas, bens):
    joined, ack = adas({"type": "create", "name": "Annex", "id": "c1"})
    annex = ack["room"]["gid"]
    assert re.fullmatch("[0-9a-f]{12}", annex)
    assert joined == {"type": "join", "gid": annex, "uid": "7", "name": "ada", "room": "Annex"}
    assert ack["room"] == {
        "gid": annex, "name": "Annex", "seq": 0, "read": 0, "unread": 0, "private": False, "ts": 0, "invite": True,
    }  # fmt: skip
    adas.got.clear()
    ack = bens({"type": "join", "gid": annex, "id": "j1"})[-1]
    assert (ack["type"], ack["room"]["gid"]) == ("ack", annex)
    assert only(adas.got) == {"type": "join", "gid": annex, "uid": "9", "name": "ben", "room": "Annex"}
    assert bens({"type": "group", "gid": annex, "content": "hi"})[0]["type"] == "groupPm"


def test_ben_leaves_and_hears_no_more(adas, bens):
    adas.got.clear()
    assert bens({"type": "leave", "gid": "lobby", "id": "l1"})[-1] == {"type": "ack", "id": "l1", "ok": True}
    assert only(adas.got) == {"type": "leave", "gid": "lobby", "uid": "9", "name": "ben"}
    bens.got.clear()
    adas({"type": "group", "gid": "lobby", "content": "now that he is gone"})
    assert bens.got == []
    assert code(bens({"type": "group", "gid": "lobby", "content": "hi", "id": "1"})) == "not_member"


def test_ada_invites_ben_into_a_private_room(adas, bens):
    board = opened(adas, "Board", private=True)
    bens.got.clear()
    assert adas({"type": "invite", "gid": board, "uid": 9, "id": "i1"})[-1]["ok"] is True
    assert only(bens.got)["room"] == "Board"
    assert bens({"type": "group", "gid": board, "content": "hi"})[0]["type"] == "groupPm"


def test_the_entry_of_a_room_tells_whether_to_offer_invitations(adas, bens, parts):
    """The lobby is the site's: nobody is invited there, unless the site has a rule for it."""
    refused = only(adas({"type": "invite", "gid": "lobby", "uid": "6", "id": "i1"}))
    assert (refused["code"], only(bens(LOGIN))["groups"][0]["invite"]) == ("forbidden", False)
    parts.rules = Rules(Hooks(can_invite=[lambda member, room, uid: uid == "6"]))
    assert only(bens(LOGIN))["groups"][0]["invite"] is True
    assert adas({"type": "invite", "gid": "lobby", "uid": "6", "id": "i2"})[-1]["ok"] is True
    assert only(adas({"type": "invite", "gid": "lobby", "uid": "5", "id": "i3"}))["code"] == "forbidden"


def test_members_are_listed_with_who_is_here(adas, bens, world):
    world.pages.remove(bens)
    assert only(adas({"type": "members", "gid": "lobby", "id": "m1"}))["members"] == [
        {"uid": "7", "name": "ada", "online": True},
        {"uid": "9", "name": "ben", "online": False},
    ]


@pytest.mark.parametrize(
    ("row", "how"),
    [
        (Row("9", "another worker", True, True, 5), {"online": True, "away": True}),
        (Row("9", NOBODY, False, False, 5), {"online": False, "seen": 5}),
    ],
)
def test_members_and_partners_are_shown_away_or_when_they_were_last_here(adas, bens, world, parts, row, how):
    bens({"type": "pm", "uid": "7", "content": "psst"})
    world.pages.remove(bens)
    parts.database.run(lambda c: presence.renew(c, "another worker", parts.clock(), parts.clock() + 1000))
    parts.database.run(lambda c: presence.put(c, [row]))
    ben = {"uid": "9", "name": "ben", **how}
    assert ben in only(adas({"type": "members", "gid": "lobby", "id": "m1"}))["members"]
    assert adas(LOGIN)[0]["peers"][0].items() >= ben.items()


def test_a_page_says_that_it_is_hidden(adas):
    assert only(adas({"type": "away", "away": True, "id": "a1"})) == {"type": "ack", "id": "a1", "ok": True}
    assert adas.session.away
    assert adas({"type": "away", "away": False}) == []
    assert not adas.session.away
    assert only(adas({"type": "away"}))["code"] == "bad_frame"


def test_rooms_lists_the_public_ones(adas, bens):
    bens({"type": "create", "name": "Board", "private": True})
    annex = opened(bens, "Annex")
    assert only(adas({"type": "rooms", "id": "r1"}))["rooms"] == [
        {"gid": annex, "name": "Annex", "members": 1, "joined": False},
        {"gid": "lobby", "name": "Lobby", "members": 2, "joined": True},
    ]


def test_a_room_made_by_the_command_line_is_there_for_its_member_at_once(adas, world):
    world.requests.rooms._parts.database.run(_make_board)
    adas.rooms.clear()
    told, ack = adas({"type": "group", "gid": "board", "content": "hi", "id": "1"})
    assert (told["type"], ack["seq"]) == ("groupPm", 1)


def _make_board(connection):
    rooms.add_member(connection, rooms.create_room(connection, "board", "Board", True).id, "7")


# -- what the site says of people, and its rules -------------------------------------------------------------


def test_a_login_tells_ones_own_picture_and_roles_and_the_others_pictures(world):
    ada = world.page(Member("7", "ada", "a browser", "/ada.png", ("staff",)))
    ben = world.page(Member("9", "ben", "a browser", "/ben.png"))
    assert ben(LOGIN)[0]["avatar"] == "/ben.png"
    ben({"type": "pm", "uid": "7", "content": "hi"})
    login = ada(LOGIN)[0]
    assert (login["avatar"], login["roles"]) == ("/ada.png", ["staff"])
    assert [peer["avatar"] for peer in login["peers"]] == ["/ben.png"]
    assert "roles" not in ben(LOGIN)[0]


def test_an_ack_tells_the_words_that_were_stored_where_they_are_others(adas, parts):
    parts.rules = Rules(Hooks(before_message=[lambda message: message.content.replace("damn", "d***")]))
    assert "content" not in only(adas({"type": "pm", "uid": "9", "content": "hi", "id": "1"}))
    assert only(adas({"type": "pm", "uid": "9", "content": "damn", "id": "2"}))["content"] == "d***"
    assert only(adas({"type": "pm", "uid": "9", "content": "other words", "id": "2"}))["content"] == "d***"


def test_a_refused_first_word_begins_no_talk(adas, bens, parts):
    parts.rules = Rules(
        Hooks(can_message=[lambda member, uid: uid != "9"], before_message=[lambda m: "!" not in m.content])
    )
    for uid, content in (("9", "hi"), ("6", "hi!")):
        assert only(adas({"type": "pm", "uid": uid, "content": content, "id": uid}))["code"] == "forbidden"
    assert adas(LOGIN)[0]["peers"] == bens(LOGIN)[0]["peers"] == []


def test_a_rule_is_asked_after_it_is_known_that_one_belongs(adas, parts):
    Rooms(parts).create("board", "Board", private=True)
    parts.rules = Rules(Hooks(can_post=[lambda member, room: pytest.fail("asked")]))
    answer = only(adas({"type": "group", "gid": "board", "content": "hi", "id": "1"}))
    assert answer["code"] == "unknown_room"
