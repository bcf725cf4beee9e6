import json

import pytest

from legacy_chat.actions import polling as module
from legacy_chat.actions.everybody import Everybody
from legacy_chat.actions.poll_client import Over, PollClient
from legacy_chat.actions.polling import Polling
from legacy_chat.actions.presence import Presence
from legacy_chat.actions.requests import Requests
from legacy_chat.actions.rooms import Rooms
from legacy_chat.backplane.contract import Disconnect
from legacy_chat.core import poll
from legacy_chat.core.model import Member
from legacy_chat.errors import BadToken, RateLimited
from legacy_chat.storage import messages, notices, rooms

LOGIN = {"type": "login", "content": "login"}


class Site:
    """A process that answers polls; several of them over one store are workers of one site."""

    def __init__(self, parts):
        Rooms(parts).ensure_defaults()
        self.parts = parts
        presence, everybody = Presence(parts), Everybody(parts)
        self.polling = Polling(parts, Requests(parts, everybody, self._verify, presence), presence, everybody)

    def _verify(self, token):
        raise BadToken("no")

    def poll(self, place, member, *said, wait=0.0):
        """(frames, the place in the answer)."""
        before = self.parts.read(notices.newest)
        client = PollClient(self.parts, place and poll.unpack(poll.pack(place)), member, before)
        self.polling.carry_out(client, [json.dumps(frame).encode() for frame in said])
        self.polling.touch(client, wait)
        found, self.more = self.polling.collect(client)
        return [json.loads(poll._encode(frame)) for frame in found], client.place


class Person:
    """Somebody whose every poll goes to another process."""

    def __init__(self, sites, member):
        self._sites, self.member = sites, member
        self.place = None
        self.first = self(LOGIN)

    def __call__(self, *said, repeat=False):
        site = self._sites.pop(0)
        self._sites.append(site)
        found, place = site.poll(self.place, self.member if self.place is None else None, *said)
        if not repeat:
            self.place = place
        return found


@pytest.fixture
def sites(make_parts):
    return [Site(make_parts()), Site(make_parts())]


@pytest.fixture
def adas(sites, ada):
    return Person(sites, ada)


@pytest.fixture
def bens(sites, ben, adas):
    person = Person(sites, ben)
    adas()
    return person


def types(found):
    return [frame["type"] for frame in found]


def test_the_first_poll_is_a_handshake_and_a_login(adas):
    assert types(adas.first)[:2] == ["hello", "login"]
    assert adas.first[0]["client_id"] == adas.first[1]["client_id"] == adas.place.client_id
    assert adas.first[1]["online"] == {"users": 1, "connections": 1}
    assert adas() == []


def test_a_word_to_the_room_comes_to_everybody_and_the_ack_behind_it(adas, bens):
    got = adas({"type": "group", "gid": "lobby", "content": "hi", "id": "m1"})
    assert types(got) == ["groupPm", "ack"]
    assert (got[0]["seq"], got[1]["seq"], got[0]["id"]) == (1, 1, "m1")
    assert bens() == got[:1]
    assert bens() == adas() == []


def test_the_ack_of_a_private_word_stands_in_its_place(adas, bens):
    bens({"type": "pm", "uid": 7, "content": "first", "id": "b1"})
    got = adas({"type": "pm", "uid": 9, "content": "second", "id": "a1"})
    assert [(frame["type"], frame["seq"]) for frame in got] == [("pm", 1), ("ack", 2)]
    assert [frame["content"] for frame in bens()] == ["second"]
    assert adas() == []


def test_a_private_word_without_an_id_is_not_echoed_either(adas, bens):
    assert adas({"type": "pm", "uid": 9, "content": "psst"}) == []
    assert types(bens()) == ["pm"]


def test_another_page_of_the_same_person_gets_the_private_word(sites, adas, bens, ada):
    other = Person(sites, ada)
    adas({"type": "pm", "uid": 9, "content": "psst", "id": "a1"})
    assert [frame["content"] for frame in other() if frame["type"] == "pm"] == ["psst"]


def test_an_answer_that_got_lost_comes_again_word_for_word(adas, bens, clock):
    said = [
        {"type": "pm", "uid": 9, "content": "x", "id": "a1"},
        {"type": "group", "gid": "lobby", "content": "y", "id": "a2"},
    ]
    lost = adas(*said, repeat=True)
    clock.now += 1
    heard = bens({"type": "group", "gid": "lobby", "content": "meanwhile", "id": "b1"})
    again = adas(*said)
    assert again[: len(lost)] == lost
    assert [frame["content"] for frame in again[len(lost) :]] == ["meanwhile"]
    assert [frame["content"] for frame in heard if frame["type"] == "groupPm"] == ["y", "meanwhile"]
    assert bens() == []


def test_a_repeat_whose_message_was_seen_long_ago_is_acked_all_the_same(adas, bens):
    first = adas({"type": "group", "gid": "lobby", "content": "x", "id": "a1"})
    assert adas({"type": "group", "gid": "lobby", "content": "x", "id": "a1"}) == first[1:]


def test_whoever_missed_much_gets_it_in_portions_without_a_hole(sites, adas, bens):
    lobby = sites[0].parts.read(lambda c: rooms.find_room(c, "lobby"))
    drafts = [module_draft(lobby.id, number) for number in range(1, 351)]
    sites[0].parts.database.run(lambda c: messages.append(c, drafts))
    seqs = []
    for _ in range(10):
        seqs += [frame["seq"] for frame in adas() if frame["type"] == "groupPm"]
    assert seqs == list(range(1, 351))


def module_draft(where, number):
    from legacy_chat.core.model import Draft

    return Draft(where, "9", "ben", str(number), number)


def test_a_page_that_did_not_look_hears_all_since_the_join_though_another_page_has_read_it(sites, adas, bens, ada):
    shop = opened(bens, "Shop")
    other = Person(sites, ada)
    bens({"type": "invite", "gid": shop, "uid": "7"})
    for word in ("one", "two"):
        bens({"type": "group", "gid": shop, "content": word})
    other({"type": "read", "gid": shop, "seq": 2})
    bens({"type": "group", "gid": shop, "content": "three"})
    assert [frame["content"] for frame in adas() if frame["type"] == "groupPm"] == ["one", "two", "three"]


def test_a_private_word_that_is_refused_begins_no_talk(sites, adas, bens, ada):
    (error,) = adas({"type": "pm", "uid": "stranger", "content": " ", "id": "a"})
    assert error["code"] == "empty"
    assert Person(sites, ada).first[1]["peers"] == []


def test_nobody_sees_a_stranger_type(sites, adas, bens):
    adas({"type": "typing", "uid": "9"})
    assert types(bens()) == []
    adas({"type": "pm", "uid": 9, "content": "hi"})
    adas({"type": "typing", "uid": "9"})
    assert types(bens()) == ["pm", "typing"]


def test_a_private_word_behind_a_long_backlog_loses_none_of_it(sites, adas, bens):
    bens({"type": "pm", "uid": 7, "content": "0", "id": "b0"})
    talk = sites[0].parts.read(lambda c: rooms.find_private(c, "7", "9"))
    sites[0].parts.database.run(lambda c: messages.append(c, [module_draft(talk, number) for number in range(2, 251)]))
    got = adas({"type": "pm", "uid": 9, "content": "mine", "id": "a1"})
    assert [(frame["type"], frame["seq"]) for frame in got[-2:]] == [("pm", 250), ("ack", 251)]
    assert [frame["seq"] for frame in got] == list(range(1, 252))


def opened(person, name: str) -> str:
    """The key of a room that somebody opens."""
    (ack,) = (frame for frame in person({"type": "create", "name": name, "id": "open"}) if frame["type"] == "ack")
    return ack["room"]["gid"]


def test_typing_presence_and_membership_come_too_but_not_to_whom_they_come_from(sites, adas, bens):
    assert adas({"type": "typing", "gid": "lobby"}) == []
    assert types(bens()) == ["typing"]
    shop = opened(bens, "Shop")
    bens({"type": "invite", "gid": shop, "uid": "7"})
    assert [(frame["type"], frame["uid"]) for frame in adas()] == [("join", "7")]
    bens({"type": "group", "gid": shop, "content": "welcome"})
    assert [frame["content"] for frame in adas()] == ["welcome"]
    bens({"type": "leave", "gid": shop})
    assert [(frame["type"], frame["uid"]) for frame in adas()] == [("leave", "9")]


def test_ada_hears_once_that_ben_came_though_they_share_two_rooms(sites, adas, ben):
    adas({"type": "invite", "gid": opened(adas, "Shop"), "uid": "9"})
    Person(sites, ben)
    came = [frame for frame in adas() if frame["type"] == "presence"]
    assert [(frame["uid"], frame["online"]) for frame in came] == [("9", True)]


def test_after_leaving_nothing_comes_and_nothing_can_be_said(adas, bens):
    assert [(f["type"], f.get("uid")) for f in adas({"type": "leave", "gid": "lobby", "id": "l"})] == [
        ("ack", None),
        ("leave", "7"),
    ]
    bens({"type": "group", "gid": "lobby", "content": "she is gone"})
    assert adas() == []
    (error,) = adas({"type": "group", "gid": "lobby", "content": "am I?", "id": "m"})
    assert (error["type"], error["code"]) == ("error", "not_member")


def test_the_end_of_a_session_ends_its_polls(sites, adas, bens):
    sites[0].parts.backplane.publish(Disconnect("7", 4440, "logged out"))
    with pytest.raises(Over) as over:
        adas()
    assert over.value.code == 4440
    assert bens() == []


def test_whose_session_has_ended_says_nothing_more(sites, adas, bens):
    """The cursor alone proves nothing any more, even where it was stolen."""
    sites[0].parts.backplane.publish(Disconnect("7", 4440, "logged out"))
    for where in ({"type": "group", "gid": "lobby"}, {"type": "pm", "uid": "9"}):
        with pytest.raises(Over) as over:
            adas({**where, "content": "boo"})
        assert over.value.code == 4440
    assert bens() == []


def test_a_logout_of_another_browser_and_one_before_the_login_end_nothing(sites, adas):
    sites[0].parts.backplane.publish(Disconnect("7", 4440, "logged out", "another"))
    assert adas() == []
    sites[0].parts.backplane.publish(Disconnect("7", 4440, "logged out"))
    adas.place = None
    assert types(adas(LOGIN))[:2] == ["hello", "login"]
    assert adas() == []


def test_without_a_login_there_is_nothing(sites, ada):
    with pytest.raises(Over) as over:
        sites[0].poll(None, ada, {"type": "ping"})
    assert over.value.code == 4401
    with pytest.raises(Over) as over:
        sites[0].poll(None, None, LOGIN)
    assert over.value.code == 4401
    with pytest.raises(Over) as over:
        sites[0].poll(None, None, {**LOGIN, "token": "x"})
    assert over.value.code == 4401


def test_a_login_brings_what_was_missed(sites, adas, bens, ada):
    epoch = adas.first[1]["epoch"]
    for number in range(3):
        bens({"type": "group", "gid": "lobby", "content": str(number)})
    adas.place = None
    found = adas({**LOGIN, "resume": {"epoch": epoch, "seqs": {"g:lobby": 1}}})
    assert [frame["seq"] for frame in found if frame["type"] == "groupPm"] == [2, 3]
    assert adas() == []


def test_frames_over_the_rate_are_refused_and_a_flood_ends_it(make_parts, ada):
    site = Site(make_parts(CHAT_RATE="1/5"))
    _, place = site.poll(None, ada, LOGIN)
    ping = {"type": "ping"}
    found, place = site.poll(place, None, *[ping] * 6)
    assert types(found).count("pong") == 2  # two went for the login, one for this poll
    assert {frame["code"] for frame in found if frame["type"] == "error"} == {"rate_limited"}
    with pytest.raises(RateLimited) as refused:
        site.poll(place, None)
    assert refused.value.retry_after
    with pytest.raises(RateLimited):  # as somebody else's client she is no stranger
        site.poll(None, ada, LOGIN)
    another = Site(make_parts(CHAT_RATE="1/5"))
    with pytest.raises(Over) as over:
        another.poll(place, None, *[ping] * 20)
    assert over.value.code == 4429


def test_the_rates_of_strangers_are_not_remembered_for_ever(sites, adas, ada, monkeypatch):
    monkeypatch.setattr(module, "_REMEMBERED", 3)
    for number in range(10):
        sites[0].poll(None, Member(str(number), "somebody"), LOGIN)
    assert list(sites[0].polling._buckets) == ["u:7", "u:8", "u:9"]


def test_an_answer_has_a_size_and_what_would_be_more_is_to_be_asked_again(sites, adas, bens):
    for number in range(40):
        bens({"type": "group", "gid": "lobby", "content": "😀" * 4000, "id": f"b{number}"})
        adas()
    found = adas(*[{"type": "history", "gid": "lobby", "limit": 100, "id": f"h{number}"} for number in range(20)])
    assert [frame["type"] for frame in found].count("ack") == 2
    assert {frame["code"] for frame in found if frame["type"] == "error"} == {"rate_limited"}
    assert adas({"type": "history", "gid": "lobby", "limit": 1, "id": "again"})[0]["type"] == "ack"


def test_what_one_says_after_a_long_silence_brings_no_more_than_a_portion(sites, adas, bens):
    lobby = sites[0].parts.read(lambda c: rooms.find_room(c, "lobby"))
    drafts = [module_draft(lobby.id, number) for number in range(1, 1001)]
    sites[0].parts.database.run(lambda c: messages.append(c, drafts))
    got = adas({"type": "group", "gid": "lobby", "content": "I am back", "id": "a1"})
    assert (got[0]["type"], got[0]["seq"], len(got)) == ("ack", 1001, 501)
    while len(got) < 1002:
        got += adas()
    assert [frame["seq"] for frame in got[1:]] == list(range(1, 1002))
    assert adas() == []


def test_somebody_who_does_not_poll_any_more_is_gone_after_a_while(sites, adas, bens, clock):
    assert types(adas({"type": "members", "gid": "lobby", "id": "m"})) == ["ack"]
    clock.now += 20_000 + 9_000
    members = adas({"type": "members", "gid": "lobby", "id": "m"})[-1]["members"]
    assert {member["uid"]: member["online"] for member in members} == {"7": True, "9": True}
    clock.now += 6_000
    for site in sites:
        site.parts.mailbox.look()
    found = adas({"type": "members", "gid": "lobby", "id": "m"})
    assert {m["uid"]: m["online"] for f in found if f["type"] == "ack" for m in f["members"]} == {"7": True, "9": False}
    assert [(frame["uid"], frame["online"]) for frame in [*found, *adas()] if frame["type"] == "presence"] == [
        ("9", False)
    ]


def test_how_many_are_online_is_told_when_it_changes(sites, adas, ben):
    client = PollClient(sites[0].parts, adas.place, None)
    assert [(f.users, f.connections) for f in sites[0].polling.count(client)] == [(1, 1)]
    assert sites[0].polling.count(client) == []
    Person(sites, ben)
    assert [(f.users, f.connections) for f in sites[0].polling.count(client)] == [(2, 2)]


def test_ada_turns_away_and_comes_back(adas, bens):
    adas({"type": "away", "away": True})
    assert [(f["uid"], f["away"]) for f in bens() if f["type"] == "presence"] == [("7", True)]
    adas()
    assert bens() == []
    adas({"type": "away", "away": False})
    assert [(f["uid"], f["online"], f.get("away")) for f in bens() if f["type"] == "presence"] == [("7", True, None)]


def test_the_room_that_a_newcomer_is_brought_into_hears_that_they_are_here(adas, sites, ben):
    Person(sites, ben)
    told = {(frame["type"], frame["uid"], frame.get("online")) for frame in adas() if "uid" in frame}
    assert told == {("join", "9", None), ("presence", "9", True)}


def test_a_hidden_page_may_take_longer_for_its_next_poll(sites, adas, bens, clock):
    bens({"type": "away", "away": True})
    clock.now += 60_000
    for site in sites:
        site.parts.mailbox.look()
    (ack,) = [f for f in adas({"type": "members", "gid": "lobby", "id": "m"}) if f["type"] == "ack"]
    assert [member["online"] for member in ack["members"] if member["uid"] == "9"] == [True]


def test_the_end_of_a_session_is_announced_to_a_poll_that_waits(sites, adas):
    from legacy_chat.backplane.contract import Posted

    heard = []
    sites[0].parts.backplane.subscribe(heard.append)
    keys = PollClient(sites[0].parts, adas.place, None).keys
    sites[0].parts.backplane.publish(Disconnect("7", 4440, "logged out"))
    (posted,) = [notice for notice in heard if isinstance(notice, Posted)]
    assert set(posted.keys) & set(keys)
