"""The page by keyboard: what a key does, and where the focus is afterwards."""

from playwright.sync_api import expect


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
