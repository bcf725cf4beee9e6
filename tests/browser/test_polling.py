"""Where no WebSocket gets through: the same chat by long polling, and back."""

from __future__ import annotations

import json
import signal
from time import monotonic

import pytest
from live.raw import eventually
from live.scrape import PLAIN
from playwright.sync_api import expect

HIDE = "Object.defineProperty(document, 'visibilityState', {get: () => 'hidden', configurable: true});"
SHOW = "delete document.visibilityState;"
TELL = "document.dispatchEvent(new Event('visibilitychange'));"


@pytest.fixture
def server(serve):
    return serve(rate="0")


@pytest.fixture
def office(network):
    """A network whose proxy lets no WebSocket through."""
    network.block()
    return network


def polls(person) -> None:
    """The page says so in words, and why it is a little slower."""
    note = person.page.locator(".transport")
    expect(note).to_contain_text("Long polling")
    expect(note).to_contain_text("WebSocket is blocked here, messages may come a moment later.")


def uses_sockets(person) -> None:
    expect(person.line).to_have_count(0)
    expect(person.page.locator(".transport")).to_have_count(0)


def texts_of(person) -> list[str]:
    return person.messages.all_text_contents()


@pytest.mark.timed
def test_two_people_behind_a_proxy_that_forbids_websockets_talk_by_long_polling(server, office, visit):
    ada, ben = visit(office, "ada"), visit(office, "ben")
    told = []
    ada.page.on("console", lambda message: message.type == "info" and told.append(message.text))
    for person in (ada, ben):
        person.sign_up()
        began = monotonic()
        polls(person)
        assert monotonic() - began < 4
    said = []
    for number in range(3):
        for speaker, listener in ((ada, ben), (ben, ada)):
            said.append(f"{speaker.name} {number}")
            began = monotonic()
            speaker.say(said[-1])
            listener.sees(*said)
            assert monotonic() - began < 1
    ben.talk_to("ada")
    ben.say("psst")
    ada.open("ben")
    ada.sees("psst")
    ada.say("yes?")
    for person in (ada, ben):
        person.sees("psst", "yes?")
        person.confirmed()
    assert [text.partition(":")[0] for text in told] == ["Chat goes by long-polling"]
    ada.shot("polling")


@pytest.mark.timed
def test_a_network_that_swallows_websockets_costs_a_few_seconds_once(network, visit):
    network.block(swallow=True)
    ada = visit(network, "ada")
    ada.sign_up()
    began = monotonic()
    polls(ada)
    assert monotonic() - began < 8
    ada.page.reload()
    began = monotonic()
    polls(ada)
    assert monotonic() - began < 2


def test_restarts_of_the_server_lose_and_double_nothing(server, office, visit):
    ada, ben = visit(office, "ada").register(), visit(office, "ben").register()

    def killed():
        server.kill()
        server.start()

    def reloaded():
        old = server.workers()
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: not set(server.workers()) & set(old), what="the end of the old worker")

    said = []
    for restart in (killed, reloaded):
        for moment in ("before", "after"):
            for person in (ada, ben):
                said.append(f"{person.name} {len(said)} {moment} it was {restart.__name__}")
                person.say(said[-1])
            if moment == "before":
                restart()
        for person in (ada, ben):
            expect(person.messages).to_have_count(len(said), timeout=15_000)
            person.confirmed()
            assert sorted(texts_of(person)) == sorted(said)
    assert texts_of(ada) == texts_of(ben)
    polls(ada)


def test_a_page_goes_down_and_up_again_in_the_middle_of_a_talk(server, network, visit, come):
    ada, robot = visit(network, "ada").register(), come(server, "robot")
    uses_sockets(ada)
    said = []

    def talk() -> None:
        said.extend(f"{name} {len(said) + at}" for at, name in enumerate(("ada", "robot")))
        ada.say(said[-2])
        robot.ask(type="group", gid="lobby", content=said[-1])

    talk()
    network.block()
    talk()
    polls(ada)
    talk()
    ada.confirmed()
    network.unblock()
    ends = monotonic() + 15
    while ada.page.locator(".transport").count():
        assert monotonic() < ends, "nobody tried a WebSocket"
        talk()
    talk()
    expect(ada.messages).to_have_count(len(said))
    ada.confirmed()
    assert sorted(texts_of(ada)) == sorted(said)
    stored = robot.ask(type="history", gid="lobby", limit=100)["messages"]
    assert texts_of(ada)[-len(stored) :] == [message["content"] for message in stored]


def test_a_hidden_page_holds_no_connection_and_is_complete_when_it_is_seen(server, office, visit):
    ada, ben = visit(office, "ada").register(), visit(server, "ben").register()
    polls(ada)
    with ada.page.expect_event("requestfailed", is_poll):
        ada.page.evaluate(HIDE + TELL)
    ben.say("are you there?")
    ben.confirmed()
    with ada.page.expect_request(lambda request: is_poll(request) and json.loads(request.post_data)["wait"] == 25):
        ada.page.evaluate(SHOW + TELL)
    ada.sees("are you there?")


def is_poll(request) -> bool:
    return request.url.endswith("/chat/poll")


def test_whoever_logs_out_is_told_by_the_next_poll(server, office, visit):
    ada = visit(office, "ada").register()
    polls(ada)
    other = ada.tab()
    other.page.evaluate("""async () => {
        const boot = JSON.parse(document.querySelector("#chat-boot").textContent);
        await fetch(boot.logout, {method: "POST", body: new URLSearchParams({csrf_token: boot.csrf})});
    }""")
    expect(ada.line).to_contain_text("Your session has ended")


def test_under_a_worker_that_can_hold_nothing_the_page_asks_every_second_or_so(serve, visit, tmp_path):
    (tmp_path / "plain.py").write_text(PLAIN)
    server = serve("-c", f"{tmp_path}/plain.py", "-k", "gthread", "--threads", "8", rate="0")
    ada, ben = visit(server, "ada").register(), visit(server, "ben").register()
    expect(ada.page.locator(".transport")).to_contain_text("messages may come a few seconds later")
    for speaker, listener in ((ada, ben), (ben, ada)):
        speaker.say(f"from {speaker.name}")
        speaker.confirmed()
        expect(listener.messages.last).to_have_text(f"from {speaker.name}", timeout=7_000)
    assert texts_of(ada) == texts_of(ben) == ["from ada", "from ben"]


def test_the_client_works_alone_on_any_page_of_the_site(server, office, visit):
    ada, ben = visit(office, "ada").register(), visit(server, "ben").register()
    ada.page.goto(f"{office.url}/chat/static/favicon.svg")
    ada.page.evaluate("""async () => {
        const { ChatClient } = await import("/chat/static/client.js");
        globalThis.heard = [];
        globalThis.client = new ChatClient("/chat/ws");
        client.on("groupPm", ({ content }) => heard.push(content));
        const login = new Promise((resolve) => client.on("login", resolve));
        client.connect();
        await login;
        await client.request("group", { gid: "lobby", content: "from a page of the site" });
    }""")
    ben.say("well heard")
    eventually(lambda: ada.page.evaluate("heard.length") == 2, what="the answer")
    assert ada.page.evaluate("[...heard, client.transport]") == [
        "from a page of the site",
        "well heard",
        "long-polling",
    ]
