"""Webhooks of a real server: what a shop's own server hears of the chat, whatever fails on the way."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from statistics import quantiles

import pytest
from receiver import Receiver, certify

from legacy_chat.actions.parts import Parts
from legacy_chat.actions.webhooks import Webhooks
from legacy_chat.backplane.memory import MemoryBackplane
from legacy_chat.settings import load
from legacy_chat.storage.database import Database

from .raw import eventually
from .server import ROOT

SOON = {"webhook_retry_seconds": "0.1,0.2,0.3,0.4,0.5", "webhook_seconds": "1", "webhook_private": "1"}


@pytest.fixture
def open_shop():
    shops: list[Receiver] = []

    def open_shop(*answers: object, **how) -> Receiver:
        shops.append(Receiver(*answers, **how))
        return shops[-1]

    yield open_shop
    for shop in shops:
        shop.close()


class Office:
    """The site's back end: it speaks the HTTP API with a key of its own."""

    def __init__(self, server):
        self._url = f"{server.url}/chat/api/v1/webhooks"
        self._key = server.flask("key", "office", "--scope", "webhooks").split()[-1]

    def ask(self, method: str, path: str = "", **body):
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def refused(self, method: str, path: str = "", **body) -> tuple[int, str]:
        with pytest.raises(urllib.error.HTTPError) as refusal:
            self.ask(method, path, **body)
        with refusal.value as answer:
            return answer.code, json.load(answer)["detail"]

    def create(self, shop: Receiver, *events: str) -> dict:
        return self.ask("POST", url=shop.url, events=list(events) or ["message.created"])

    def log(self, webhook: dict) -> list[dict]:
        return self.ask("GET", f"/{webhook['id']}/deliveries")["deliveries"]

    def done(self, webhook: dict, count: int = 1) -> list[dict]:
        """The newest deliveries, when so many are done."""
        eventually(lambda: [d["status"] for d in self.log(webhook)].count("done") >= count, what="the deliveries")
        return self.log(webhook)


def slowly(handler) -> None:
    time.sleep(0.05)
    handler.send_response(204)
    handler.end_headers()


def contents(got) -> list[str]:
    return [one.event["data"]["content"] for one in got]


def in_effect(got) -> list[str]:
    """What a receiver takes that passes over ids it has seen."""
    return contents({one.id: one for one in got}.values())


def test_a_receiver_that_fails_three_times_gets_each_event_once_in_effect(serve, come, open_shop):
    server = serve(**SOON)
    shop, ada = open_shop(500, 503, 404), come(server, "7", "ada")
    office = Office(server)
    webhook = office.create(shop)
    for number in range(1, 4):
        ada.ask(type="group", gid="lobby", content=f"hello {number}", id=f"a-{number}")
    got = shop.wait_for(6)
    log = office.done(webhook, 3)

    assert sorted(in_effect(got)) == ["hello 1", "hello 2", "hello 3"]
    assert len({one.id for one in got}) == 3
    for one in got:
        event = one.verified(webhook["secret"])
        assert event["type"] == "message.created"
        assert {"gid": "lobby", "uid": "7", "name": "ada"}.items() <= event["data"].items()
    assert sum(delivery["attempts"] for delivery in log) == 6
    assert {delivery["event"] for delivery in log} == {one.id for one in got}
    assert webhook["secret"] not in server.log()
    assert shop.url not in server.log()


def test_a_worker_that_is_killed_while_it_sends_leaves_it_to_the_next(serve, come, open_shop):
    server = serve(**SOON)

    def die(handler) -> None:
        server.kill()
        handler.close_connection = True

    shop, ada = open_shop(die), come(server, "7", "ada")
    webhook = Office(server).create(shop)
    ada.ask(type="group", gid="lobby", content="hello")
    shop.wait_for(1)
    eventually(lambda: server.process is None, what="the death of the server")
    server.start()
    first, second = shop.wait_for(2)
    assert (first.id, contents([first, second])) == (second.id, ["hello", "hello"])
    second.verified(webhook["secret"])
    Office(server).done(webhook)


def test_what_was_acknowledged_is_told_even_if_everything_dies_at_once(serve, come, open_shop):
    server = serve(**SOON)
    shop, ada = open_shop(), come(server, "7", "ada")
    webhook = Office(server).create(shop)
    for number in range(5):
        ada.ask(type="group", gid="lobby", content=str(number))
    server.kill()
    server.start()
    office = Office(server)
    office.done(webhook, 5)
    assert in_effect(shop.got) == ["0", "1", "2", "3", "4"]


def test_a_restart_amid_deliveries_loses_none(serve, come, open_shop):
    server = serve(**SOON)
    shop, ada = open_shop(*[slowly] * 30), come(server, "7", "ada")
    webhook = Office(server).create(shop)
    for number in range(30):
        ada.ask(type="group", gid="lobby", content=str(number))
    shop.wait_for(3)
    server.stop()
    server.start()
    Office(server).done(webhook, 30)
    assert in_effect(shop.got) == [str(number) for number in range(30)]


def test_410_ends_it_until_the_site_starts_it_again(serve, come, open_shop):
    server = serve(**SOON)
    shop, ada = open_shop(410), come(server, "7", "ada")
    office = Office(server)
    webhook = office.create(shop)
    ada.ask(type="group", gid="lobby", content="one")
    eventually(lambda: office.ask("GET", f"/{webhook['id']}")["disabled"], what="the end of the webhook")
    ada.ask(type="group", gid="lobby", content="two")
    [gone] = office.log(webhook)
    assert (gone["status"], gone["code"], gone["due"]) == ("failed", 410, None)

    office.ask("PATCH", f"/{webhook['id']}", enabled=True)
    ada.ask(type="group", gid="lobby", content="three")
    office.done(webhook)
    assert contents(shop.got) == ["one", "three"]


def test_a_redirect_is_a_failure_and_nobody_goes_there(serve, come, open_shop):
    server = serve(**{**SOON, "webhook_retry_seconds": "0.1"})
    elsewhere = open_shop()
    shop, ada = open_shop(*[(307, {"Location": elsewhere.url})] * 2), come(server, "7", "ada")
    office = Office(server)
    webhook = office.create(shop)
    ada.ask(type="group", gid="lobby", content="hello")
    eventually(lambda: [d["status"] for d in office.log(webhook)] == ["failed"], what="the end of the tries")
    [failed] = office.log(webhook)
    assert (failed["attempts"], failed["code"], len(shop.got), elsewhere.got) == (2, 307, 2, [])


def test_a_private_address_is_refused_when_it_is_given_and_when_a_name_leads_there(serve, come, open_shop):
    server = serve(webhook_retry_seconds="0.1")
    shop, ada = open_shop(), come(server, "7", "ada")
    office = Office(server)
    code, detail = office.refused("POST", url=shop.url, events=["message.created"])
    assert (code, "private" in detail) == (422, True)

    name = f"http://localhost:{shop.port}/hook"
    database = Database(f"sqlite:///{server.folder / 'chat.sqlite'}")
    allowed = Parts(load({"CHAT_WEBHOOK_PRIVATE": "1"}, {}), database, MemoryBackplane())
    webhook = {"id": Webhooks(allowed).create(name, ["message.created"]).id}
    database.close()

    def told() -> bool:
        """A webhook that another process made is known to the worker within two seconds."""
        ada.ask(type="group", gid="lobby", content="hello")
        return bool(office.log(webhook))

    eventually(told, what="the first delivery")
    eventually(lambda: office.log(webhook)[-1]["status"] == "failed", what="the end of the tries")
    assert "private" in office.log(webhook)[-1]["error"]
    assert shop.got == []


def test_over_tls_the_certificates_of_the_system_decide(serve, come, open_shop, tmp_path):
    believed, certificates = certify(tmp_path, "localhost")
    (tmp_path / "other").mkdir()
    unknown, _ = certify(tmp_path / "other", "localhost")
    server = serve(env={"SSL_CERT_FILE": str(certificates)}, **SOON)
    shops = [open_shop(tls=context, name="localhost") for context in (believed, unknown)]
    office, ada = Office(server), come(server, "7", "ada")
    good, bad = (office.create(shop) for shop in shops)
    ada.ask(type="group", gid="lobby", content="hello")
    [got] = shops[0].wait_for(1)
    assert got.verified(good["secret"])["data"]["content"] == "hello"
    eventually(lambda: office.log(bad)[0]["error"], what="the failure")
    assert office.log(bad)[0]["error"].startswith("TLS failed")
    assert shops[1].got == []


def test_coming_and_going_are_told_once_for_a_person_of_many_pages(serve, come, open_shop):
    server = serve(grace_seconds="1", **SOON)
    shop, office = open_shop(), Office(server)
    webhook = office.create(shop, "user.online", "user.offline")
    pages = [come(server, "7", "ada") for _ in range(3)]
    shop.wait_for(1)
    for page in pages:
        page.close()
    online, offline = (one.verified(webhook["secret"]) for one in shop.wait_for(2))
    assert (online["type"], online["data"]["uid"]) == ("user.online", "7")
    assert (offline["type"], offline["data"]["uid"]) == ("user.offline", "7")
    assert len(shop.got) == 2


def test_what_was_sent_is_sent_again_on_demand_under_its_id(serve, come, open_shop):
    server = serve(**SOON)
    shop, ada = open_shop(), come(server, "7", "ada")
    office = Office(server)
    webhook = office.create(shop)
    ada.ask(type="group", gid="lobby", content="hello")
    [delivery] = office.done(webhook)
    office.ask("POST", f"/{webhook['id']}/deliveries/{delivery['id']}/resend")
    first, again = shop.wait_for(2)
    assert (first.id, first.body) == (again.id, again.body)


@pytest.mark.timed
def test_receivers_that_never_answer_hold_up_no_message_and_no_other_webhook(serve, come, open_shop):
    """One says nothing, one a letter now and then for ever."""
    server = serve(**SOON)

    def silence(handler) -> None:
        handler.rfile.read(1)

    def drip(handler) -> None:
        try:
            while True:
                handler.wfile.write(b"H")
                time.sleep(0.05)
        except OSError:
            handler.close_connection = True

    slow = [open_shop(*[silence] * 9), open_shop(*[drip] * 9)]
    shop, ada = open_shop(), come(server, "7", "ada")
    office = Office(server)
    *_, last = [office.create(one) for one in (*slow, shop)]
    began, waits = time.monotonic(), []
    while time.monotonic() - began < 3:
        asked = time.monotonic()
        ada.ask(type="group", gid="lobby", content="hello")
        waits.append(time.monotonic() - asked)
        time.sleep(0.05)
    # Whoever waits for a receiver waits for seconds; a machine that is busy stumbles now and then.
    assert quantiles(waits, n=10)[-1] < 0.25
    assert max(waits) < 1
    office.done(last, len(waits) // 2)
    for one in slow:
        one.wait_for(2)  # each try came to its end


def test_the_receiver_of_the_guide_takes_each_event_once_and_no_forged_one(serve, come, open_shop, monkeypatch, capsys):
    server = serve(**SOON)
    shop, ada = open_shop(), come(server, "7", "ada")
    webhook = Office(server).create(shop)
    ada.ask(type="group", gid="lobby", content="hello")
    [got] = shop.wait_for(1)

    monkeypatch.setenv("CHAT_WEBHOOK_SECRET", webhook["secret"])
    guide = (ROOT / "docs" / "howto" / "webhooks.md").read_text()
    namespace: dict = {"__name__": "guide"}
    exec(guide.partition("```python\n")[2].partition("```")[0], namespace)
    browser = namespace["app"].test_client()
    headers = {name: got.headers[name] for name in got.headers if name.startswith("webhook-")}
    answers = [browser.post("/chat-events", data=got.body, headers=headers).status_code for _ in range(2)]
    forged = browser.post("/chat-events", data=got.body.replace("hello", "give"), headers=headers)
    assert (answers, forged.status_code) == ([204, 204], 401)
    assert capsys.readouterr().out.count("message.created") == 1
