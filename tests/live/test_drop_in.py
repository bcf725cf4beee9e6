"""Chat in real sites under the stock worker: the shop of the examples, one with rules and a pool of one, two in one."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from . import sites
from .fixtures import no_traceback
from .raw import Person, Refused
from .sites import HERE, SHOP, Site, customer, press

shop = sites.shop


@pytest.fixture
def start(tmp_path):
    sites: list[Site] = []

    def start(app: str, cwd: Path = HERE, **settings) -> Site:
        folder = tmp_path / f"site{len(sites)}"
        folder.mkdir()
        sites.append(Site(folder, app, cwd, **settings))
        return sites[-1].start()

    yield start
    for site in sites:
        site.stop()
        no_traceback(site)


# -- the shop, before and after ------------------------------------------------------------------------------


def test_the_diff_adds_three_lines_and_takes_none_away():
    changes = [line for line in (SHOP / "chat.diff").read_text().splitlines() if re.match(r"[+-](?!(--|\+\+) )", line)]
    assert len(changes) == 3
    assert all(line.startswith("+") for line in changes)
    for path in [*SHOP.glob("site/**/*.py"), *SHOP.glob("site/**/*.html")]:
        assert "legacy_chat" not in path.read_text(), path


@pytest.mark.timed
def test_customers_of_the_shop_talk_and_a_logout_closes_the_socket_at_once(shop, come):
    ada, ben = (customer(shop, name) for name in ("ada", "ben"))
    assert "<legacy-chat" in ada.open("/")[1]
    page = ada.open("/chat/")[1]
    assert '"name": "Ada"' in page
    assert '"logout": "/account/logout"' in page
    assert all("nonce=" in tag for tag in re.findall(r"<script [^>]*src=[^>]*>", page))
    hers, his = (come(shop, cookie=person.cookie) for person in (ada, ben))
    welcome = hers.welcome
    assert (welcome["name"], welcome["avatar"], welcome["roles"]) == ("Ada", "/static/ada.svg", ["customer"])
    hers.ask(type="group", gid="lobby", content="Is the teapot good?")
    assert his.expect("groupPm")["name"] == "Ada"
    members = his.ask(type="members", gid="lobby")["members"]
    assert [(m["name"], m["avatar"]) for m in members] == [("Ada", "/static/ada.svg"), ("Ben", "/static/ben.svg")]

    began = time.monotonic()
    press(ada, "/", "/account/logout")
    assert hers.closed().code == 4440
    assert time.monotonic() - began < 1
    assert his.ask(type="ping")["type"] == "pong"


def test_the_shop_is_as_it_was(shop, come):
    ada = customer(shop, "ada")
    come(shop, cookie=ada.cookie)
    assert "There is no such page in this shop" in ada.open("/chat/nowhere")[1]
    assert ada.open("/product/1/buy", {})[0] == 400  # the form's token is missing
    assert "No. 1: Teapot" in press(ada, "/product/1", "/product/1/buy")[1]
    assert 'name="email"' in shop.browser().open("/chat/")[1]


# -- one connection to the site's database for everybody -----------------------------------------------------


def test_a_pool_of_one_serves_a_hundred_sockets(start):
    """Each handshake, each message and each page works with the site's database, all at the same time."""
    site = start("hosts.strict:app", rate="0")
    uids = [uid for uid in range(1, 102) if uid != 13]
    with ThreadPoolExecutor(20) as crowd, ExitStack() as stack:
        cookies = list(crowd.map(site.enter, uids))
        people = list(crowd.map(lambda cookie: Person(site, cookie=cookie), cookies))
        for person in people:
            stack.callback(person.close)
        names = list(crowd.map(lambda person: person.login()["name"], people))
        said = crowd.map(lambda person: person.ask(type="group", gid="lobby", content="hello"), people)
        pages = list(crowd.map(lambda cookie: site.get("/said", cookie)[1], cookies[:20]))
        assert [answer["type"] for answer in said] == ["ack"] * 100
        for person in people:
            assert [person.expect("groupPm")["seq"] for _ in uids] == list(range(1, 101))
    assert names == [f"user {uid}" for uid in uids]
    assert len(pages) == 20
    assert json.loads(site.get("/said", cookies[0])[1]) == {"count": 100, "out": 1}  # that of this very page


# -- whom and what the site lets in --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strict")
    site = Site(folder, "hosts.strict:app", default_rooms="lobby,news,staff")
    site.start()
    yield site
    site.stop()
    assert site.log().count("Traceback") == site.log().count("\nZeroDivisionError"), site.log()


@pytest.fixture
def enter(strict, come):
    """Somebody who logged in at the strict site."""
    return lambda uid: come(strict, cookie=strict.enter(uid))


def codes(person: Person, **requests: dict) -> dict[str, str]:
    """What each request is answered: its error's code, or "ack"."""
    answers = {name: person.ask(**request) for name, request in requests.items()}
    return {name: answer.get("code", answer["type"]) for name, answer in answers.items()}


def test_the_site_says_who_somebody_is(enter):
    staff = enter(1).welcome
    assert (staff["name"], staff["avatar"], staff["roles"]) == ("user 1", "/static/1.png", ["staff"])


def test_whom_the_site_keeps_out_is_told_so_for_good(strict, come):
    thirteen = come(strict, cookie=strict.enter(13), login=False)
    assert thirteen.expect("error")["code"] == "forbidden"
    assert thirteen.closed().code == 4403


def test_rooms_are_for_those_whom_the_site_lets_join(enter):
    staff, customer = enter(1), enter(2)
    assert [room["gid"] for room in staff.welcome["groups"]] == ["lobby", "news", "staff"]
    assert [room["gid"] for room in customer.welcome["groups"]] == ["lobby", "news"]
    assert "staff" not in [room["gid"] for room in customer.ask(type="rooms")["rooms"]]
    assert codes(
        customer,
        join={"type": "join", "gid": "staff"},
        create={"type": "create", "name": "Ours"},
        key={"type": "create", "name": "Ours", "gid": "order-3"},
    ) == {"join": "forbidden", "create": "forbidden", "key": "bad_frame"}
    assert codes(staff, invite={"type": "invite", "gid": "staff", "uid": "2"}) == {"invite": "forbidden"}
    assert [frame for frame in customer.waiting if frame.get("gid") == "staff"] == []


def test_messages_are_allowed_altered_and_refused(enter):
    staff, customer, other = enter(1), enter(2), enter(3)
    assert codes(
        customer,
        news={"type": "group", "gid": "news", "content": "hello"},
        spam={"type": "group", "gid": "lobby", "content": "buy spam"},
        private_spam={"type": "pm", "uid": "3", "content": "buy spam"},
        stranger={"type": "pm", "uid": "999", "content": "hello"},
        bug={"type": "group", "gid": "lobby", "content": "bug"},
        empty={"type": "group", "gid": "lobby", "content": " "},
    ) == {
        "news": "forbidden",
        "spam": "forbidden",
        "private_spam": "forbidden",
        "stranger": "forbidden",
        "bug": "internal",
        "empty": "empty",
    }
    refused = customer.ask(type="group", gid="news", content="hello")
    assert refused["message"] == "The news are for reading."
    for person in (staff, other):
        person.nothing("groupPm")
        person.nothing("pm")
    assert other.login()["peers"] == []

    assert staff.ask(type="group", gid="news", content="hello")["type"] == "ack"
    altered = customer.ask(type="pm", uid="3", content="damn", id="first")
    assert (altered["content"], other.expect("pm")["content"]) == ("d***", "d***")
    again = customer.ask(type="pm", uid="3", content="damn", id="first")
    assert (again["seq"], again["content"]) == (altered["seq"], "d***")
    other.nothing("pm")
    assert customer.ask(type="group", gid="lobby", content="damn")["type"] == "ack"
    assert other.expect("groupPm", gid="lobby")["content"] == "d***"


def test_a_wall_in_front_of_everything_lets_tokens_through_and_rules_hold_for_polls(strict, enter):
    reader = enter(1)
    token = strict.token("5", "user 5")
    first = strict.poll(None, {"type": "login", "token": token})
    assert [frame["type"] for frame in first["frames"][:2]] == ["hello", "login"]
    answers = strict.poll(
        first["cursor"],
        {"type": "group", "gid": "lobby", "content": "buy spam", "id": "1"},
        {"type": "group", "gid": "lobby", "content": "damn poll", "id": "2"},
        {"type": "group", "gid": "news", "content": "hello", "id": "3"},
        {"type": "join", "gid": "staff", "id": "4"},
    )["frames"]
    found = {frame["id"]: frame.get("code", frame["type"]) for frame in answers if frame["type"] in ("ack", "error")}
    assert found == {"1": "forbidden", "2": "ack", "3": "forbidden", "4": "forbidden"}
    assert reader.expect("groupPm", uid="5")["content"] == "d*** poll"


def test_a_poll_that_is_held_back_holds_no_connection_of_the_site(strict):
    cookie = strict.enter(7)
    first = strict.poll(None, {"type": "login"}, cookie=cookie)
    caught_up = strict.poll(first["cursor"])
    with ThreadPoolExecutor() as beside:
        held = beside.submit(strict.poll, caught_up["cursor"], wait=2)
        while not held.done():
            assert json.loads(strict.get("/said", cookie)[1])["out"] == 1  # that of this very page


def test_an_account_that_is_switched_off_loses_its_sockets_and_comes_back_no_more(strict, come):
    cookie = strict.enter(40)
    forty = come(strict, cookie=cookie)
    strict.get("/off/40", strict.enter(1))
    assert forty.closed().code == 4440
    again = come(strict, cookie=cookie, login=False)
    again.send(type="login")
    assert again.closed().code == 4401


def test_a_room_of_the_sites_own_appears_on_open_pages(strict, enter):
    staff, customer = enter(1), enter(6)
    made = json.loads(strict.get("/order/order-42?name=Order+42&uid=6", strict.enter(1))[1])
    assert made == {"gid": "order-42", "url": "/chat/#g:order-42"}
    assert customer.expect("join", gid="order-42")["room"] == "Order 42"
    assert customer.ask(type="group", gid="order-42", content="where is it?")["seq"] == 1
    staff.ask(type="ping")
    assert [frame for frame in staff.waiting if frame.get("gid") == "order-42"] == []
    strict.get("/order/order-42?name=Order+42+%28sent%29&uid=1", strict.enter(1))
    assert customer.expect("room")["name"] == "Order 42 (sent)"
    assert staff.expect("join", uid="1")["gid"] == "order-42"
    assert customer.expect("join", uid="1")["name"] == "user 1"
    assert staff.ask(type="history", gid="order-42")["messages"][0]["content"] == "where is it?"


# -- several sites in one server -----------------------------------------------------------------------------


@pytest.fixture
def back_office(come):
    """Somebody at the site below /admin."""

    def arrive(server: Site, uid: str) -> Person:
        server.prefix = "/admin/chat"
        try:
            return come(server, uid)
        finally:
            server.prefix = "/chat"

    return arrive


def test_two_sites_in_one_process_have_chats_of_their_own(start, come, back_office):
    server = start("hosts.dispatched:app")
    ada, ben = come(server, "1", "ada"), back_office(server, "2")
    ada.ask(type="group", gid="lobby", content="hello")
    ben.nothing("groupPm")
    assert ben.ask(type="history", gid="lobby")["messages"] == []
    assert ada.welcome["epoch"] != ben.welcome["epoch"]


def test_two_sites_with_one_history_are_one_chat(start, come, back_office):
    server = start("hosts.dispatched:app", env={"ONE_HISTORY": "1"})
    ada, ben = come(server, "1", "ada"), back_office(server, "2")
    ada.ask(type="group", gid="lobby", content="hello")
    assert ben.expect("groupPm")["content"] == "hello"
    ben.ask(type="pm", uid="1", content="welcome")
    assert ada.expect("pm")["content"] == "welcome"


def test_a_folder_that_the_sites_own_middleware_takes_from_the_path(start, come):
    server = start("hosts.dispatched:app")
    server.prefix = "/outlet/chat"
    ada = come(server, "1", "ada", headers=[("X-Script-Name", "/outlet")])
    assert ada.ask(type="group", gid="lobby", content="hello")["seq"] == 1
    with pytest.raises(Refused) as refused:
        come(server, "2", headers=[("X-Script-Name", "/outlet"), ("Origin", "http://evil.example")])
    assert refused.value.status == 403
    server.prefix = "/chat"
    come(server, "3").ask(type="group", gid="lobby", content="hello")
    assert ada.expect("groupPm", uid="3")["content"] == "hello"
