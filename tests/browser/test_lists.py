"""The lists that one chooses from, and how what is in them lies side by side."""

import pytest
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 360, "height": 700}}
HEBREW = "שלום לכולם זו הודעה ארוכה מאוד בעברית " * 4


def overlap(one, other) -> bool:
    a, b = one.bounding_box(), other.bounding_box()
    beside = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
    below = a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
    return not (beside or below)


def test_what_a_filter_does_not_find_is_said_to_be_not_found(server, visit):
    ada = visit(server, "ada").register()
    for button, filter_ in (("Browse rooms", "Search rooms"), ("New message", "Search people")):
        visit(server, f"friend of {button}").register()
        ada.page.get_by_role("button", name=button, exact=True).click()
        dialog = ada.page.get_by_role("dialog")
        expect(dialog.locator(".row")).not_to_have_count(0)
        ada.page.get_by_label(filter_).fill("zzzz")
        expect(dialog.locator(".hint")).to_have_text("Nothing found.")
        ada.page.keyboard.press("Escape")
        ada.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


def test_a_dialog_stays_where_it_is_while_one_filters(server, visit):
    ada = visit(server, "ada", reduced_motion="reduce").register()
    ada.page.get_by_role("button", name="Browse rooms").click()
    dialog = ada.page.get_by_role("dialog")
    expect(dialog.locator(".row")).to_have_count(1)
    before = dialog.bounding_box()["y"]
    ada.page.get_by_label("Search rooms").fill("zzzz")
    expect(dialog.locator(".row")).to_have_count(0)
    assert dialog.bounding_box()["y"] == before


def test_where_there_is_no_room_to_join_one_makes_one(serve, visit):
    ada = visit(serve(default_rooms=""), "ada")
    ada.sign_up()
    ada.page.get_by_role("button", name="Browse rooms").first.click()
    ada.page.get_by_role("dialog").get_by_role("button", name="New room").click()
    expect(ada.page.get_by_role("dialog")).to_have_accessible_name("New room")


def test_the_last_letters_of_a_text_from_right_to_left_do_not_lie_under_the_tick(server, visit):
    ada = visit(server, "ada").register()
    ada.say(HEBREW.strip())
    ada.confirmed()
    text = ada.page.locator(".mine .text")
    end = text.evaluate("text => text.getBoundingClientRect().right - parseFloat(getComputedStyle(text).paddingRight)")
    assert end <= ada.page.locator(".mine .tick").bounding_box()["x"]


@pytest.mark.parametrize("width", [1280, 360])
def test_time_and_count_of_a_row_without_a_preview_stand_apart(server, visit, width):
    ada = visit(server, "ada", viewport={"width": width, "height": 700}).register()
    ben = visit(server, "ben").register()
    ben.talk_to("ada")
    ben.say("psst")
    row = ada.page.locator(".sidebar .row", has_text="ben")
    expect(row.locator(".badge")).to_be_visible()
    row.locator(".row-preview").evaluate("preview => preview.replaceChildren()")
    assert not overlap(row.locator(".row-time"), row.locator(".badge"))


def test_a_place_that_one_may_not_be_at_has_a_way_back_above_all(serve, visit):
    ada = visit(serve(welcome="Be kind."), "ada", **PHONE).register()
    ada.page.goto(f"{ada.site.url}/chat/#g:nowhere")
    back = ada.page.locator(".talk-head").get_by_role("link", name="Back")
    expect(ada.page.locator(".talk .empty")).to_contain_text("You are not in this room")
    assert back.bounding_box()["y"] < ada.page.locator(".welcome").bounding_box()["y"]
    back.click()
    expect(ada.page.locator(".sidebar")).to_be_visible()


def test_what_fingers_touch_is_wide_enough_for_them(server, visit):
    ada = visit(server, "ada", **PHONE, has_touch=True, is_mobile=True)
    ada.page.goto(f"{server.url}/login")
    wide_enough(ada.page, ".site-head a")
    ada.register()
    ada.page.get_by_role("button", name="Settings").tap()
    wide_enough(ada.page, ".segment span")
    ada.page.keyboard.press("Escape")
    ada.page.get_by_role("button", name="New room").tap()
    wide_enough(ada.page, ".choice")
    ada.page.keyboard.press("Escape")
    ada.open("Lobby")
    wide_enough(ada.page, "#composer, .send, .icon-button")


def wide_enough(page, selector):
    expect(page.locator(selector).locator("visible=true")).not_to_have_count(0)
    heights = page.locator(selector).evaluate_all(
        "all => all.filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44, heights


@pytest.mark.parametrize(("lang", "me"), [("en", "ada (you)"), ("zh-CN", "ada（我）")])
def test_among_the_members_one_is_oneself(server, visit, lang, me):
    ada = visit(server, "ada", locale=lang).register()
    expect(ada.page.locator("#members .row-title")).to_have_text(me)


def test_without_a_connection_nobody_is_said_to_be_here_and_nothing_to_be_on_its_way(network, server, visit, come):
    ada, robot = visit(network, "ada").register(), come(server, "robot")
    robot.ask(type="pm", uid="1", content="one")
    robot.ask(type="pm", uid="1", content="two")
    subtitle, dots = ada.page.locator(".talk-title p"), ada.page.locator(".presence")
    expect(subtitle).to_have_text("2 members · 2 online")
    expect(dots).not_to_have_count(0)
    ada.page.reload()
    expect(ada.page.locator(".sidebar .row-preview", has_text="two")).to_be_visible()
    network.cut()
    expect(subtitle).to_have_text("2 members")
    expect(dots).to_have_count(0)
    expect(ada.page.locator("#members")).not_to_contain_text("Online")
    ada.open("robot")
    expect(ada.messages).to_have_text(["two"])
    expect(ada.page.locator(".hole")).to_contain_text("No connection")
    ada.shot("talk-opened-offline")
    network.mend()
    ada.retry_now()
    ada.sees("one", "two")
    ada.open("Lobby")
    expect(subtitle).to_have_text("2 members · 2 online")
