"""What makes itself noticed: pushes of the site, sounds, notifications, the tab's title, and who is here."""

import re

from live.raw import eventually
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 360, "height": 700}}

# Counts what a page does outside of itself, and lets a test say whether somebody looks at it: Playwright's pages always
# count as seen and focused.
WITNESS = """
    window.witness = { sounds: 0, notified: [], asked: 0, looking: true };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) { witness.sounds += 1; return start.apply(this, when); };
    window.Notification = class extends Notification {
      static get permission() { return witness.permission ?? super.permission; }
      static async requestPermission() {
        witness.asked += 1;
        witness.permission = undefined;
        return super.requestPermission();
      }
      constructor(title, options) { super(title, options); witness.notified.push(this); }
    };
    document.hasFocus = () => witness.looking;
    window.look = (looking) => {
      witness.looking = looking;
      dispatchEvent(new Event(looking ? "focus" : "blur"));
    };
    window.hide = (hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      Object.defineProperty(document, "visibilityState", { value: hidden ? "hidden" : "visible", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    };
"""
TONES = 2  # one sound


def watched(visitor):
    visitor.page.context.add_init_script(WITNESS)
    return visitor


def looks_away(*visitors):
    for visitor in visitors:
        visitor.page.evaluate("look(false)")


def looks(visitor):
    visitor.page.evaluate("look(true)")


def sounds(*visitors):
    return sum(visitor.page.evaluate("witness.sounds") for visitor in visitors) / TONES


def notified(*visitors):
    """(title, body) of every notification that the browser was given."""
    return [
        tuple(one)
        for visitor in visitors
        for one in visitor.page.evaluate("witness.notified.map(({ title, body }) => [title, body])")
    ]


def toasts(visitor):
    return visitor.page.locator(".toasts .toast-text p")


def settle(*visitors):
    """The tabs had time to agree on who speaks."""
    for visitor in visitors:
        visitor.page.wait_for_timeout(600)


def test_a_push_is_a_toast_as_text_which_can_be_closed(server, visit, push):
    ada = visit(server, "ada").register()
    push(server, all=True, content="<b>Tea</b> is ready\n& warm")
    expect(toasts(ada)).to_have_text(["<b>Tea</b> is ready\n& warm"], use_inner_text=True)
    assert ada.page.locator(".toasts b").count() == 0
    expect(ada.page.locator(".toasts")).to_have_attribute("aria-live", "polite")
    ada.shot("toast-desktop")
    ada.page.locator(".toast").get_by_role("button", name="Close").click()
    expect(toasts(ada)).to_have_count(0)
    for number in range(5):
        push(server, all=True, content=f"notice {number}")
    expect(toasts(ada)).to_have_text(["notice 2", "notice 3", "notice 4"])


def test_a_stored_push_leads_to_its_conversation(server, visit, push):
    ada = visit(server, "ada").register()
    push(server, uid=uid_of(ada), content="Your parcel is here.", durable=True, sender={"uid": "post", "name": "Post"})
    expect(toasts(ada)).to_have_text(["Your parcel is here."])
    expect(ada.page).to_have_title(re.compile(r"^\(1\) "))
    ada.page.locator(".toast").get_by_role("button", name="Open").click()
    ada.sees("Your parcel is here.")
    expect(toasts(ada)).to_have_count(0)
    expect(ada.page).to_have_title(re.compile(r"^Post"))


def test_other_events_are_for_the_scripts_of_the_site(server, visit, push):
    ada = visit(server, "ada").register()
    ada.page.evaluate("addEventListener('legacy-chat:cart.changed', ({ detail }) => { window.cart = detail; })")
    push(server, all=True, name="cart.changed", data={"items": [1, 2]})
    ada.page.wait_for_function("window.cart?.items.length === 2")
    expect(toasts(ada)).to_have_count(0)


def test_nobody_is_asked_for_notifications_before_a_click(server, visit, push):
    ada = watched(visit(server, "ada"))
    ada.page.context.grant_permissions(["notifications"], origin=server.url)
    ada.register()
    ada.page.evaluate("witness.permission = 'default'")
    looks_away(ada)
    push(server, all=True, content="unnoticed")
    expect(toasts(ada)).to_have_count(1)
    settle(ada)
    assert (ada.page.evaluate("witness.asked"), notified(ada)) == (0, [])
    ada.page.get_by_role("button", name="Settings").click()
    ada.shot("settings-ask-desktop")
    ada.page.get_by_role("button", name="Enable notifications").click()
    expect(ada.page.get_by_role("group", name="Notifications").get_by_role("radio", name="On")).to_be_checked()
    assert ada.page.evaluate("witness.asked") == 1
    push(server, all=True, content="noticed")
    eventually(lambda: notified(ada) == [("Chat", "noticed")], what="a notification")


def test_a_notification_comes_when_nobody_looks_and_leads_to_the_room(server, visit, push):
    ada, ben = watched(visit(server, "ada")), visit(server, "ben").register()
    ada.page.context.grant_permissions(["notifications"], origin=server.url)
    ada.register()
    ben.say("while you look")
    ada.sees("while you look")
    looks_away(ada)
    ben.say("while you do not")
    eventually(lambda: notified(ada), what="a notification")
    push(server, all=True, content="Tea is ready")
    eventually(lambda: len(notified(ada)) == 2, what="another one")
    assert notified(ada) == [("Lobby", "ben: while you do not"), ("Chat", "Tea is ready")]
    ada.page.evaluate("location.hash = ''")
    ada.page.evaluate("witness.notified[0].onclick()")
    expect(ada.page).to_have_url(re.compile("#g:lobby$"))


def test_one_of_two_tabs_sounds_and_notifies(server, visit, push):
    ada, ben = watched(visit(server, "ada")), visit(server, "ben").register()
    ada.page.context.grant_permissions(["notifications"], origin=server.url)
    ada.register()
    second = ada.tab()
    for tab in (ada, second):
        tab.page.locator(".talk-title").click()  # a sound needs a touch of the page
    looks_away(ada, second)
    ben.say("hello")
    eventually(lambda: sounds(ada, second) == 1, what="a sound")
    settle(ada, second)
    assert sounds(ada, second) == 1
    assert notified(ada, second) == [("Lobby", "ben: hello")]
    for tab in (ada, second):
        expect(tab.page).to_have_title(re.compile(r"^\(1\) "))

    looks(second)
    ada.page.wait_for_timeout(1_000)  # a sound so soon after the last one would not be made
    push(server, all=True, content="Tea is ready")
    eventually(lambda: sounds(ada, second) == 2, what="the sound of the push")
    settle(ada, second)
    assert sounds(ada, second) == 2
    assert len(notified(ada, second)) == 1


def test_before_ones_eyes_and_in_a_muted_room_it_is_quiet(server, visit):
    ada, ben = watched(visit(server, "ada")).register(), visit(server, "ben").register()
    ada.page.locator(".talk-title").click()
    ben.say("you read this")
    ada.sees("you read this")
    ada.page.get_by_role("button", name="Mute").click()
    looks_away(ada)
    ben.say("and not this")
    expect(ada.page.locator(".sidebar .badge.muted")).to_be_visible()
    settle(ada)
    assert sounds(ada) == 0
    expect(ada.page).to_have_title(re.compile("^Lobby"))
    ada.shot("muted-desktop")
    ada.page.get_by_role("button", name="Mute").click()
    expect(ada.page).to_have_title(re.compile(r"^\(\d\) Lobby"))


def test_the_title_counts_pushes_until_somebody_looks(server, visit, push):
    ada = watched(visit(server, "ada")).register()
    looks_away(ada)
    for content in ("one", "two"):
        push(server, all=True, content=content)
    expect(ada.page).to_have_title(re.compile(r"^\(2\) "))
    expect(ada.page.locator("#favicon")).to_have_attribute("href", re.compile("unread"))
    looks(ada)
    expect(ada.page).to_have_title(re.compile("^Lobby"))
    expect(ada.page.locator("#favicon")).not_to_have_attribute("href", re.compile("unread"))


def test_the_sound_can_be_tried_and_switched_off(server, visit, push):
    ada = watched(visit(server, "ada")).register()
    ada.page.get_by_role("button", name="Settings").click()
    ada.page.get_by_role("button", name="Test").click()
    eventually(lambda: sounds(ada) == 1, what="the sound")
    ada.shot("settings-desktop")
    ada.page.get_by_role("group", name="Sound").get_by_role("radio", name="Off").check()
    ada.page.keyboard.press("Escape")
    looks_away(ada)
    push(server, all=True, content="Tea is ready")
    expect(toasts(ada)).to_have_count(1)
    settle(ada)
    assert sounds(ada) == 1


def test_presence_is_online_away_and_last_seen(serve, visit):
    server = serve(grace_seconds="1")
    ada, ben = visit(server, "ada").register(), watched(visit(server, "ben")).register()
    row = ada.page.locator(".members .row", has_text="ben")
    expect(row).to_contain_text("Online")
    ben.page.evaluate("hide(true)")
    expect(row).to_contain_text("Away")
    expect(row.locator(".presence.away")).to_be_attached()
    ada.talk_to("ben")
    expect(ada.page.locator(".talk-title p")).to_have_text("Away")
    ada.shot("away-desktop")
    ben.page.evaluate("hide(false)")
    expect(ada.page.locator(".talk-title p")).to_have_text("Online")
    ben.page.goto("about:blank")
    expect(ada.page.locator(".talk-title p")).to_have_text(re.compile("^Last seen "))
    ada.shot("last-seen-desktop")


def test_a_phone_in_the_dark_in_chinese_has_room_for_all_of_it(server, visit, push):
    ming = watched(visit(server, "小明", locale="zh-CN", color_scheme="dark", **PHONE)).register()
    ming.open("Lobby")
    push(server, all=True, content="您的订单已发货，预计明天送达。" * 6)
    push(
        server,
        uid=uid_of(ming),
        content="您好，请问有什么可以帮您？",
        durable=True,
        sender={"uid": "cs", "name": "客服"},
    )
    expect(toasts(ming)).to_have_count(2)
    ming.shot("toast-phone-dark-zh")
    for left in (1, 0):
        ming.page.locator(".toast").get_by_role("button", name="关闭").first.click()
        expect(toasts(ming)).to_have_count(left)
    assert ming.page.evaluate("document.documentElement.scrollWidth") <= 360
    ming.page.get_by_role("link", name="返回").click()
    ming.page.get_by_role("button", name="设置").click()
    expect(ming.page.get_by_role("group", name="提示音")).to_be_visible()
    ming.shot("settings-phone-dark-zh")
    assert ming.page.evaluate("document.documentElement.scrollWidth") <= 360


def uid_of(visitor):
    return visitor.page.evaluate("JSON.parse(document.querySelector('#chat-boot').textContent).uid")
