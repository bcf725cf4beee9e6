"""Pushes from everywhere in a real site: views, threads, other processes, the shell; over kills and restarts."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .raw import Person, eventually
from .server import ROOT, Server

HERE = Path(__file__).parent
OPEN = {"max_per_user": "0", "max_per_address": "0", "rate": "0"}


class Shop(Server):
    app = "hosts.shop:app"

    def __init__(self, folder: Path, *options: str, **settings: str):
        super().__init__(folder, "--chdir", str(HERE), *options, **settings)

    def post(self, path: str, data: dict | None = None):
        """What a view answers."""
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(self.url + path, json.dumps(data or {}).encode(), headers)
        with urllib.request.urlopen(asked, timeout=20) as answer:
            body = answer.read()
        return json.loads(body) if body.startswith(b"{") else body.decode()

    def script(self, *lines: str) -> str:
        """A plain Python process of the site, such as a cron job."""
        code = "\n".join(["from hosts.shop import *", "with app.app_context():", *(f"    {line}" for line in lines)])
        done = self._run(self.python, "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def shell(self, *arguments: str) -> tuple[int, str]:
        done = self._run(self.python, "-m", "flask", "--app", "hosts.shop:app", "chat", *arguments)
        return done.returncode, (done.stdout or done.stderr).strip()

    def _run(self, *command: str) -> subprocess.CompletedProcess:
        env = {**self._env, "PYTHONPATH": f"{HERE}:{ROOT}"}
        return subprocess.run(command, cwd=HERE, env=env, capture_output=True, text=True, timeout=60)

    def dies_at(self, step: str) -> None:
        (self.folder / f"die_at_{step}").touch()


@pytest.fixture
def make_shop(tmp_path):
    shops: list[Shop] = []

    def make(*options: str, **settings: str) -> Shop:
        folder = tmp_path / f"shop{len(shops)}"
        folder.mkdir()
        shops.append(Shop(folder, *options, **OPEN, **settings))
        return shops[-1].start()

    yield make
    for shop in shops:
        shop.stop()
        assert "Traceback" not in shop.log(), shop.log()


@pytest.fixture
def shop(make_shop) -> Shop:
    return make_shop()


def counts(users: int, connections: int, stored: int = 0) -> dict[str, int]:
    return {"users": users, "connections": connections, "stored": stored}


def told(answer: dict[str, int]) -> str:
    """As the shell prints it."""
    return ", ".join(f"{name} {count}" for name, count in answer.items())


def texts(person: Person) -> list[str]:
    """What the lobby holds."""
    return [message["content"] for message in person.ask(type="history", gid="lobby")["messages"]]


# -- whom it reaches, from where -----------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["view", "thread", "native"])
def test_counts_are_right_with_no_one_and_three_tabs(shop, come, where):
    assert shop.post(f"/push/{where}", {"to": "7", "content": "hello"}) == counts(0, 0)
    ben, *adas = come(shop, "9", "ben"), *(come(shop, "7", "ada") for _ in range(3))
    assert shop.post(f"/push/{where}", {"to": "9", "content": "hello ben"}) == counts(1, 1)
    assert shop.post(f"/push/{where}", {"to": "7", "content": "hello ada"}) == counts(1, 3)
    assert shop.post(f"/push/{where}", {"to": ["7", "9", "5"], "content": "hello both"}) == counts(2, 4)
    assert shop.post(f"/push/{where}", {"gid": "lobby", "content": "hello room"}) == counts(2, 4)
    assert shop.post(f"/push/{where}", {"everybody": True, "content": "hello all"}) == counts(2, 4)
    for page, name in ((ben, "ben"), *((ada, "ada") for ada in adas)):
        heard = [page.expect("event")["data"]["content"] for _ in range(4)]
        assert heard == [f"hello {name}", "hello both", "hello room", "hello all"]
        page.nothing("event")


def test_a_process_of_its_own_and_the_shell_push_and_count_as_the_server_does(shop, come):
    ada, again = come(shop, "7", "ada"), come(shop, "7", "ada")
    assert shop.script("print(chat.push('7', name='price', data={'EUR': 1}))") == (
        "Pushed(users=1, connections=2, stored=0)"
    )
    assert shop.shell("push", "7", "hello") == (0, told(counts(1, 2)))
    assert shop.shell("push", "--all", "hello all") == (0, told(counts(1, 2)))
    assert shop.shell("push", "--room", "lobby", "closing", "--durable") == (0, told(counts(1, 2, 1)))
    for page in (ada, again):
        assert page.expect("event", name="price")["data"] == {"EUR": 1}
        assert [page.expect("event")["data"]["content"] for _ in range(3)] == ["hello", "hello all", "closing"]
        assert page.expect("groupPm")["content"] == "closing"


def test_many_at_once_are_all_carried_out(shop, come):
    ada = come(shop, "7", "ada")
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(shop.post, "/push/native", {"to": "7", "content": "hi", "durable": True}) for _ in range(40)
        ]
        assert [job.result() for job in jobs] == [counts(1, 1, 1)] * 40
    assert [ada.expect("pm")["seq"] for _ in range(40)] == list(range(1, 41))


def test_fifty_people_and_those_who_are_away_find_it_at_their_next_login(shop, come):
    here = [come(shop, str(uid)) for uid in range(5)]
    uids = [str(uid) for uid in range(50)]
    push = {"to": uids, "content": "we moved", "durable": True, "sender": ["shop", "Shop"]}
    assert shop.post("/push/view", push) == counts(5, 5, 50)
    for page in here:
        message, event = page.expect("pm"), page.expect("event")
        assert (message["content"], message["name"]) == ("we moved", "Shop")
        assert event["data"] == {"content": "we moved", "uid": "shop", "seq": 1, "mid": message["mid"]}
    late = come(shop, "49", login={"resume": {"seqs": {}}})
    assert [(peer["name"], peer["unread"]) for peer in late.welcome["peers"]] == [("Shop", 1)]
    assert late.expect("pm")["content"] == "we moved"


def test_whoever_is_logged_out_by_another_process_is_gone(shop, come):
    ada, ben = come(shop, "7", "ada"), come(shop, "9", "ben")
    shop.script("chat.disconnect('7')")
    assert ada.closed().code == 4440
    assert ben.ask(type="ping")["type"] == "pong"


def test_a_room_made_by_another_process_has_its_members_at_once(shop, come):
    ada = come(shop, "7", "ada")
    shop.script("chat.room('order-42', members=('7',))", "print(chat.post('order-42', 'it left'))")
    assert ada.expect("groupPm")["content"] == "it left"


def test_nobody_can_take_it_and_that_is_never_silent(shop, come):
    shop.stop()
    code, said = shop.shell("push", "7", "hello")
    assert (code, "No chat worker" in said) == (1, True)
    assert shop.shell("push", "7", "good morning", "--durable") == (0, told(counts(0, 0, 1)))
    shop.start()
    ada = come(shop, "7", "ada", login={"resume": {"seqs": {}}})
    assert ada.expect("pm")["content"] == "good morning"


def test_the_worker_is_there_from_its_start_with_preload_as_well(make_shop):
    shop = make_shop("--preload")
    path = shop.folder / "chat.sock"
    assert oct(os.stat(path).st_mode & 0o777) == "0o600"
    assert shop.shell("push", "7", "hello") == (0, told(counts(0, 0)))
    before = shop.workers()
    shop.process.send_signal(signal.SIGHUP)
    eventually(lambda: shop.workers() and not set(shop.workers()) & set(before), what="the new worker")
    eventually(lambda: shop.shell("push", "7", "hello") == (0, told(counts(0, 0))), what="an answer after the restart")


def test_an_asker_who_says_nothing_or_nonsense_hurts_nobody(shop, come):
    ada = come(shop, "7", "ada")
    for raw in (b"", b"nonsense", b'{"errand":{"push":{"uid":"7"},"request_id":"x"}}'):
        with socket.socket(socket.AF_UNIX) as asker:
            asker.settimeout(10)
            asker.connect(str(shop.folder / "chat.sock"))
            asker.sendall(raw)
            asker.shutdown(socket.SHUT_WR)
            assert json.loads(asker.recv(65536))["error"] == "bad_frame"
    ada.nothing("event")


# -- the site's own transaction ------------------------------------------------------------------------------


def test_a_message_goes_out_with_the_sites_commit_and_not_with_its_rollback(shop, come):
    ada = come(shop, "7", "ada")
    shop.post("/order/cancelled")
    shop.post("/order/paid")
    assert ada.expect("groupPm")["content"] == "order 1 is paid"
    assert shop.script("chat.post('lobby', 'from a script', session=db.session)", "db.session.commit()") == ""
    assert ada.expect("groupPm")["content"] == "from a script"
    assert texts(ada) == ["order 1 is paid", "from a script"]


@pytest.mark.parametrize("step", ["find", "remove"])
def test_killed_between_commit_and_send_it_is_delivered_once_after_the_restart(shop, come, step):
    """`find` comes right after the site's commit; `remove` when the message is stored and the row still there."""
    shop.dies_at(step)
    [worker] = shop.workers()
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        shop.post("/order/paid")
    eventually(lambda: shop.workers() not in ([], [worker]), what="the next worker")
    shop.post("/push/view", {"to": "7", "content": "are you there"})
    ada = come(shop, "7", "ada")
    eventually(lambda: texts(ada) == ["order 1 is paid"], what="the message")
    shop.post("/order/paid")  # by then another sweep is over, or follows it
    eventually(lambda: len(texts(ada)) == 2, what="the next message")
    eventually(
        lambda: shop.script("print(db.session.execute(db.text('select count(*) from chat_outbox')).scalar())") == "0"
    )
    assert texts(ada) == ["order 1 is paid", "order 2 is paid"]


def test_a_script_that_is_killed_after_its_commit_leaves_it_to_the_server(shop, come):
    ada = come(shop, "7", "ada")
    shop.dies_at("find")
    with pytest.raises(AssertionError):  # it did not end well
        shop.script("chat.post('lobby', 'last words', session=db.session)", "db.session.commit()")
    assert ada.expect("groupPm")["content"] == "last words"
    assert texts(ada) == ["last words"]


# -- planned -------------------------------------------------------------------------------------------------


def test_a_planned_push_comes_at_its_time(shop, come):
    ada = come(shop, "7", "ada")
    due = time.time() + 6  # pages have their time to come back after a start
    shop.script(f"chat.push('7', 'tea is ready', at={round(due * 1000)})")
    assert ada.expect("event")["data"]["content"] == "tea is ready"
    assert due - 0.05 <= time.time() < due + 2


def test_what_was_due_while_the_server_was_down_comes_once_after_its_restart(shop, come):
    now = round(time.time() * 1000)
    shop.script(
        f"chat.push('7', 'stored', durable=True, at={now + 1000})",
        f"chat.push('7', 'shown', at={now + 1000})",
    )
    shop.kill()
    eventually(lambda: time.time() * 1000 > now + 1500)
    shop.start()
    ada = come(shop, "7", "ada", login={"resume": {"seqs": {}}})
    assert ada.expect("pm")["content"] == "stored"
    assert ada.expect("event", name="push", data={"content": "shown"})
    shop.stop()
    shop.start()
    ada = come(shop, "7", "ada", login={"resume": {"seqs": {}}})
    shop.script(f"chat.push('7', 'the last', at={round(time.time() * 1000)})")
    assert ada.expect("event")["data"]["content"] == "the last"
    assert [peer["seq"] for peer in ada.welcome["peers"]] == [1]
