"""Back ends at a running server: pushes that arrive, keys that end, examples that work, no secret in a log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from .raw import eventually
from .server import ROOT, Server

GUIDE = ROOT / "docs" / "howto" / "http-api.md"
HELLO = {"uid": "7", "content": "Your parcel is here"}


class Shop:
    """A back end with a key of its own."""

    def __init__(self, server: Server, *scopes: str):
        self._server = server
        self.key = server.flask("key", "shop", *(word for scope in scopes for word in ("--scope", scope))).strip()
        self.env = {**os.environ, "CHAT_URL": f"{server.url}/chat", "CHAT_KEY": self.key}

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(f"{self._server.url}/chat/api/v1{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def push(self, **push: object) -> tuple[int, dict]:
        return self.ask("POST", "/push", push)

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def shop(server):
    return Shop(server)


def test_the_counts_are_those_of_the_pages_that_hear_it(server, shop, come):
    assert shop.push(**HELLO) == (200, {"users": 0, "connections": 0, "stored": 0})
    tabs = [come(server, "7", "ada")]
    assert shop.push(**HELLO) == (200, {"users": 1, "connections": 1, "stored": 0})
    tabs += [come(server, "7", "ada"), come(server, "7", "ada")]
    assert shop.push(**HELLO) == (200, {"users": 1, "connections": 3, "stored": 0})
    ben = come(server, "9", "ben")
    assert shop.push(all=True, content="Closing") == (200, {"users": 2, "connections": 4, "stored": 0})
    for tab in tabs:
        assert tab.expect("event", data={"content": "Closing"})["name"] == "push"
    ben.expect("event")
    ben.nothing("event")


def test_ada_finds_what_was_stored_for_her_at_her_next_login(server, shop, come):
    sent = shop.ask("POST", "/people/7/messages", {"content": "Welcome", "sender": {"uid": "9", "name": "ben"}})
    assert sent[0] == 201
    ada = come(server, "7", "ada", login={"resume": {"seqs": {}}})
    assert ada.expect("pm", uid="9", content="Welcome")["seq"] == 1


def test_a_room_that_the_shop_makes_is_heard_by_its_member_at_once(server, shop, come):
    ada = come(server, "7", "ada")
    shop.ask("POST", "/rooms", {"gid": "order-42", "private": True, "members": ["7"]})
    shop.ask("POST", "/rooms/order-42/messages", {"content": "Packed"})
    ada.expect("groupPm", gid="order-42", content="Packed")
    shop.ask("DELETE", "/rooms/order-42/members/7")
    shop.ask("POST", "/rooms/order-42/messages", {"content": "Not for ada"})
    ada.nothing("groupPm")


def test_a_key_that_is_revoked_in_the_shell_is_refused_at_once(server, shop):
    assert shop.ask("GET", "/rooms")[0] == 200
    server.flask("key", "--revoke", "1")
    assert shop.ask("GET", "/rooms")[0] == 401


def test_the_same_request_eight_times_at_once_is_carried_out_once(server, shop, come):
    ada = come(server, "7", "ada")
    push = {"uid": "7", "content": "Once", "durable": True}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shop.ask("POST", "/push", push, **{"Idempotency-Key": "n1"}), range(8)))
    assert answers == [(200, {"users": 1, "connections": 1, "stored": 1})] * 8
    assert ada.expect("pm", content="Once")["seq"] == 1
    ada.expect("event")
    ada.nothing("pm")
    ada.nothing("event")


def test_what_was_answered_before_a_kill_is_answered_after_it(server, shop):
    once = {"Idempotency-Key": "n1"}
    message = {"content": "Once"}
    before = shop.ask("POST", "/rooms/lobby/messages", message, **once)
    server.kill()
    server.start()
    assert shop.ask("POST", "/rooms/lobby/messages", message, **once) == before
    assert len(shop.ask("GET", "/rooms/lobby/messages")[1]["messages"]) == 1


def test_nothing_is_sent_for_who_may_not(server, shop, come):
    ada = come(server, "7", "ada")
    reader = Shop(server, "presence")
    assert reader.push(**HELLO)[0] == 403
    assert shop.push(uid="7")[0] == 422
    shop.key = "lc_wrong"
    assert shop.push(**HELLO)[0] == 401
    ada.nothing("event")


def test_a_back_end_that_asks_too_often_waits(serve, come):
    server = serve(api_rate="1/5")
    shop = Shop(server)
    answers = [shop.ask("GET", "/rooms") for _ in range(8)]
    assert [status for status, _ in answers][:5] == [200] * 5
    assert answers[-1][0] == 429
    assert 0 < answers[-1][1]["retry_after"] <= 1


def test_a_body_without_a_length_stops_at_the_limit(server, shop, dial):
    client = dial(server)
    headers = [("Host", "a"), ("Authorization", f"Bearer {shop.key}"), ("Transfer-Encoding", "chunked")]
    client.request("/chat/api/v1/push", headers, method="POST")
    try:
        for _ in range(40):
            client.send_bytes(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    except OSError:  # it has answered and hung up
        pass
    assert client.response()[0] == 413


@pytest.mark.timed
def test_the_largest_push_holds_up_nobody(server, shop, come):
    """Ten thousand uids and a crowd of events: ada's pings are answered meanwhile."""
    ada = come(server, "7", "ada")
    uids = [f"user-{number}-{'x' * 40}" for number in range(9_999)] + ["7"]
    with ThreadPoolExecutor(1) as pool:
        pushed = pool.submit(shop.push, uids=uids, content="Big")
        slowest = 0.0
        while not pushed.done():
            began = time.monotonic()
            ada.ask(type="ping")
            slowest = max(slowest, time.monotonic() - began)
    assert pushed.result() == (200, {"users": 1, "connections": 1, "stored": 0})
    assert slowest < 0.25


# -- the push door --------------------------------------------------------------------------------------------


def test_the_door_answers_in_one_word_and_no_log_has_its_key(serve, come):
    format_ = "%(r)s|%(q)s|%(U)s|%({raw_uri}e)s|%({query_string}e)s"
    server = serve("--access-logfile", "-", "--access-logformat", format_)
    shop = Shop(server, "push")
    ada = come(server, "7", "ada")

    def knock(**words: str) -> tuple[int, str]:
        return server.browser().open("/chat/push?" + urlencode({"type": "publish", "key": shop.key, **words}))

    assert knock(to="7", content="<b>5 < 6</b>") == (200, "ok")
    assert ada.expect("event")["data"] == {"content": "<b>5 < 6</b>"}
    assert knock(to="9", content="x") == (200, "offline")
    assert knock(to="", content="x") == (200, "ok")
    assert knock(to="7", content="x", key=shop.key[:-1]) == (401, "fail")
    eventually(lambda: server.log().count("GET /chat/push HTTP") == 4, what="four lines in the log")
    assert shop.key[3:-1] not in server.log()


# -- what the documentation says ------------------------------------------------------------------------------


def test_the_example_for_the_shell_pushes(server, shop, come):
    ada = come(server, "7", "ada")
    assert shop.run("sh", "examples/push.sh", "7", 'Ada & "小明" 100 %') == "ok\n"
    assert ada.expect("event")["data"]["content"] == 'Ada & "小明" 100 %'
    assert shop.run("sh", "examples/push.sh", "9", "x") == "offline\n"


@pytest.mark.parametrize(
    "command", [(sys.executable, "examples/push.py"), ("php", "examples/push.php")], ids=["python", "php"]
)
def test_the_example_pushes_and_stores(server, shop, come, command):
    ada = come(server, "7", "ada")
    assert shop.run(*command, "7", "Hello 小明") == "1 people and 1 pages reached, 1 stored\n"
    ada.expect("pm", content="Hello 小明")
    assert shop.run(*command, "9", "x") == "0 people and 0 pages reached, 1 stored\n"
    shop.env["CHAT_KEY"] = "lc_wrong"
    done = subprocess.run([*command, "7", "x"], cwd=ROOT, env=shop.env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr[:4]) == (1, "401:")


def test_the_guide_does_what_it_says(server, shop, come):
    ada = come(server, "7", "ada")
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.S)
    answers = [json.loads(shop.run("sh", "-euc", block)) for block in blocks]
    reached, stored, room, message, history, token = answers
    assert reached == {"users": 1, "connections": 1, "stored": 0}
    assert stored == {"users": 1, "connections": 1, "stored": 1}
    assert room["members"] == 1
    assert history["messages"] == [message]
    assert ada.expect("groupPm", gid="order-42")["name"] == "The shop"
    assert come(server, "7").welcome["uid"] == token["uid"] == "7"
