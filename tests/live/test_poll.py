"""Chat over single requests, by hand: what a poll brings, when a held one is answered, what is no poll."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import time
from contextlib import contextmanager

import pytest
from itsdangerous import TimestampSigner

from .fixtures import serving
from .polls import Held, Page, held
from .raw import eventually
from .server import Server

OPEN = {"max_per_user": "0", "max_per_address": "0", "rate": "0"}
QUIET = {**OPEN, "default_rooms": ""}
LOGIN = {"type": "login"}
PASSWORD = "correct-horse"
KINDS = {
    "geventwebsocket": (),
    "sync": ("-k", "sync", "-w", "4"),
    "gthread": ("-k", "gthread", "--threads", "4", "-w", "2"),
}


class WatchedServer(Server):
    app = "tests.faults.watched:app"  # with a page that ends somebody's sessions


@pytest.fixture(scope="module", params=KINDS)
def any_house(request, tmp_path_factory):
    """The same site under each kind of worker; those that are not gevent's in processes that it did not patch."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "plain.py").write_text("import os\nbind = '127.0.0.1:' + os.environ['PORT']")
    plain = ("-c", f"{folder}/plain.py") if KINDS[request.param] else ()
    with serving(folder, *plain, *KINDS[request.param], **OPEN) as server:
        server.holds = request.param == "geventwebsocket"
        yield server


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The stock worker, which holds polls."""
    with serving(tmp_path_factory.mktemp("house"), **OPEN) as server:
        yield server


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """Nobody shares a room with anybody by being there: who is not spoken to hears nothing."""
    with serving(tmp_path_factory.mktemp("quiet"), **QUIET) as server:
        yield server


@pytest.fixture
def page():
    """`page(server, "1", "ada")` is logged in and gone after the test."""
    pages: list[Page] = []

    def come(server, *who, login: dict | None = None, **how) -> Page:
        pages.append(Page(server, *who, **how))
        pages[-1].welcome = pages[-1].login(**(login or {}))
        pages[-1].poll()
        pages[-1].waiting.clear()
        return pages[-1]

    yield come
    for each in pages:
        each.close()


@pytest.fixture
def names(request):
    """People of this test alone: `names("ada", "ben")`."""
    return lambda *names: [f"{name} {abs(hash(request.node.name)) % 10**8}" for name in names]


def holding(page: Page) -> Held:
    """A poll that is being held, which what is going on in the house besides may have kept from it."""
    while True:
        hold = page.hold()
        eventually(lambda hold=hold: hold.over or held(page.server) >= 1, what="the poll being held")
        if not hold.over:
            return hold
        hold.frames()


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[math.ceil(len(seconds) * 0.99) - 1]


def messages(frames: list[dict]) -> list[tuple]:
    return [(frame["type"], frame["content"]) for frame in frames if frame["type"] in ("groupPm", "pm")]


# -- every kind of worker ------------------------------------------------------------------------------------------


def test_the_first_poll_logs_in_by_token(any_house, names):
    [ada] = names("ada")
    page = Page(any_house, ada, "Ada")
    answer = page.post({**LOGIN, "id": "in", **page._token})
    assert answer.status == 200
    assert answer.types[:2] == ["hello", "login"]
    hello, login = answer.frames[:2]
    assert (login["uid"], login["name"], login["client_id"]) == (ada, "Ada", hello["client_id"])
    assert [room["gid"] for room in login["groups"]] == ["lobby"]
    assert {frame["id"] for frame in answer.of("ack")} == {"in"}
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert len(answer.body["cursor"]) < 600
    assert answer.body["pause"] == (0 if any_house.holds else 1000)
    page.close()


def test_the_first_poll_logs_in_by_the_sites_cookie_and_the_cursor_needs_none(any_house, page):
    browser = any_house.browser()
    browser.submit("/register", username=f"ada{os.urandom(3).hex()}", password=PASSWORD)
    ada = page(any_house, cookie=browser.cookie)
    assert ada.welcome["name"].startswith("ada")
    ada._headers.clear()
    assert ada.say(type="group", gid="lobby", content="still me")["type"] == "ack"
    assert ada.expect("groupPm", content="still me")["uid"] == ada.welcome["uid"]


def test_a_room_is_told_of_a_message_the_speaker_too_and_a_private_one_goes_to_all_other_pages(any_house, page, names):
    ada_, ben_ = names("ada", "ben")
    ada, tablet, ben = page(any_house, ada_), page(any_house, ada_), page(any_house, ben_)
    said = ada.post(
        {"type": "group", "gid": "lobby", "content": "hi", "id": "1"},
        {"type": "pm", "uid": ben_, "content": "psst", "id": "2"},
    )
    ada.move(said)
    told = [(frame["type"], frame.get("content"), frame.get("id")) for frame in said.frames if "id" in frame]
    assert told == [("groupPm", "hi", "1"), ("ack", None, "1"), ("ack", None, "2")]
    assert ada.expect("groupPm")["seq"] == said.of("ack")[0]["seq"]
    for other in (tablet, ben):
        assert other.expect("groupPm", content="hi")["uid"] == ada_
        private = other.expect("pm", content="psst")
        assert [private[key] for key in ("uid", "to", "name", "seq", "id")] == [ada_, ben_, ada_, 1, "2"]
    ada.nothing("pm")


def test_polls_and_websockets_hear_each_other(house, page, come, names):
    ada_, ben_ = names("ada", "ben")
    ada, ben = page(house, ada_), come(house, ben_)
    ada.say(type="group", gid="lobby", content="from a poll")
    assert ben.expect("groupPm", content="from a poll")["uid"] == ada_
    ben.ask(type="pm", uid=ada_, content="from a socket")
    assert ada.expect("pm", content="from a socket")["uid"] == ben_
    ada.say(type="pm", uid=ben_, content="back")
    assert ben.expect("pm", content="back")["seq"] == 2


def test_the_same_cursor_brings_the_same_frames(any_house, page, names):
    ada_, ben_ = names("ada", "ben")
    ada, ben = page(any_house, ada_), page(any_house, ben_)
    for number in range(5):
        ada.say(type="group", gid="lobby", content=f"text {number}")
    ada.say(type="typing", gid="lobby")
    ada.say(type="pm", uid=ben_, content="psst")

    def what_came() -> list[dict]:
        return [frame for frame in ben.post().frames if frame["type"] != "online"]

    first = what_came()
    assert messages(first)[-1] == ("pm", "psst")
    assert "typing" in [frame["type"] for frame in first]
    assert what_came() == first
    ben.poll()
    assert messages(ben.poll().frames) == []


def test_a_request_whose_answer_was_lost_is_repeated_with_the_same_result(any_house, page, names):
    ada_, ben_ = names("ada", "ben")
    ada, ben = page(any_house, ada_), page(any_house, ben_)
    said = [
        {"type": "group", "gid": "lobby", "content": "once", "id": f"g {ada_}"},
        {"type": "pm", "uid": ben_, "content": "once", "id": f"p {ada_}"},
        {"type": "typing", "gid": "lobby", "id": f"t {ada_}"},
    ]
    first, second = (ada.post(*said) for _ in range(2))
    kinds = ("ack", "error", "groupPm", "pm")
    assert [f for f in first.frames if f["type"] in kinds] == [f for f in second.frames if f["type"] in kinds]
    assert len(first.of("ack")) == 3
    ada.move(second)
    assert messages(ben.poll().frames) == [("groupPm", "once"), ("pm", "once")]
    history = ben.say(type="history", uid=ada_)["messages"]
    assert [message["content"] for message in history] == ["once"]


def test_what_is_told_beside_messages_comes_too(any_house, page, names):
    ada_, ben_ = names("ada", "ben")
    ada = page(any_house, ada_)
    gid = ada.say(type="create", name="Tea")["room"]["gid"]
    ben = page(any_house, ben_)
    assert ada.expect("presence", uid=ben_)["online"] is True
    ben.say(type="join", gid=gid)
    ada.expect("join", gid=gid, uid=ben_)
    ben.say(type="typing", gid=gid)
    assert ada.expect("typing", gid=gid)["uid"] == ben_
    seq = ada.say(type="pm", uid=ben_, content="hi")["seq"]
    ben.say(type="read", uid=ada_, seq=seq)
    assert ada.expect("read", to=ada_, seq=seq)["uid"] == ben_
    ben.say(type="leave", gid=gid)
    assert ada.expect("leave", gid=gid)["uid"] == ben_
    members = {member["uid"]: member["online"] for member in ada.say(type="members", gid="lobby")["members"]}
    assert members[ada_]
    assert members[ben_]


def test_whoever_missed_hundreds_gets_them_page_by_page(any_house, page, names):
    ada_, ben_ = names("ada", "ben")
    ada, ben = page(any_house, ada_), page(any_house, ben_)
    gid = ada.say(type="create", name="Tea")["room"]["gid"]
    ada.say(type="invite", gid=gid, uid=ben_)
    ben.poll()
    many = [{"type": "group", "gid": gid, "content": str(number)} for number in range(700)]
    for start in range(0, 700, 100):
        ada.move(ada.post(*many[start : start + 100]))
    answers = [ben.poll()]
    while messages(answers[-1].frames):
        assert len(messages(answers[-1].frames)) <= 300
        answers.append(ben.poll())
    assert len(answers) > 2
    came = [frame for answer in answers for frame in answer.of("groupPm") if frame["gid"] == gid]
    assert [frame["seq"] for frame in came] == list(range(1, 701))
    assert [frame["content"] for frame in came] == [str(number) for number in range(700)]
    assert [answer.body["pause"] for answer in answers[:2]] == [0, 0]


def test_resume_brings_what_was_missed_while_there_was_no_cursor(any_house, page, names):
    ada_, ben_ = names("ada", "ben")
    ada, ben = page(any_house, ada_), page(any_house, ben_)
    seq = ada.say(type="group", gid="lobby", content="before")["seq"]
    ada.say(type="group", gid="lobby", content="one")
    ada.say(type="pm", uid=ben_, content="two")
    again = Page(any_house, ben_)
    again.login(resume={"epoch": ben.welcome["epoch"], "seqs": {"g:lobby": seq}})
    assert sorted(messages(again.waiting)) == [("groupPm", "one"), ("pm", "two")]
    assert messages(again.poll().frames) == []
    again.close()


def test_a_cursor_lives_ten_minutes(any_house, page, names):
    [ada_] = names("ada")
    ada = page(any_house, ada_)
    key = (any_house.folder / "secret_key").read_text()

    def aged(seconds: int) -> str:
        class Earlier(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(time.time()) - seconds

        signer = Earlier(key, salt="legacy_chat.cursor")
        return signer.sign(signer.unsign(ada.cursor)).decode()

    assert ada.post(cursor=aged(590)).status == 200
    assert ada.post(cursor=aged(620)).error == (400, "bad_cursor", 1012)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c[:-5] + ("A" if c[-5] != "A" else "B") + c[-4:],
        lambda c: "A" + c,
        lambda c: "x",
        lambda c: c.split(".")[0],
    ],
    ids=["another signature", "another place", "no cursor", "unsigned"],
)
def test_a_forged_cursor_is_refused_with_a_code(any_house, page, names, change):
    ada = page(any_house, *names("ada"))
    assert ada.post(cursor=change(ada.cursor)).error == (400, "bad_cursor", 1012)
    assert ada.poll().status == 200


def test_a_connect_token_is_no_cursor_and_a_cursor_no_token(any_house, page, names):
    [ada_] = names("ada")
    ada = page(any_house, ada_)
    assert ada.post(cursor=any_house.token(ada_)).error == (400, "bad_cursor", 1012)
    stranger = Page(any_house)
    status, code, _ = stranger.post({**LOGIN, "token": ada.cursor}).error
    assert (status, code) == (401, "bad_token")
    stranger.close()


def test_who_is_nobody_is_told_to_log_in(any_house):
    stranger = Page(any_house)
    assert stranger.post(LOGIN).error == (401, "not_logged_in", 4401)
    assert stranger.post({"type": "ping", "id": "1"}).status == 401
    stranger.close()


def test_bad_frames_get_a_coded_error_and_harm_no_others(any_house, page, names):
    ada = page(any_house, *names("ada"))
    answer = ada.post(
        {"type": "fly", "id": "1"},
        {"type": "group", "id": "2"},
        {"type": "group", "gid": "lobby", "content": "ok", "id": "3"},
    )
    codes = {frame.get("id"): frame["code"] for frame in answer.of("error")}
    assert codes == {"1": "unknown_type", "2": "bad_frame"}
    assert [frame["id"] for frame in answer.of("ack")] == ["3"]


# -- what is no poll -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b"\xff", 400, "bad_json"),
        (b"[]", 422, "bad_frame"),
        (b'{"cursor": 7}', 422, "bad_frame"),
        (b'{"wait": "long"}', 422, "bad_frame"),
        (b'{"wait": -1}', 422, "bad_frame"),
        (b'{"frames": {}}', 422, "bad_frame"),
        (json.dumps({"frames": [{"type": "ping"}] * 101}).encode(), 422, "bad_frame"),
        (b'{"frames": [' + b" " * (1 << 20) + b"]}", 413, "too_large"),
    ],
    ids=[
        "empty",
        "cut",
        "no utf-8",
        "a list",
        "a number",
        "a word",
        "before now",
        "no list",
        "101 frames",
        "a megabyte",
    ],
)
def test_what_is_no_poll_gets_a_code(house, body, status, code):
    stranger = Page(house)
    assert stranger.send(body).error == (status, code, None)
    stranger.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_only_a_post_is_a_poll(house, method):
    stranger = Page(house)
    answer = stranger.send(b"", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    stranger.close()


@pytest.mark.parametrize(
    "type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", None]
)
def test_what_a_foreign_form_can_send_is_refused(house, page, names, type):
    ada = page(house, *names("ada"))
    body = json.dumps({"cursor": ada.cursor, "frames": []}).encode()
    assert ada.send(body, type=type).status == 415


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_foreign_page_is_refused_whatever_it_brings(house, headers):
    browser = house.browser()
    browser.submit("/register", username=f"ada{os.urandom(3).hex()}", password=PASSWORD)
    page = Page(house, cookie=browser.cookie)
    answer = page.post(LOGIN, **headers)
    assert (answer.status, answer.body["close"]) == (403, 4403)
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert page.send(b"", method="OPTIONS", Access_Control_Request_Method="POST", **headers).status >= 400
    assert page.post(LOGIN, Origin=house.url, Sec_Fetch_Site="same-origin").status == 200
    page.close()


def test_a_page_of_an_allowed_origin_may_ask_and_read(serve):
    server = serve(allowed_origins="https://shop.example", **OPEN)
    page = Page(server, "1", "ada")
    asked = page.send(b"", method="OPTIONS", Origin="https://shop.example", Access_Control_Request_Method="POST")
    assert asked.status in (200, 204)
    assert asked.headers["access-control-allow-origin"] == "https://shop.example"
    assert "content-type" in asked.headers["access-control-allow-headers"].lower()
    assert "POST" in asked.headers["access-control-allow-methods"]
    answer = page.post({**LOGIN, **page._token}, Origin="https://shop.example")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "https://shop.example")
    assert "origin" in answer.headers["vary"].lower()
    refused = page.post({**LOGIN, **page._token}, Origin="https://evil.example")
    assert refused.status == 403
    assert "access-control-allow-origin" not in refused.headers
    page.close()


# -- held polls ----------------------------------------------------------------------------------------------------


def test_a_held_poll_is_answered_within_milliseconds_of_a_message(quiet, page, come, names):
    ada_, ben_ = names("ada", "ben")
    ada, ben = come(quiet, ada_), page(quiet, ben_)
    gid = ada.ask(type="create", name="Tea")["room"]["gid"]
    ben.say(type="join", gid=gid)
    eventually(lambda: ben.poll(wait=1.5).frames == [], what="silence")
    seconds = []
    for number in range(100):
        hold = ben.hold()
        eventually(lambda: held(quiet) == 1, what="the poll being held")
        began = time.monotonic()
        ada.send(type="group", gid=gid, content=str(number))
        frames = hold.frames()
        seconds.append(time.monotonic() - began)
        assert messages(frames) == [("groupPm", str(number))]
    print(f"a held poll was answered after p50 {sorted(seconds)[49] * 1000:.1f}, p99 {p99(seconds) * 1000:.1f} ms")
    assert p99(seconds) < 0.1


@pytest.mark.parametrize("what", ["pm", "typing", "read", "join", "leave", "invite", "presence", "push", "broadcast"])
def test_a_held_poll_is_answered_by_whatever_is_told(house, page, come, names, what):
    ada_, ben_, cy = names("ada", "ben", "cy")
    ada = come(house, ada_)
    gid = ada.ask(type="create", name="Tea")["room"]["gid"]
    other = come(house, cy)
    if what != "invite":
        ada.ask(type="invite", gid=gid, uid=ben_)
    if what == "leave":
        other.ask(type="join", gid=gid)
    ben = page(house, ben_)
    seq = ben.say(type="pm", uid=ada_, content="hi")["seq"] if what == "read" else 0
    hold = holding(ben)
    acts = {
        "pm": lambda: ada.ask(type="pm", uid=ben_, content="psst"),
        "typing": lambda: ada.ask(type="typing", gid=gid),
        "read": lambda: ada.ask(type="read", uid=ben_, seq=seq),
        "join": lambda: other.ask(type="join", gid=gid),
        "leave": lambda: other.ask(type="leave", gid=gid),
        "invite": lambda: ada.ask(type="invite", gid=gid, uid=ben_),
        "presence": lambda: come(house, f"new {cy}"),
        "push": lambda: house.flask("push", ben_, "parcel"),
        "broadcast": lambda: house.flask("push", "--all", "news"),
    }
    acts[what]()
    told = {"invite": "join", "push": "event", "broadcast": "event"}.get(what, what)
    frames = hold.frames()
    while not [frame for frame in frames if frame["type"] == told]:
        frames = ben.hold(5).frames()
        assert frames, f"no {told} came"


@pytest.mark.timed
def test_a_held_poll_ends_with_its_time_and_no_news(quiet, page, names):
    ada = page(quiet, *names("ada"))
    began = time.monotonic()
    answer = ada.poll(wait=1)
    assert 0.9 <= time.monotonic() - began < 3
    assert (answer.frames, answer.body["pause"]) == ([], 0)


@pytest.mark.timed
def test_the_next_post_of_a_page_sends_its_held_one_home_with_nothing(house, page, names):
    ada = page(house, *names("ada"))
    hold = holding(ada)
    began = time.monotonic()
    talk = ada.post({"type": "group", "gid": "lobby", "content": "hi", "id": os.urandom(4).hex()})
    home = hold.answer()
    assert time.monotonic() - began < 0.5
    assert (home.status, home.frames) == (200, [])
    # Whichever of the two the page goes on from, it has the message.
    assert messages(talk.frames) == [("groupPm", "hi")]
    assert messages(ada.post(cursor=home.body["cursor"]).frames) == [("groupPm", "hi")]
    assert messages(ada.post(cursor=talk.body["cursor"]).frames) == []


def test_pages_of_one_person_hold_a_poll_each(quiet, page, names):
    [ada_] = names("ada")
    pages = [page(quiet, ada_) for _ in range(5)]
    holds = [each.hold() for each in pages]
    eventually(lambda: held(quiet) == 5)
    pages[0].say(type="pm", uid="ben", content="to all of mine")
    assert holds[0].answer().frames == []
    for hold in holds[1:]:
        assert messages(hold.frames()) == [("pm", "to all of mine")]


@pytest.mark.timed
def test_a_page_that_vanishes_while_its_poll_is_held_costs_nothing_for_long(quiet, page):
    before = quiet.sockets()
    holds = [page(quiet, f"ghost{number}").hold(wait=2) for number in range(20)]
    eventually(lambda: held(quiet) == 20, what="the polls being held")
    for hold in holds:
        hold.connection.sock.shutdown(2)
    began = time.monotonic()
    eventually(lambda: held(quiet) == 0, what="the end of the ghosts")
    assert time.monotonic() - began < 4
    eventually(
        lambda: quiet.sockets() <= before + 20, what="the end of their sockets"
    )  # 20 are those they logged in on


def test_a_full_house_says_when_to_come_again_and_its_pages_stay_quick(serve, page):
    server = serve(max_polls="20", **QUIET)
    pages = [page(server, f"p{number}") for number in range(20)]
    late = page(server, "late")
    holds = [each.hold() for each in pages]
    eventually(lambda: held(server) == 20)
    refused = late.post(wait=25)
    assert refused.error == (503, "unavailable", None)
    assert int(refused.headers["retry-after"]) >= 1
    assert late.post().status == 200
    said = late.post({"type": "pm", "uid": "absent", "content": "once"}, wait=25)  # carried out, so this is no 503
    assert (said.status, said.frames, said.body["pause"]) == (200, [], 1000)
    seconds = []
    for _ in range(100):
        began = time.monotonic()
        assert server.browser().open("/login")[0] == 200
        seconds.append(time.monotonic() - began)
    print(f"the login page beside held polls: p50 {sorted(seconds)[49] * 1000:.1f}, p99 {p99(seconds) * 1000:.1f} ms")
    assert p99(seconds) < 0.25
    for number, hold in enumerate(holds):
        late.say(type="pm", uid=f"p{number}", content="news")
        assert messages(hold.answer().frames) == [("pm", "news")]


@pytest.mark.parametrize(("limit", "who"), [("max_per_user", "ada"), ("max_per_address", "")])
def test_nobody_holds_more_polls_than_they_may(serve, page, limit, who):
    server = serve(**{**QUIET, limit: "3"})
    pages = [page(server, who or f"p{number}") for number in range(4)]
    holds = [each.hold() for each in pages[:3]]
    eventually(lambda: held(server) == 3)
    refused = pages[3].post(wait=25)
    assert refused.error == (503, "unavailable", None)
    assert int(refused.headers["retry-after"]) >= 1
    pages[0].poll()
    holds[0].answer()
    hold = pages[3].hold(wait=1)
    assert hold.answer().status == 200


# -- the end of a session ------------------------------------------------------------------------------------------


@contextmanager
def chatter(come, server, uid: str):
    """Somebody speaks in the lobby all the time; the times of the acks."""
    import threading

    over, acked = threading.Event(), []
    speaker = come(server, uid)

    def speak() -> None:
        while not over.is_set():
            speaker.ask(type="group", gid="lobby", content=f"text {len(acked)}")
            acked.append(time.monotonic())
            over.wait(0.01)

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        yield acked
    finally:
        over.set()
        thread.join(10)


def heard_until_the_end(page: Page) -> tuple[float, tuple]:
    """Poll on until the server ends it: when the last message came, and the end."""
    newest = time.monotonic()
    while True:
        answer = page.post(wait=5)
        if answer.status != 200:
            return newest, answer.error
        if messages(answer.frames):
            newest = time.monotonic()
        page.move(answer)


@pytest.fixture
def watched(serve, monkeypatch):
    from . import fixtures

    monkeypatch.setattr(fixtures, "Server", WatchedServer)
    return serve(**OPEN)


def test_a_logout_ends_the_polls_of_that_person_within_a_second(watched, come, page):
    browser = watched.browser()
    browser.submit("/register", username="ben", password=PASSWORD)
    ben = page(watched, cookie=browser.cookie, User_Agent=browser.name)
    with chatter(come, watched, "ada") as said:
        eventually(lambda: messages(ben.poll(5).frames), what="the talk")
        token = re.search(r'"csrf": ?"([^"]+)"', browser.open("/chat/")[1])[1]
        assert browser.open("/logout", {"csrf_token": token})[0] == 200
        out = time.monotonic()
        newest, end = heard_until_the_end(ben)
        assert end == (401, "not_logged_in", 4440)
        assert newest < out + 1
        eventually(lambda: said[-1] > out + 1, what="more talk")
        assert ben.post().error == (401, "not_logged_in", 4440)
        assert Page(watched, cookie=browser.cookie).post(LOGIN).error == (401, "not_logged_in", 4401)


@pytest.mark.timed
def test_a_disconnect_by_the_site_ends_held_polls_at_once_and_spares_others(watched, come, page):
    ben, cy = page(watched, "ben"), page(watched, "cy")
    for each in (ben, cy):
        eventually(lambda each=each: each.poll().frames == [], what="silence")
    holds = ben.hold(), cy.hold()
    eventually(lambda: held(watched) == 2)
    began = time.monotonic()
    assert watched.browser().open("/faults/disconnect/ben") == (200, "done")
    assert holds[0].answer().error == (401, "not_logged_in", 4440)
    assert time.monotonic() - began < 1
    assert ben.post().error == (401, "not_logged_in", 4440)
    come(watched, "ada").ask(type="group", gid="lobby", content="to the rest")
    holds[1].frames()
    assert cy.expect("groupPm")["content"] == "to the rest"
    assert page(watched, "ben").welcome["uid"] == "ben"


def test_who_left_a_room_in_another_tab_hears_nothing_of_it_any_more(house, page, come, names):
    ada_, ben_ = names("ada", "ben")
    ada = come(house, ada_)
    gid = ada.ask(type="create", name="Tea")["room"]["gid"]
    phone, tablet = page(house, ben_), come(house, ben_)
    tablet.ask(type="join", gid=gid)
    ada.ask(type="group", gid=gid, content="hi")
    phone.expect("groupPm", gid=gid)
    assert tablet.ask(type="leave", gid=gid)["type"] == "ack"
    for number in range(5):
        ada.ask(type="group", gid=gid, content=f"without ben {number}")
    ada.ask(type="typing", gid=gid)
    frames = phone.poll().frames
    assert [frame["type"] for frame in frames if frame.get("gid") == gid] == ["leave"]
    assert phone.say(type="group", gid=gid, content="hm")["code"] == "not_member"
    assert phone.say(type="history", gid=gid)["code"] in ("not_member", "unknown_room")


# -- rates ---------------------------------------------------------------------------------------------------------


def test_who_polls_too_often_is_told_to_wait(serve, page):
    server = serve(rate="5/10")
    ada = page(server, "ada")
    answers = [ada.post() for _ in range(15)]
    assert answers[0].status == 200
    refused = answers[-1]
    assert refused.error == (429, "rate_limited", None)
    assert int(refused.headers["retry-after"]) >= 1
    assert 0 < refused.frames[0]["retry_after"] <= 10
    time.sleep(refused.frames[0]["retry_after"])
    assert ada.post().status == 200


def test_a_flood_of_frames_is_refused_one_by_one_and_then_ended(serve, page):
    server = serve(rate="5/10")
    ada = page(server, "ada")
    flood = [{"type": "ping", "id": str(number)} for number in range(15)]
    answer = ada.post(*flood)
    assert answer.status == 200
    assert answer.of("pong")
    assert {frame["code"] for frame in answer.of("error")} == {"rate_limited"}
    ben = page(server, "ben")
    assert ben.post(*flood, *flood).error == (429, "rate_limited", 4429)
    assert page(server, "cy").poll().status == 200


# -- deploys -------------------------------------------------------------------------------------------------------


@pytest.mark.timed
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP], ids=["TERM", "HUP"])
def test_a_worker_that_ends_answers_its_held_polls_and_is_gone(serve, page, sig):
    server = serve(**QUIET)
    pages = [page(server, f"p{number}") for number in range(30)]
    holds = [each.hold() for each in pages]
    eventually(lambda: held(server) == 30)
    [worker] = server.workers()
    began = time.monotonic()
    server.process.send_signal(sig)
    told = [[frame for frame in hold.frames() if frame["type"] == "drain"] for hold in holds]
    delays = [drain["retry_after"] for [drain] in told]
    assert time.monotonic() - began < 1
    assert max(delays) <= 5000
    assert max(delays) - min(delays) > 100
    eventually(lambda: not os.path.exists(f"/proc/{worker}/fd"), what="the end of the worker")
    assert time.monotonic() - began < 3
    if sig == signal.SIGTERM:
        server.stop()
        server.start()
    for each in pages:
        each._connection.close()
    for number, each in enumerate(pages[1:], 1):
        assert pages[0].say(type="pm", uid=f"p{number}", content="after the restart")["type"] == "ack"
        assert each.expect("pm")["content"] == "after the restart"
