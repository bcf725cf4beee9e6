"""Two people and the page, in Chromium."""

import signal

import pytest
from live.raw import eventually
from playwright.sync_api import expect

from .conftest import Visitor

PHONE = {"viewport": {"width": 360, "height": 700}}


def test_two_people_talk_reload_and_see_the_same(server, visit):
    ada, ben = visit(server, "ada").register(), visit(server, "小明").register()
    ada.say("hello everybody")
    ben.sees("hello everybody")
    ben.say("大家好")
    ada.sees("hello everybody", "大家好")
    ada.confirmed()
    expect(ada.page.locator(".members .row", has_text="小明")).to_contain_text("Online")
    expect(ada.page.locator(".sidebar-foot")).to_contain_text("2 people here")
    ada.shot("room-desktop")

    ada.talk_to("小明")
    ada.say("between us")
    ben.open("ada")
    ben.sees("between us")
    ben.say("悄悄话")
    ada.sees("between us", "悄悄话")

    for person in (ada, ben):
        person.page.reload()
    ada.open("小明")
    ada.sees("between us", "悄悄话")
    ada.open("Lobby")
    ada.sees("hello everybody", "大家好")


def test_the_server_restarts_under_them_and_they_go_on_by_themselves(server, visit):
    ada, ben = visit(server, "ada").register(), visit(server, "ben").register()
    ada.say("before")
    ben.sees("before")
    server.kill()
    expect(ada.page.locator(".connection-line")).to_contain_text("Offline")
    ada.say("while it is away")
    expect(ada.messages).to_have_count(2)
    server.start()
    ben.sees("before", "while it is away")
    ben.say("welcome back")
    ada.sees("before", "while it is away", "welcome back")
    ada.confirmed()
    expect(ada.page.locator(".connection-line")).to_have_count(0)


def test_a_reload_of_the_server_is_nothing_to_do_about(server, visit):
    ada, ben = visit(server, "ada").register(), visit(server, "ben").register()
    old = server.workers()
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: not set(server.workers()) & set(old), what="the end of the old worker")
    ada.say("did you notice?")
    ben.sees("did you notice?")
    ada.confirmed()
    expect(ben.page.locator(".connection-line")).to_have_count(0)


def test_text_is_never_html(server, visit):
    ada, ben = visit(server, "<b>ada</b>").register(), visit(server, "ben").register()
    evil = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
    ada.say(evil)
    ben.sees(evil)
    assert ben.page.locator("[role=log] img, [role=log] script, [role=log] b").count() == 0


def test_enter_sends_shift_enter_breaks_and_an_input_method_is_left_alone(server, visit):
    ada = visit(server, "ada").register()
    ada.box.press_sequentially("first")
    ada.box.press("Shift+Enter")
    ada.box.press_sequentially("second")
    composing = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true})"
    safari = (
        "Object.defineProperty(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}), 'keyCode', {value: 229})"
    )
    for event in (composing, safari):
        ada.box.evaluate(f"box => box.dispatchEvent({event})")
    expect(ada.messages).to_have_count(0)
    ada.box.press("Enter")
    ada.sees("first\nsecond")
    ada.box.press("Enter")
    ada.box.fill("   ")
    ada.box.press("Enter")
    ada.confirmed()
    expect(ada.messages).to_have_count(1)


def test_scrolling_up_loads_what_was_said_before(server, visit, come):
    ada = visit(server, "ada").register()
    robot = come(server, "robot")
    for number in range(130):
        robot.ask(type="group", gid="lobby", content=f"number {number}")
    ada.page.reload()
    expect(ada.messages.last).to_have_text("number 129")
    log = ada.page.locator(".timeline")
    before = ada.messages.count()
    assert before < 130
    while before < 130:
        log.evaluate("timeline => timeline.scrollTo(0, 0)")
        expect(ada.messages.nth(before)).to_be_attached()
        before = ada.messages.count()
    expect(ada.messages.first).to_have_text("number 0")
    expect(ada.messages).to_have_count(130)


def test_a_draft_survives_a_reload(server, visit):
    ada = visit(server, "ada").register()
    ada.box.fill("half a thought")
    ada.page.reload()
    expect(ada.box).to_have_value("half a thought")


def test_a_phone_shows_one_pane_at_a_time_in_the_dark_in_chinese(server, visit):
    ming = visit(server, "小明", locale="zh-CN", color_scheme="dark", **PHONE).register()
    expect(ming.page.get_by_text("聊天室").first).to_be_visible()
    ming.shot("list-phone-dark-zh")
    ming.open("Lobby")
    ming.say("你好，世界")
    ming.sees("你好，世界")
    ming.shot("room-phone-dark-zh")
    width = ming.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    ming.page.get_by_role("link", name="返回").click()
    expect(ming.page.locator(".sidebar")).to_be_visible()


def test_logging_out_ends_the_session_in_words(server, visit):
    ada = visit(server, "ada").register()
    second = ada.page.context.new_page()
    second.goto(f"{server.url}/chat/")
    expect(second.locator("#composer")).to_be_attached()
    second.get_by_role("button", name="Settings").click()
    second.get_by_role("button", name="Log out").click()
    expect(second.get_by_role("link", name="Log in").first).to_be_visible()
    expect(ada.page.locator(".connection-line")).to_contain_text("session has ended")
    expect(ada.page.locator(".connection-line a")).to_have_attribute("href", "/chat/")


def test_the_page_asks_nobody_but_its_own_site(server, visit):
    ada = visit(server, "ada")
    asked: list[str] = []
    ada.page.on("request", lambda request: asked.append(request.url))
    ada.register()
    assert asked
    assert [url for url in asked if not url.startswith((server.url, server.url.replace("http", "ws")))] == []


def test_a_window_made_narrow_shows_the_talk_and_not_the_members(server, visit):
    ada = visit(server, "ada").register()
    members = ada.page.locator("#members")
    expect(members).to_be_visible()
    ada.page.set_viewport_size({"width": 768, "height": 900})
    expect(members).to_have_count(0)
    ada.page.set_viewport_size({"width": 1280, "height": 800})
    expect(members).to_be_visible()


@pytest.fixture
def missed(server, visit, come):
    """Ada, who looks at the page again after 40 messages."""
    ada, robot = visit(server, "ada").register(), come(server, "robot")
    ada.say("I am away for a minute")
    ada.confirmed()
    ada.page.evaluate("Object.defineProperty(document, 'hasFocus', {value: () => false, configurable: true})")
    ada.page.evaluate("dispatchEvent(new Event('blur'))")
    for number in range(40):
        robot.ask(type="group", gid="lobby", content=f"number {number}")
    expect(ada.messages.last).to_have_text("number 39")
    ada.page.evaluate("delete document.hasFocus; dispatchEvent(new Event('focus'))")
    expect(ada.page.get_by_role("button", name="40 new messages")).to_be_visible()
    return ada


def test_what_came_while_one_looked_elsewhere_begins_above(missed):
    missed.page.get_by_role("button", name="40 new messages").click()
    expect(missed.page.locator(".divider")).to_be_in_viewport()
    expect(missed.page.get_by_role("button", name="new messages")).to_have_count(0)


def test_what_is_new_in_one_conversation_is_not_said_in_another(missed):
    missed.talk_to("robot")
    expect(missed.page.get_by_role("button", name="new messages")).to_have_count(0)


def test_a_phone_says_beside_the_list_too_that_it_is_offline(network, visit):
    ada = visit(network, "ada", **PHONE).register()
    expect(ada.page.locator(".talk")).to_be_hidden()
    network.cut()
    expect(ada.line).to_be_visible()
    ada.shot("list-phone-offline")
    ada.open("Lobby")
    expect(ada.box).to_be_visible()
    expect(ada.line).to_be_visible()
    network.mend()
    ada.retry_now()


def open_room(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_role("button", name="New room").click()
    visitor.page.get_by_label("Name").fill(name)
    visitor.page.get_by_role("button", name="Create room").click()
    expect(visitor.page.locator(".talk-title")).to_contain_text(name)


def test_one_invites_into_rooms_that_people_opened_and_is_offered_it_nowhere_else(server, visit):
    """The lobby is the site's own: who is in it is not for its members to say."""
    ada = visit(server, "ada").register()
    members = ada.page.locator("#members")
    expect(members).to_be_visible()
    expect(members.get_by_role("button", name="Leave room")).to_be_visible()
    expect(members.get_by_role("button", name="Invite people")).to_have_count(0)
    ada.shot("members-of-the-lobby")
    open_room(ada, "👩\u200d👩\u200d👧 Fam")
    expect(members.get_by_role("button", name="Invite people")).to_be_visible()
    ada.shot("members-of-a-room-that-ada-opened")


def leave_dialog(visitor: Visitor):
    visitor.page.locator("#members").get_by_role("button", name="Leave room").click()
    return visitor.page.get_by_role("dialog")


@pytest.mark.parametrize("about", ["Invite people", "Leave room"])
def test_a_room_that_is_left_in_another_tab_takes_its_dialog_along(server, visit, about):
    ada = visit(server, "ada").register()
    open_room(ada, "Tea")
    other = ada.tab()
    ada.page.locator("#members").get_by_role("button", name=about).click()
    expect(ada.page.get_by_role("dialog")).to_contain_text("Tea")
    leave_dialog(other).get_by_role("button", name="Leave room").click()
    expect(ada.page.locator(".talk .empty")).to_contain_text("You are not in this room")
    expect(ada.page.get_by_role("dialog")).to_have_count(0)
    ada.open("Lobby")
    ada.say("It goes on.")
    ada.sees("It goes on.")


def test_who_goes_elsewhere_meanwhile_is_not_asked_about_another_room(server, visit):
    ada = visit(server, "ada").register()
    open_room(ada, "Tea")
    dialog = leave_dialog(ada)
    ada.page.go_back()
    expect(ada.page.locator(".talk-title")).to_contain_text("Lobby")
    expect(dialog).to_be_hidden()
    expect(ada.page.locator(".sidebar").get_by_text("Tea", exact=True)).to_be_visible()
