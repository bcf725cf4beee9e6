"""Two people of one process talk, and each sees what a page would."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from legacy_chat.actions.push import Pushes, make_push
from legacy_chat.backplane.contract import Disconnect, ToAudience
from legacy_chat.core.model import room_key
from legacy_chat.core.push import Pushed
from legacy_chat.errors import BadToken, ChatError, Empty, NotLoggedIn, TooLong, Unavailable, UnknownRoom


@pytest.fixture
def ben_here(site, ben):
    return site.come(ben)


@pytest.fixture
def ada_here(site, ada):
    return site.come(ada)


def test_a_login_answers_as_it_does_over_a_socket(site, ada):
    page = site.page(ada)
    login = page.connect()
    assert (login["uid"], [group["gid"] for group in login["groups"]]) == ("7", ["lobby"])
    assert login["online"] == {"users": 1, "connections": 1}
    assert page.closed is None


def test_a_token_says_who_it_is(site):
    page = site.page(None)
    assert page.connect(token="token of ada")["name"] == "ada"
    assert page.uid == "7"


def test_nobody_is_turned_away_and_the_reason_is_raised(site):
    page = site.page(None)
    with pytest.raises(BadToken):
        page.connect(token="forged")
    assert page.closed == 4401
    with pytest.raises(NotLoggedIn):
        page.request("ping")
    with pytest.raises(NotLoggedIn):
        page.uid  # noqa: B018


def test_what_ada_says_in_a_room_comes_to_both(ada_here, ben_here):
    ack = ada_here.request("group", gid="lobby", content="hello")
    assert ack["seq"] == 1
    for page in (ada_here, ben_here):
        (heard,) = page.take("groupPm")
        assert (heard["name"], heard["content"]) == ("ada", "hello")
    assert ben_here.take("groupPm") == []


def test_a_private_word_comes_to_the_other_alone(site, ada_here, ben_here):
    cleo = site.page(type(ben_here.session.member)("5", "cleo"))
    cleo.connect()
    ada_here.request("pm", uid="9", content="psst")
    assert [frame["content"] for frame in ben_here.take("pm")] == ["psst"]
    assert ada_here.take("pm") == cleo.take("pm") == []


def test_who_joins_hears_the_room_and_who_leaves_does_not(site, ada_here, ben_here):
    tea = ada_here.request("create", name="Tea")["room"]["gid"]
    ada_here.request("group", gid=tea, content="one")
    ben_here.request("join", gid=tea)
    ada_here.request("group", gid=tea, content="two")
    ben_here.request("leave", gid=tea)
    ada_here.request("group", gid=tea, content="three")
    assert [frame["content"] for frame in ben_here.take("groupPm")] == ["two"]


def test_an_error_is_raised_with_its_code(ada_here):
    with pytest.raises(UnknownRoom) as refused:
        ada_here.request("group", gid="attic", content="hello")
    assert refused.value.code == "unknown_room"
    with pytest.raises(Empty):
        ada_here.request("group", gid="lobby", content=" ")


def test_a_raw_frame_is_answered_in_the_frames(ada_here):
    ada_here.say(type="nonsense", id="5")
    ada_here.say(type="ping", id="6")
    answers = [frame for frame in ada_here.take() if frame.get("id")]
    assert [(f["type"], f.get("code"), f["id"]) for f in answers] == [
        ("error", "unknown_type", "5"),
        ("pong", None, "6"),
    ]


def test_a_frame_that_is_too_large_is_refused_as_a_socket_would(ada_here):
    with pytest.raises(TooLong):
        ada_here.say(type="group", gid="lobby", content="x" * 70_000)


def test_pushes_reach_people_without_sockets_and_count_them(parts, ada_here, ben_here):
    pushes = Pushes(parts)
    assert pushes.push(make_push("9", name="price", data=1)) == Pushed(1, 1, 0)
    assert ben_here.get_received() == [{"name": "price", "data": 1}]
    assert ada_here.get_received() == []


def test_events_are_taken_by_name_and_forgotten(parts, ben_here):
    pushes = Pushes(parts)
    for name in ("price", "news", "price"):
        pushes.push(make_push(all=True, name=name))
    assert ben_here.get_received("price") == [{"name": "price", "data": None}] * 2
    assert ben_here.get_received() == [{"name": "news", "data": None}]
    assert ben_here.get_received() == []


def test_news_of_somebody_comes_to_those_it_concerns_but_not_to_them(parts, ada_here, ben_here):
    parts.backplane.publish(ToAudience((room_key("lobby"),), (), b'{"type":"presence","uid":"7","online":true}', "7"))
    parts.backplane.publish(ToAudience((), ("9",), b'{"type":"presence","uid":"7","online":false}', "7"))
    assert [frame["online"] for frame in ben_here.take("presence")] == [True, False]
    assert ada_here.take("presence") == []


def test_a_logout_ends_the_page(site, parts, ada_here, ben_here):
    parts.backplane.publish(Disconnect("7", 4440, "logged out"))
    assert (ada_here.closed, ben_here.closed) == (4440, None)
    with pytest.raises(NotLoggedIn):
        ada_here.request("ping")
    assert site.local.count() == (1, 1)


def test_a_page_that_is_closed_is_gone_and_hears_nothing(site, ada_here, ben_here):
    ben_here.disconnect()
    ben_here.disconnect()
    ada_here.request("group", gid="lobby", content="anybody?")
    assert ben_here.take("groupPm") == []
    assert not site.local.is_online("9")


def test_two_tabs_are_one_person(site, ada):
    site.come(ada), site.come(ada)
    assert site.local.count() == (1, 2)


def test_an_answer_from_another_thread_is_waited_for(site, ada_here, monkeypatch):
    """As in a chat worker, where acks follow their commit."""
    handle = site.local.requests.handle
    threads = []

    def later(*arguments):
        threads.append(threading.Thread(target=handle, args=arguments))
        threads[-1].start()

    monkeypatch.setattr(site.local.requests, "handle", later)
    assert ada_here.request("ping")["type"] == "pong"
    threads[0].join()


def test_where_no_answer_comes_it_says_so(site, ada_here, monkeypatch):
    monkeypatch.setattr(site.local.requests, "handle", lambda *_: None)
    with pytest.raises(Unavailable, match="No answer"):
        ada_here.request("ping", timeout=0.01)


def test_a_code_of_the_sites_own_is_kept(site, ada_here):
    class NotYourTurn(ChatError):
        code = "not_your_turn"

    @site.on("move")
    def move(data):
        raise NotYourTurn("Wait.")

    with pytest.raises(ChatError, match=r"Wait\.") as refused:
        ada_here.emit("move")
    assert refused.value.code == "not_your_turn"


def test_no_id_comes_again_in_another_process(parts, ada):
    """What was stored under a request's id is answered again, for good."""
    program = (
        "from legacy_chat.actions.local import LocalClient as L; c = L(None, None); print(c.client_id, next(c._ids))"
    )
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True) for _ in range(2)]
    first, second = [run.stdout.split() for run in runs]
    assert len({*first, *second}) == 4


def test_ids_are_apart_from_those_of_sockets_and_of_polls(site, ada):
    ids = {site.page(ada).client_id for _ in range(100)}
    assert len(ids) == 100
    assert min(ids) >= 1 << 39
    assert max(ids) < 1 << 40


def test_an_id_that_is_given_is_kept(ada_here):
    assert ada_here.request("ping", id="mine")["id"] == "mine"
    assert ada_here.request("ping", id=5)["id"] == "5"
