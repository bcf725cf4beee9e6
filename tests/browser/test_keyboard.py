"""The page by keyboard: what a key does, and where the focus is afterwards."""

import pytest
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 360, "height": 700}}


def new_room(visitor, name):
    visitor.page.get_by_role("button", name="New room", exact=True).click()
    visitor.page.get_by_label("Name", exact=True).fill(name)
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator(".talk-title")).to_contain_text(name)


def test_the_keys_of_the_page_do_nothing_behind_a_dialog(server, visit):
    ada = visit(server, "ada").register()
    new_room(ada, "Tea")
    address = ada.page.url
    ada.page.get_by_role("button", name="Settings").click()
    dialog = ada.page.get_by_role("dialog")
    for keys in ("Alt+ArrowDown", "Alt+ArrowUp", "Control+k", "?"):
        ada.page.keyboard.press(keys)
    expect(dialog).to_have_accessible_name("Settings")
    assert ada.page.url == address
    ada.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    ada.page.keyboard.press("Control+k")
    expect(dialog).to_have_accessible_name("Go to a conversation")


def test_a_question_about_a_room_goes_with_the_room(server, visit):
    ada = visit(server, "ada").register()
    new_room(ada, "Tea")
    ada.page.get_by_role("button", name="Leave room").click()
    dialog = ada.page.get_by_role("dialog")
    expect(dialog).to_have_accessible_name("Leave Tea?")
    ada.page.go_back()
    expect(ada.page.locator(".talk-title")).to_contain_text("Lobby")
    expect(dialog).to_have_count(0)


def test_a_dialog_that_becomes_another_one_keeps_the_focus(server, visit):
    ada = visit(server, "ada").register()
    ada.page.get_by_role("button", name="Settings").click()
    dialog = ada.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Keyboard shortcuts").press("Enter")
    expect(dialog).to_have_accessible_name("Keyboard shortcuts")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    ada.page.keyboard.press("Escape")
    expect(ada.page.get_by_role("button", name="Settings")).to_be_focused()


def test_a_name_that_is_refused_is_where_one_goes_on(server, visit):
    ada = visit(server, "ada").register()
    ada.page.get_by_role("button", name="New room", exact=True).click()
    name = ada.page.get_by_label("Name", exact=True)
    name.fill("a\u0007b")
    ada.page.get_by_role("button", name="Create room").click()
    expect(ada.page.get_by_role("alert")).to_have_text("A name has 1 to 80 printable characters.")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description("A name has 1 to 80 printable characters.")
    name.fill("Tea")
    name.press("Enter")
    expect(ada.page.locator(".talk-title")).to_contain_text("Tea")
    expect(ada.box).to_be_focused()


def test_what_is_closed_hands_the_focus_on(serve, visit):
    ada = visit(serve(welcome="Be kind."), "ada").register()
    ada.page.locator("#members").get_by_role("button", name="Close").click()
    expect(ada.page.get_by_role("button", name="Members")).to_be_focused()
    ada.page.locator(".welcome").get_by_role("button", name="Close").click()
    expect(ada.box).to_be_focused()


@pytest.mark.parametrize("width", [1280, 360])
def test_who_has_left_a_room_stands_at_the_way_to_others(server, visit, width):
    ada = visit(server, "ada", viewport={"width": width, "height": 700}).register()
    ada.open("Lobby")
    if width < 700:
        ada.page.get_by_role("button", name="Members").click()
    ada.page.get_by_role("button", name="Leave room").click()
    ada.page.get_by_role("dialog").get_by_role("button", name="Leave room").click()
    expect(ada.page.get_by_role("button", name="Browse rooms").last).to_be_focused()


def test_back_at_the_list_a_phone_stands_where_one_came_from(server, visit):
    ada = visit(server, "ada", **PHONE).register()
    ada.open("Lobby")
    ada.page.get_by_role("link", name="Back").press("Enter")
    expect(ada.page.locator(".sidebar .row")).to_be_focused()


def test_members_above_the_talk_hold_the_focus_until_they_are_closed(server, visit):
    ada = visit(server, "ada", viewport={"width": 768, "height": 900}).register()
    button, members = ada.page.get_by_role("button", name="Members"), ada.page.locator("#members")
    for close in (
        lambda: ada.page.keyboard.press("Escape"),
        lambda: members.get_by_role("button", name="Close").click(),
        lambda: ada.page.mouse.click(350, 400),
    ):
        button.click()
        expect(members.get_by_role("button", name="Close")).to_be_focused()
        expect(ada.page.locator(".talk")).to_have_attribute("inert", "")
        close()
        expect(members).to_have_count(0)
        expect(ada.page.locator(".talk[inert]")).to_have_count(0)
        expect(ada.page.locator("[aria-controls=members]")).to_be_focused()


def test_members_above_the_talk_do_not_come_along_to_another_one(server, visit):
    ada = visit(server, "ada", viewport={"width": 768, "height": 900}).register()
    new_room(ada, "Tea")
    ada.page.get_by_role("button", name="Members").click()
    ada.open("Lobby")
    expect(ada.page.locator(".talk-title")).to_contain_text("Lobby")
    expect(ada.page.locator("#members")).to_have_count(0)
    expect(ada.box).to_be_focused()


def test_the_list_is_one_stop_and_the_arrows_walk_through_it(server, visit):
    ada, ben = visit(server, "ada").register(), visit(server, "ben").register()
    new_room(ada, "Tea")
    ben.talk_to("ada")
    ben.say("psst")
    rows = ada.page.locator(".sidebar .row")
    expect(rows).to_have_count(3)
    ada.page.get_by_role("button", name="New room").focus()
    met = []
    for key in ("Tab", "ArrowUp", "ArrowDown", "ArrowDown", "Tab"):
        ada.page.keyboard.press(key)
        met.append(ada.page.evaluate("document.activeElement.querySelector('.row-title bdi')?.textContent ?? null"))
    assert met == ["Tea", "Lobby", "Tea", "ben", None]


def test_escape_leads_from_the_messages_to_the_box(server, visit):
    ada = visit(server, "ada").register()
    ada.say("hello")
    ada.confirmed()
    ada.page.locator(".timeline").focus()
    ada.page.keyboard.press("ArrowUp")
    expect(ada.page.locator(".message")).to_be_focused()
    ada.page.keyboard.press("Escape")
    expect(ada.box).to_be_focused()
