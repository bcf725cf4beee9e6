"""A page of a PHP site with the chat in its corner; the chat is another origin."""

import pytest
from live.php import Site
from playwright.sync_api import expect

PASSWORD = "correct-horse"


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.stop()


def test_ada_of_a_php_site_talks_in_the_corner_of_its_page(site, visit, come):
    ada = visit(site, "ada")
    ada.page.goto(site.url)
    ada.page.fill("[name=username]", "ada")
    ada.page.fill("[name=password]", PASSWORD)
    ada.page.get_by_role("button", name="Log in").click()
    expect(ada.page.get_by_text("Hello ada")).to_be_visible()

    ada.page.get_by_role("button", name="Chat").click()
    frame = ada.page.frame_locator("iframe")
    frame.get_by_text("Lobby").first.click()
    frame.locator("#composer").fill("hello from PHP")
    frame.locator("#composer").press("Enter")
    expect(frame.locator(".message .text").last).to_have_text("hello from PHP")
    expect(frame.locator(".message.pending, .message.failed")).to_have_count(0)

    token = site.visit("ben").open("/token.php")[1]
    ben = come(site.chat, login={"token": token}, headers=[("Origin", site.url)])
    ben.ask(type="group", gid="lobby", content="hello ada")
    expect(frame.locator(".message .text").last).to_have_text("hello ada")
    ada.shot("php-site")
