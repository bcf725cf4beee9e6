"""The chat page in a site that knew nothing of chat: under its strict policy, with its people's pictures."""

from __future__ import annotations

import pytest
from live import sites
from playwright.sync_api import expect

shop = sites.shop


@pytest.fixture
def shopper(shop, visit):
    """`shopper("ada")` has logged in at the shop and opened the chat."""

    def come(name: str, **context):
        visitor = visit(shop, name, **context)
        page = visitor.page
        page.goto(f"{shop.url}/account/login")
        page.fill("[name=email]", f"{name}@shop.example")
        page.fill("[name=password]", "correct-horse")
        page.press("[name=password]", "Enter")
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        page.goto(f"{shop.url}/chat/")
        visitor.open("Lobby")
        expect(visitor.box).to_be_attached()
        return visitor

    return come


def drawn(image) -> None:
    """The picture is there, not just its frame."""
    expect(image).to_be_visible()
    image.evaluate("image => image.decode()")


def test_customers_talk_under_the_shops_policy_and_see_each_others_pictures(shopper):
    ada, ben = shopper("ada"), shopper("ben")
    ada.say("Is the teapot good?")
    ben.say("The best.")
    ada.sees("Is the teapot good?", "The best.")
    for visitor in (ada, ben):
        for place in (".sidebar-foot", ".message.head:not(.mine)", ".message.head.mine", ".members li"):
            drawn(visitor.page.locator(f"{place} .avatar img").first)
    ada.shot("shop-chat")


def test_a_picture_that_does_not_come_leaves_the_initials(shopper):
    ben = shopper("ben")
    ben.page.route("**/static/ben.svg", lambda route: route.abort())
    ben.page.reload()
    face = ben.page.locator(".sidebar-foot .avatar")
    expect(face.locator("img")).to_be_hidden()
    expect(face).to_have_text("B")


def test_a_logout_in_another_tab_ends_the_chat_of_this_one(shopper):
    ada = shopper("ada")
    shop = ada.page.context.new_page()
    shop.goto(ada.site.url)
    shop.get_by_role("button", name="Log out").click()
    expect(ada.line).to_contain_text("session")


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("dark", {"color_scheme": "dark"}),
        ("phone", {"viewport": {"width": 360, "height": 720}}),
        ("chinese", {"locale": "zh-CN"}),
    ],
)
def test_pictures_look_well_everywhere(shopper, name, context):
    cleo = shopper("cleo", **context)
    cleo.say("你好")
    drawn(cleo.page.locator(".message .avatar img").first)
    cleo.shot(f"shop-chat-{name}")
