"""The chat in the corner of pages: of a site with a strict policy and greedy styles, of another origin, of the shop."""

from __future__ import annotations

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

import pytest
from live import sites
from live.raw import Person, eventually
from playwright.sync_api import Page, expect

from .conftest import Visitor
from .network import Network

shop = sites.shop
PHONE = {"viewport": {"width": 360, "height": 700}, "has_touch": True, "is_mobile": True}
CHANGES = 4
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="module")
def foreign_page():
    """A page of another origin; `foreign_page.html` and `.token` are what it answers."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            known = {"/": ("text/html", server.html), "/token": ("text/plain", server.token)}
            kind, body = known.get(self.path, ("text/plain", None))
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write((body or "").encode())

        def log_message(self, *_):
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.url = f"http://localhost:{server.server_port}"  # another site than 127.0.0.1
    server.html = server.token = None
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory, foreign_page):
    folder = tmp_path_factory.mktemp("corner")
    site = sites.Site(
        folder, "hosts.corner:app", allowed_origins=foreign_page.url, grace_seconds="2", token_seconds="5"
    )
    site.start()
    yield site
    site.stop()
    assert "Traceback" not in site.log(), site.log()


@pytest.fixture
def arrive(site, visit):
    """`arrive("1", "ada")` has logged in and stands on a page of the site."""

    def come(uid: str, name: str, page: str = "one", way: Network | None = None, **context) -> Visitor:
        visitor = visit(way or site, name, **context)
        visitor.page.goto(f"{visitor.site.url}/enter/{uid}/{name}")
        visitor.page.goto(f"{visitor.site.url}/page/{page}")
        return visitor

    return come


def toggle(page: Page):
    return page.locator("#toggle")


def open_widget(visitor: Visitor) -> None:
    toggle(visitor.page).click()
    expect(visitor.box).to_be_focused()


def is_open(page: Page) -> bool:
    return page.locator("legacy-chat").get_attribute("open") is not None


def test_two_people_talk_in_the_corner_of_a_page(arrive, site):
    ada, ben = arrive("1", "ada", "one?room=support"), arrive("2", "ben", "two?room=support")
    open_widget(ada)
    open_widget(ben)
    ada.say("Is anybody there?")
    ben.sees("Is anybody there?")
    ben.say("I am.")
    ada.sees("Is anybody there?", "I am.")
    ada.confirmed()
    ada.shot("widget-open-room")
    full = ada.page.get_by_role("link", name="Open in full")
    expect(full).to_have_attribute("href", f"{site.url}/chat/#g:support")


def test_no_style_of_the_page_reaches_it_and_none_of_its_own_reaches_the_page(arrive):
    ada = arrive("3", "ada", "one?room=support")
    site_styles = "element => [getComputedStyle(element).font, getComputedStyle(element).color]"
    before = ada.page.locator("h1").evaluate(site_styles)
    open_widget(ada)
    names = ["color", "fontSize", "letterSpacing", "float"]
    looks = ada.box.evaluate("(box, names) => names.map((name) => getComputedStyle(box)[name])", names)
    assert looks == ["rgb(28, 33, 44)", "15px", "normal", "none"]
    size = toggle(ada.page).bounding_box()
    assert (size["width"], size["height"]) == (56, 56)
    assert ada.page.locator("h1").evaluate(site_styles) == before


def test_it_is_opened_and_closed_by_keyboard_and_the_focus_comes_back(arrive):
    ada = arrive("4", "ada", "one?room=support")
    button = toggle(ada.page)
    expect(button).to_have_accessible_name("Chat")
    button.focus()
    ada.page.keyboard.press("Enter")
    expect(ada.box).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "true")
    ada.page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(ada.box).to_be_hidden()
    button.click()
    expect(ada.box).to_be_focused()
    ada.page.get_by_role("button", name="Minimise").click()
    expect(ada.box).to_be_hidden()


def test_where_it_covers_the_page_the_tab_key_stays_in_it(arrive):
    ada = arrive("27", "ada", "one?room=support", viewport={"width": 640, "height": 400})  # 1280 x 800 at 200 %
    open_widget(ada)
    stops = "document.activeElement.shadowRoot?.activeElement.ariaLabel"
    for key in ("Tab", "Shift+Tab"):
        met = set()
        for _ in range(8):
            ada.page.keyboard.press(key)
            met.add(ada.page.evaluate(stops))
        assert met == {"Open in full", "Minimise", "Messages of Support", "Message to Support"}
    ada.page.keyboard.press("Escape")
    expect(toggle(ada.page)).to_be_focused()


def test_escape_for_an_input_method_closes_nothing(arrive):
    ada = arrive("19", "ada", "one?room=support")
    open_widget(ada)
    escape = "new KeyboardEvent('keydown', {key: 'Escape', isComposing: %s, bubbles: true, composed: true})"
    safari = "Object.defineProperty(" + escape % "false" + ", 'keyCode', {value: 229})"
    for event in (escape % "true", safari):
        ada.box.evaluate(f"box => box.dispatchEvent({event})")
        assert is_open(ada.page)


def test_what_came_while_it_was_closed_is_counted(arrive, come, site):
    ada = arrive("5", "ada", "one?room=support")
    open_widget(ada)
    ada.page.keyboard.press("Escape")
    ben = come(site, "6", "ben")
    ben.ask(type="join", gid="support")
    for text in ("one", "two"):
        ben.ask(type="group", gid="support", content=text)
    badge = ada.page.locator("#badge")
    expect(badge).to_have_text("2")
    expect(toggle(ada.page)).to_have_accessible_name("Chat (2 unread)")
    ada.shot("widget-unread")
    ada.page.goto(f"{site.url}/page/three?room=support")  # closed there, and without a connection
    expect(badge).to_have_text("2")
    open_widget(ada)
    expect(badge).to_have_text("")
    ada.page.goto(f"{site.url}/page/four?room=support")
    expect(badge).to_have_text("")


def test_who_opens_it_again_begins_at_what_is_new(arrive, come, site):
    ada = arrive("17", "ada", "one?room=support")
    open_widget(ada)
    ada.say("Is somebody there?")
    ada.confirmed()
    ada.page.keyboard.press("Escape")
    ben = come(site, "18", "ben")
    ben.ask(type="join", gid="support")
    for number in range(30):
        ben.ask(type="group", gid="support", content=f"answer {number}")
    expect(ada.page.locator("#badge")).to_have_text("30")
    toggle(ada.page).click()
    expect(ada.page.locator(".divider")).to_be_in_viewport()
    expect(ada.messages.get_by_text("answer 0", exact=True)).to_be_in_viewport()


def presence(watcher: Person, uid: str) -> list[bool]:
    watcher.ask(type="ping")
    return [frame["online"] for frame in watcher.waiting if frame["type"] == "presence" and frame["uid"] == uid]


def test_it_stays_open_over_changes_of_the_page_and_its_person_online(arrive, come, site):
    watcher = come(site, "7", "watcher")
    ada = arrive("8", "ada", "one?room=support")
    open_widget(ada)
    eventually(lambda: presence(watcher, "8-ada") == [True], what="ada's coming")
    for number in range(CHANGES):
        ada.page.goto(f"{site.url}/page/{number}?room=support")
        expect(ada.box).to_be_visible()
        expect(ada.box).not_to_be_focused()  # the page is what one came for
    assert presence(watcher, "8-ada") == [True]
    toggle(ada.page).click()
    ada.page.goto(f"{site.url}/page/last?room=support")
    expect(toggle(ada.page)).to_be_visible()
    assert not is_open(ada.page)


def test_without_a_room_one_chooses_among_ones_own(arrive, come, site):
    ben = come(site, "10", "ben")
    ada = arrive("9", "ada", "one")
    open_widget(ada)
    ben.ask(type="pm", uid="9-ada", content="psst")
    choice = ada.page.get_by_role("combobox", name="Conversation")
    choice.select_option("ben (1)")
    ada.sees("psst")
    ada.shot("widget-open-private")
    ada.page.reload()
    ada.sees("psst")


@pytest.mark.parametrize("room", ["nowhere", "secret"])
def test_a_room_that_one_cannot_be_in_says_so(arrive, room):
    ada = arrive("11", "ada", f"one?room={room}")
    toggle(ada.page).click()
    expect(ada.page.locator(".talk .empty")).to_contain_text("It may be private, or it does not exist.")


def test_a_logout_elsewhere_is_said_with_a_way_back_and_then_there_is_no_widget(arrive, site):
    ada = arrive("12", "ada", "one?room=support&bare")
    open_widget(ada)
    ada.box.fill("half a thought")
    other = ada.page.context.new_page()
    other.goto(f"{site.url}/exit")
    expect(ada.line).to_contain_text("Your session has ended")
    expect(ada.line.get_by_role("link", name="Log in")).to_have_attribute("href", "/chat/")
    other.goto(f"{site.url}/page/one?bare")
    expect(other.locator("legacy-chat")).to_have_js_property("hidden", True)
    with ada.page.expect_response("**/chat/unread*"):
        ada.page.reload()
    expect(toggle(ada.page)).to_be_hidden()


def test_a_phone_gets_the_whole_screen_in_the_dark_in_chinese(arrive):
    ming = arrive("13", "小明", "one?room=support&zh&dark", color_scheme="dark", **PHONE)
    expect(toggle(ming.page)).to_have_accessible_name("聊天")
    toggle(ming.page).tap()
    expect(ming.box).to_have_attribute("aria-label", "在“Support”中发言")
    panel = ming.page.locator("#panel")
    assert panel.bounding_box() == {"x": 0, "y": 0, "width": 360, "height": 700}
    assert panel.evaluate("panel => getComputedStyle(panel).backgroundColor") == "rgb(25, 27, 32)"
    ming.shot("widget-phone-dark-zh")
    ming.page.get_by_role("button", name="最小化").tap()
    expect(toggle(ming.page)).to_be_focused()


def test_a_window_of_another_size_stays_at_the_newest_message(arrive, come, site):
    ada, ben = arrive("23", "ada", "one?room=long"), come(site, "24", "ben")
    open_widget(ada)
    ben.ask(type="join", gid="long")
    for number in range(40):
        ben.ask(type="group", gid="long", content=f"number {number}. " + "It says a little more. " * (number % 5))
    expect(ada.messages.last).to_contain_text("number 39")
    for width, height in ((768, 900), (360, 700), (700, 360), (1280, 800)):
        ada.page.set_viewport_size({"width": width, "height": height})
        ada.page.evaluate(TWO_FRAMES)
        expect(ada.messages.last).to_be_in_viewport(ratio=1)
        expect(ada.page.get_by_role("button", name="Jump to the latest messages")).to_have_count(0)


@pytest.fixture
def way(site):
    """The way to the site, which can fail."""
    way = Network(site.port)
    yield way
    way.close()


def test_it_says_when_messages_may_come_later_than_usual(arrive, way):
    way.block()
    ada = arrive("25", "ada", "one?room=support", way=way)
    open_widget(ada)
    note = ada.page.locator(".talk-head .transport")
    expect(note).to_contain_text("Long polling")
    note.locator("summary").click()
    expect(note).to_contain_text("WebSocket is blocked here, messages may come a moment later.")
    ada.shot("widget-polling")


def test_who_opens_it_without_a_network_is_told_and_goes_on_when_there_is_one(arrive, way):
    way.cut()
    ada = arrive("26", "ada", "one?room=support", way=way)
    toggle(ada.page).click()
    expect(ada.line).to_contain_text("Offline")
    expect(ada.page.locator(".talk .empty")).to_contain_text("No connection")
    ada.shot("widget-offline")
    way.mend()
    ada.retry_now()
    expect(ada.box).to_be_focused()


def test_it_greets_once(arrive, site):
    ada = arrive("14", "ada", "one?room=support&greeting=May I help?")
    bubble = ada.page.get_by_role("button", name="May I help?")
    expect(bubble).to_be_visible()
    ada.shot("widget-greeting")
    bubble.click()
    expect(ada.box).to_be_focused()
    ada.page.keyboard.press("Escape")
    expect(bubble).to_have_count(0)
    ada.page.reload()
    ada.page.wait_for_load_state("networkidle")
    expect(bubble).to_have_count(0)


def test_a_server_that_is_gone_is_said_and_the_next_press_tries_again(arrive):
    ada = arrive("15", "ada", "one?room=support")
    ada.page.route("**/chat/boot*", lambda route: route.abort())
    toggle(ada.page).click()
    expect(ada.page.locator("#badge")).to_have_text("!")
    expect(toggle(ada.page)).to_have_attribute("title", "The chat could not be loaded. Try again.")
    assert not is_open(ada.page)
    assert [text for text in ada.mistakes if "Failed to fetch" in text] == ada.mistakes
    ada.mistakes.clear()
    ada.page.unroute("**/chat/boot*")
    open_widget(ada)
    expect(ada.page.locator("#badge")).to_have_text("")


def test_a_page_may_open_it_before_the_server_has_said_that_it_may_be_shown(arrive, site):
    ada = arrive("17", "ada", "one?room=support")
    held = []
    ada.page.route("**/chat/unread*", lambda route: held.append(route))
    ada.page.reload()
    ada.page.wait_for_function("!!customElements.get('legacy-chat')")
    ada.page.evaluate("document.querySelector('legacy-chat').open()")
    expect(ada.page.locator("legacy-chat[open]")).to_have_count(1)
    ada.page.wait_for_function("document.querySelector('legacy-chat').shadowRoot.children.length > 1")
    for route in held:
        route.continue_()
    expect(ada.box).to_be_visible()


def test_an_element_that_is_taken_away_takes_its_connection_along(arrive):
    ada = arrive("16", "ada", "one?room=support")
    with ada.page.expect_websocket() as opened:
        open_widget(ada)
    with opened.value.expect_event("close"):
        ada.page.locator("legacy-chat").evaluate("element => element.remove()")


COUNT_INTERVALS = """(() => {
  const running = new Set(), { setInterval, clearInterval } = window;
  window.intervals = running;
  window.setInterval = (...asked) => {
    const timer = setInterval(...asked);
    running.add(timer);
    return timer;
  };
  window.clearInterval = (timer) => {
    running.delete(timer);
    clearInterval(timer);
  };
})()"""


def left_behind(visitor: Visitor) -> list[str]:
    """What the page hears by itself, and how many intervals run, once the widget is taken away."""
    visitor.page.locator("legacy-chat").evaluate(
        "element => new Promise((done) => { element.remove(); setTimeout(done, 100); })"
    )
    cdp, heard = visitor.cdp, [f"intervals: {visitor.page.evaluate('intervals.size')}"]
    for name in ("window", "document", "visualViewport"):
        found = cdp.send("Runtime.evaluate", {"expression": name})["result"]["objectId"]
        listeners = cdp.send("DOMDebugger.getEventListeners", {"objectId": found})["listeners"]
        heard += sorted(f"{name}: {listener['type']}" for listener in listeners)
    return heard


def test_an_element_that_is_taken_away_leaves_nothing_behind(arrive):
    ada = arrive("28", "ada", "one?room=support")
    ada.page.add_init_script(COUNT_INTERVALS)
    ada.page.reload()
    expect(toggle(ada.page)).to_be_visible()
    never_opened = left_behind(ada)
    ada.page.reload()
    open_widget(ada)
    assert left_behind(ada) == never_opened


# -- another origin ------------------------------------------------------------------------------------------


def embed(site, attributes: str) -> str:
    script = f'<script type="module" src="{site.url}/chat/static/widget.js"></script>'
    element = f"<legacy-chat {attributes}></legacy-chat>"
    return f"<!doctype html><html lang=en><title>Elsewhere</title>{script}{element}<h1>Elsewhere</h1>"


@pytest.fixture
def elsewhere(site, visit, foreign_page):
    """`elsewhere("room=support")`: somebody opens a page of another origin with such a widget."""

    def come(attributes: str, name: str = "ada"):
        foreign_page.html = embed(site, attributes)
        visitor = visit(site, name)
        visitor.page.goto(foreign_page.url)
        toggle(visitor.page).click()
        return visitor, visitor.page.frame_locator("iframe")

    return come


def test_on_another_origin_a_token_says_who_one_is(elsewhere, site, come):
    ada, frame = elsewhere(f'room="support" token="{site.token("20", "ada")}"')
    box = frame.locator("#composer")
    expect(box).to_be_focused()
    room_left = ada.page.locator("#panel").bounding_box()["height"] - frame.locator(".widget").bounding_box()["height"]
    assert room_left <= 2  # its border
    box.fill("from elsewhere")
    box.press("Enter")
    expect(frame.locator(".message .text").last).to_have_text("from elsewhere")
    ada.shot("widget-foreign")
    box.press("Escape")
    expect(toggle(ada.page)).to_be_focused()
    ben = come(site, "21", "ben")
    ben.ask(type="join", gid="support")
    ben.ask(type="group", gid="support", content="hello")
    expect(ada.page.locator("#badge")).to_have_text("1")


@pytest.mark.parametrize(
    ("head", "dark"),
    [
        ("", False),
        ('<meta name="color-scheme" content="light dark">', True),
        ('<meta name="color-scheme" content="light dark"><style>:root { color-scheme: light }</style>', False),
        ("<style>:root { color-scheme: light dark }</style>", True),
    ],
)
def test_on_another_origin_it_is_dark_where_the_page_around_it_is(visit, site, foreign_page, head, dark):
    foreign_page.html = head + embed(site, 'room="support"')
    page = visit(site, "ada", color_scheme="dark").page
    page.goto(foreign_page.url)
    toggle(page).click()
    widget = page.frame_locator("iframe").locator(".widget")
    light, night = "rgb(255, 255, 255)", "rgb(24, 27, 32)"
    expect(widget).to_have_css("background-color", night if dark else light)


def test_a_token_that_is_too_old_is_replaced_by_the_pages_own_address(elsewhere, site, foreign_page):
    foreign_page.token = site.token("22", "ada", seconds=5)
    ada, frame = elsewhere('room="support" token-url="/token"')
    expect(frame.locator("#composer")).to_be_focused()
    ada.page.wait_for_timeout(6_500)  # the first one's life
    foreign_page.token = site.token("22", "ada", seconds=5)
    with ada.page.expect_websocket():
        inner = ada.page.frames[-1]
        inner.evaluate("dispatchEvent(new Event('offline')); dispatchEvent(new Event('online'))")
    frame.locator("#composer").fill("again")
    frame.locator("#composer").press("Enter")
    expect(frame.locator(".message .text").last).to_have_text("again")
    expect(frame.locator(".message.pending, .message.failed, .connection-line")).to_have_count(0)


def test_whom_the_other_page_does_not_know_is_shown_its_login(elsewhere, foreign_page):
    foreign_page.token = None
    ada, frame = elsewhere('room="support" token-url="/token" login="/login"')
    link = frame.get_by_role("link", name="Log in")
    expect(link).to_have_attribute("href", f"{foreign_page.url}/login")
    expect(link).to_be_focused()
    ada.shot("widget-foreign-login")


# -- the shop ------------------------------------------------------------------------------------------------


class Untouched(sites.Site):
    def _answers(self) -> bool:
        try:
            return "Tea things" in self.get("/")[1]
        except OSError:
            return False


@pytest.fixture
def untouched(tmp_path):
    """The shop of the examples without chat."""
    copy = tmp_path / "site"
    shutil.copytree(sites.SHOP / "site", copy, ignore=shutil.ignore_patterns("__pycache__", "instance"))
    site = Untouched(tmp_path, "wsgi:app", copy)
    site.start()
    yield site
    site.stop()


def log_in(visit, shop, name: str) -> Page:
    page = visit(shop, name, viewport={"width": 1000, "height": 700}).page
    page.goto(f"{shop.url}/account/login")
    page.fill("[name=email]", f"{name}@shop.example")
    page.fill("[name=password]", "correct-horse")
    page.press("[name=password]", "Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    return page


AROUND_THE_BUTTON = [
    {"x": 0, "y": 0, "width": 900, "height": 700},
    {"x": 900, "y": 0, "width": 100, "height": 600},
]


def test_the_shops_pages_are_the_same_pixels_as_before(shop, untouched, visit):
    before, after = log_in(visit, untouched, "ada"), log_in(visit, shop, "ada")
    size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    for path in ("/", "/product/1", "/orders", "/account/", "/account/login", "/missing"):
        before.goto(untouched.url + path)
        after.goto(shop.url + path)
        expect(toggle(after)).to_be_visible()
        for clip in AROUND_THE_BUTTON:
            assert before.screenshot(clip=clip) == after.screenshot(clip=clip), path
        assert before.evaluate(size) == after.evaluate(size), path


@pytest.mark.timed
def test_a_logout_of_the_shop_closes_the_socket_within_a_second(shop, visit):
    page = log_in(visit, shop, "ben")
    with page.expect_websocket() as opened:
        toggle(page).click()
    expect(page.locator("#composer")).to_be_focused()
    other = page.context.new_page()
    other.goto(shop.url)
    with opened.value.expect_event("close", timeout=1_000):
        began = monotonic()
        other.get_by_role("button", name="Log out").click()
    assert monotonic() - began < 1
    expect(page.locator(".connection-line")).to_contain_text("Your session has ended")
    expect(toggle(other)).to_have_count(0)
