"""What was written arrives, once and in order, whatever happens to network, server, tab and page."""

from __future__ import annotations

import signal
from time import monotonic

import pytest
from live.raw import eventually
from playwright.sync_api import expect

from .conftest import PASSWORD

LONG_ABSENCE = 320  # more than is replayed: the server says `gap`
SHOWN = "[...document.querySelectorAll('[role=log] .message .text')].map((text) => text.textContent)"


@pytest.fixture
def server(serve):
    return serve(rate="0")  # robots write faster than people


def write_many(robot, count: int = LONG_ABSENCE) -> list[str]:
    texts = [f"number {number}" for number in range(count)]
    for text in texts:
        robot.ask(type="group", gid="lobby", content=text)
    return texts


def shows(devtools, texts: list[str], within: float = 10) -> None:
    eventually(lambda: devtools.evaluate(SHOWN) == texts, timeout=within, what="a page that shows everything")


def texts_of(person) -> list[str]:
    return person.messages.all_text_contents()


def test_what_both_sides_wrote_while_one_was_offline_stands_once_in_one_order(server, network, visit):
    ada, ben = visit(network, "ada").register(), visit(server, "ben").register()
    for expected, go_away, come_back in [
        (6, network.cut, network.mend),
        (12, lambda: ada.page.context.set_offline(True), lambda: ada.page.context.set_offline(False)),
    ]:
        go_away()
        expect(ada.line).to_contain_text("Offline — retrying in")
        for number in range(3):
            ada.say(f"ada {expected} {number}")
        for number in range(3):
            ben.say(f"ben {expected} {number}")
        ben.confirmed()
        come_back()
        ada.back_online()
        for person in (ada, ben):
            expect(person.messages).to_have_count(expected)
        ada.confirmed()
        assert texts_of(ada) == texts_of(ben)
        assert len(set(texts_of(ada))) == expected


def test_restarts_of_the_server_leave_draft_caret_and_focus_alone(server, visit):
    ada, ben = visit(server, "ada").register(), visit(server, "ben").register()

    def killed():
        server.kill()
        server.start()

    def reloaded():
        old = server.workers()
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: not set(server.workers()) & set(old), what="the end of the old worker")

    ada.box.focus()
    said = []
    for restart in (killed, reloaded):
        ada.page.keyboard.type(f"half a thought, {restart.__name__}")
        ada.page.keyboard.press("Home")
        restart()
        ada.page.keyboard.type("Not ")
        assert ada.box.evaluate("box => box === document.activeElement")
        assert ada.box.input_value() == f"Not half a thought, {restart.__name__}"
        ada.page.keyboard.press("Enter")
        said.append(f"Not half a thought, {restart.__name__}")
        ben.sees(*said)
        ada.confirmed()


def test_two_tabs_of_one_person_keep_in_step(server, network, visit):
    first, ben = visit(network, "ada").register(), visit(server, "ben").register()
    second = first.tab()
    for number in range(2):
        first.say(f"first {number}")
        second.say(f"second {number}")
        for tab in (first, second, ben):
            expect(tab.messages).to_have_count(2 * number + 2)
    assert texts_of(first) == texts_of(second) == texts_of(ben)

    ben.talk_to("ada")
    ben.say("psst")
    for tab in (first, second):
        expect(tab.page.locator(".sidebar .row", has_text="psst").locator(".badge")).to_contain_text("1")
        expect(tab.page).to_have_title("(1) Lobby · Chat")
    first.open("ben")
    first.sees("psst")
    first.say("yes?")
    for tab in (first, second):
        expect(tab.page.locator(".sidebar .badge")).to_have_count(0)
    second.open("ben")
    for person in (first, second, ben):
        person.sees("psst", "yes?")


def test_an_unsent_message_outlives_a_reload_and_is_sent_by_one_tab_once(server, network, visit):
    ada, ben = visit(network, "ada").register(), visit(server, "ben").register()
    network.cut()
    expect(ada.line).to_contain_text("Offline")
    ada.say("written on the train")
    second = ada.duplicate()  # which has the unsent message as well
    ada.page.reload()
    expect(ada.line).to_contain_text("Offline")
    network.mend()
    second.back_online()
    second.confirmed()
    ada.retry_now()
    ada.confirmed()
    ada.say("and this later")
    for person in (ada, second, ben):
        person.sees("written on the train", "and this later")


@pytest.mark.timed
def test_a_message_without_an_answer_is_not_sent_after_five_seconds(server, network, visit):
    ada, ben = visit(network, "ada").register(), visit(server, "ben").register()
    network.cut()
    expect(ada.line).to_contain_text("Offline")
    began = monotonic()
    ada.say("keep this")
    ada.say("forget this")
    failures = ada.page.locator(".message.failed")
    expect(failures).to_have_count(2)
    assert 4.5 < monotonic() - began < 6.5
    expect(ada.page.locator("#announcer")).to_have_text("Not sent: forget this")
    failures.nth(1).get_by_role("button", name="Delete").click()
    failures.nth(0).get_by_role("button", name="Retry").click()
    expect(failures).to_have_count(0)
    network.mend()
    ada.back_online()
    for person in (ada, ben):
        person.sees("keep this")
    ada.confirmed()


def test_a_frozen_page_is_complete_within_three_seconds_after_waking(network, server, devtools, come):
    ada, robot = server.browser(), come(server, "robot")
    ada.submit("/register", username="ada", password=PASSWORD)
    devtools.open(f"{network.url}/chat/", cookies=ada.cookie)
    eventually(lambda: devtools.evaluate("document.querySelector('#composer') !== null"), what="the page")
    said = write_many(robot, 3)
    for what_happens in (lambda: None, network.reset, network.hang):
        shows(devtools, said)
        devtools.freeze()
        what_happens()
        before, said = said, said + write_many(robot)
        assert devtools.evaluate(SHOWN) == before
        devtools.wake()
        shows(devtools, said, within=3)


def test_a_long_absence_is_filled_in_below_a_reader_without_a_jump(network, server, visit, come):
    ada = visit(network, "ada", reduced_motion="reduce").register()
    robot = come(server, "robot")
    before = write_many(robot, 80)
    expect(ada.messages).to_have_count(80)
    ada.page.locator(".timeline").evaluate("timeline => timeline.scrollTo(0, 300)")
    expect(ada.page.locator(".pill.below")).to_be_visible()
    place = "text => text.getBoundingClientRect().top"
    was = ada.messages.nth(12).evaluate(place)
    network.cut()
    expect(ada.line).to_contain_text("Offline")
    missed = write_many(robot)
    network.mend()
    ada.back_online()
    expect(ada.messages).to_have_count(80 + LONG_ABSENCE)
    assert texts_of(ada) == before + missed
    assert ada.messages.nth(12).evaluate(place) == pytest.approx(was, abs=1)


def test_nobody_sends_in_the_name_of_the_next_person_at_the_same_browser(server, network, visit):
    ada, ben = visit(network, "ada").register(), visit(server, "ben").register()
    network.cut()
    expect(ada.line).to_contain_text("Offline")
    ada.say("ada's own words")
    ada.page.context.clear_cookies()
    cleo = ada.beside("cleo")
    cleo.sign_up()
    network.mend()
    cleo.back_online()
    ada.page.bring_to_front()
    expect(ada.line).to_contain_text("Somebody else is logged in")
    expect(ada.page.get_by_role("button", name="Send")).to_be_disabled()
    ben.say("who is here?")
    for person in (ben, cleo):
        person.sees("who is here?")


def test_a_browser_that_keeps_nothing_still_talks(server, visit):
    ada = visit(server, "ada")
    ada.page.add_init_script("""
        for (const name of ["localStorage", "sessionStorage"]) {
          Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
        }""")
    ada.register()
    ada.say("hello")
    ada.sees("hello")
    ada.confirmed()
