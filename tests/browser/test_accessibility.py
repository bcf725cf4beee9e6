"""What axe-core has to say of each page, wide and light, narrow and dark."""

from __future__ import annotations

import pytest
from live import sites
from live.fixtures import serving
from live.server import ROOT
from playwright.sync_api import Frame, Page, expect

AXE = ROOT / "tests" / "node" / "node_modules" / "axe-core" / "axe.min.js"
# Messages are articles in a log that is drawn as a list; the rule is about the choice of tags alone.
RULES = {"aria-allowed-role": {"enabled": False}}
LOOKS = [(1280, 800, "light"), (360, 700, "dark")]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("house"), text_rooms="1", rate="0") as server:
        yield server


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = sites.Site(tmp_path_factory.mktemp("corner"), "hosts.corner:app")
    site.start()
    yield site
    site.stop()


def mistakes(where: Page | Frame, within: str = "document") -> list[str]:
    found = where.evaluate(f"rules => axe.run({within}, {{ rules }})", RULES)["violations"]
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def well_made(page: Page, within: str = "document") -> None:
    page.evaluate(AXE.read_text())
    for width, height, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert mistakes(page, within) == [], (page.url, width, scheme)
    page.set_viewport_size({"width": 1280, "height": 800})


def test_the_pages_before_the_chat(house, visit):
    page = visit(house, "nobody").page
    for path in ("/", "/register", "/nothing"):
        page.goto(house.url + path)
        well_made(page)
    page.goto(f"{house.url}/login")
    page.fill("[name=username]", "nobody")
    page.fill("[name=password]", "wrong-wrong")
    page.press("[name=password]", "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    well_made(page)


def test_the_chat_page_and_its_dialogs(house, visit, come):
    ada, ben = visit(house, "ada").register(), come(house, "77", "ben")
    ada.say("https://example.com/")
    ada.confirmed()
    ben.ask(type="group", gid="lobby", content="hi")
    ada.sees("https://example.com/", "hi")
    well_made(ada.page)
    for name in ("Settings", "New message", "Browse rooms", "New room"):
        ada.page.get_by_role("button", name=name, exact=True).click()
        expect(ada.page.get_by_role("dialog")).to_be_visible()
        assert mistakes(ada.page) == [], name
        ada.page.keyboard.press("Escape")


def test_a_chat_page_without_a_connection(network, visit):
    ada = visit(network, "ada").register()
    network.cut()
    expect(ada.line).to_be_visible()
    well_made(ada.page)


def test_a_plain_text_room(house, visit):
    ada = visit(house, "ada of the text room")
    ada.sign_up()
    ada.page.goto(f"{house.url}/chat/text/tea")
    expect(ada.page.locator("#state")).to_have_text("Connected")
    well_made(ada.page)
    ada.page.fill("#text", "hello")
    ada.page.press("#text", "Enter")
    expect(ada.page.locator("#lines li")).to_have_count(1)
    well_made(ada.page)


def test_the_widget(site, visit, come):
    page = visit(site, "ada").page
    page.goto(f"{site.url}/enter/1/ada")
    page.goto(f"{site.url}/page/one?room=support&dark&greeting=May I help?")
    element = "document.querySelector('legacy-chat')"
    expect(page.locator(".greeting")).to_be_visible()
    well_made(page, element)
    page.locator("#toggle").click()
    expect(page.locator("#composer")).to_be_focused()
    ben = come(site, "2", "ben")
    ben.ask(type="join", gid="support")
    ben.ask(type="group", gid="support", content="hi")
    expect(page.locator(".message .text")).to_have_text("hi")
    well_made(page, element)
