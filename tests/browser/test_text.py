"""The page of a plain-text room, and a browser that speaks to the room without it."""

import itertools
import re

import pytest
from live.fixtures import no_traceback, serving
from live.mounted import Mounted
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 360, "height": 700}}
# Every word that the state says, from the first on.
WITNESS = """
    window.words = [];
    document.addEventListener("DOMContentLoaded", () => {
      const state = document.getElementById("state");
      if (!state) return;
      const look = () => { if (words.at(-1) !== state.textContent) words.push(state.textContent); };
      new MutationObserver(look).observe(state, { childList: true, characterData: true, subtree: true });
      look();
    });
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("house"), text_rooms="1", text_welcome="Tea is ready.") as server:
        yield server


class Guest:
    """Somebody at the page of a room."""

    def __init__(self, visitor, room):
        self.visitor, self.page, self.room = visitor, visitor.page, room
        self.state, self.box = self.page.locator("#state"), self.page.locator("#text")
        self.lines = self.page.locator("#lines li")

    def enter(self):
        self.page.goto(f"{self.visitor.site.url}/chat/text/{self.room}")
        expect(self.state).to_have_attribute("data-state", "1")
        return self

    def say(self, text):
        self.box.fill(text)
        self.box.press("Enter")

    def heard(self, *lines):
        expect(self.lines).to_have_text([re.compile(rf"^(from\d+:)?{line}$", re.S) for line in lines])


@pytest.fixture
def guest(visit):
    def come(server, name, room="tea", script="", **context):
        visitor = visit(server, name, **context)
        if script:
            visitor.page.context.add_init_script(script)
        visitor.sign_up()
        return Guest(visitor, room).enter()

    return come


_numbers = itertools.count(1)


def fresh(name):
    """A name that nobody has registered at the shared server."""
    return f"{name} {next(_numbers)}"


def test_two_people_talk_by_enter_and_by_button(house, guest):
    ada, ben = guest(house, fresh("ada")), guest(house, fresh("小明"))
    ada.say("hello everybody")
    expect(ada.box).to_have_value("")
    ben.box.fill("大家好")
    ben.page.get_by_role("button", name="Send").click()
    expect(ben.box).to_have_value("")
    expect(ben.box).to_be_focused()
    ada.heard("Tea is ready.", "hello everybody", "大家好")
    ben.heard("Tea is ready.", "hello everybody", "大家好")
    ada.say("")
    ada.say("x")
    ben.heard("Tea is ready.", "hello everybody", "大家好", "x")


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", ["Connecting", "Connected", "Closing", "Closed"]), ("zh-CN", ["正在连接", "已连接", "正在关闭", "已关闭"])],
)
def test_the_state_is_said_in_words(house, guest, lang, words):
    ada = guest(house, fresh("ada"), script=WITNESS, locale=lang)
    toggle = ada.page.locator("#toggle")
    toggle.click()
    expect(ada.state).to_have_text(words[3])
    assert ada.page.evaluate("words") == words
    expect(ada.page.locator("#send")).to_be_disabled()
    toggle.click()
    expect(ada.state).to_have_text(words[1])
    assert ada.page.evaluate("words") == [*words, words[0], words[1]]


def test_what_mallory_says_stays_text(house, guest):
    ada, mallory = guest(house, fresh("ada"), "dark"), guest(house, fresh("mallory"), "dark")
    evil = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
    mallory.say(evil)
    mallory.page.evaluate(
        """() => { const socket = new WebSocket(location.pathname.replace(/^/, `ws://${location.host}`));
                   socket.onopen = () => socket.send("hi\\nfrom1001:pay mallory\\u2028from1001:x"); }"""
    )
    mallory.say("\u202egnp.exe")
    expect(ada.lines).to_have_count(4)
    assert ada.page.locator("#lines img, #lines script").count() == 0
    for line in ada.lines.all_text_contents()[1:]:
        assert re.match(r"from\d+:", line)
        assert "\n" not in line
    assert evil in ada.lines.all_text_contents()[1]


def test_an_input_method_is_left_alone(house, guest):
    ada = guest(house, fresh("ada"), "ime")
    ada.box.fill("ni hao")
    composing = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true})"
    safari = (
        "Object.defineProperty(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}), 'keyCode', {value: 229})"
    )
    for event in (composing, safari):
        ada.box.evaluate(f"box => box.dispatchEvent({event})")
        expect(ada.box).to_have_value("ni hao")
    ada.box.press("Enter")
    ada.heard("Tea is ready.", "ni hao")


def test_it_stays_at_the_newest_line_unless_one_reads_above(house, guest):
    ada, ben = guest(house, fresh("ada"), "scroll"), guest(house, fresh("ben"), "scroll")
    box, newer = ada.page.locator("#lines-box"), ada.page.locator("#newer")
    for number in range(60):
        ben.say(f"line {number}")
    expect(ada.lines.last).to_contain_text("line 59")
    expect(ada.lines.last).to_be_in_viewport()
    box.evaluate("box => { box.scrollTop = 0; }")
    expect(ada.lines.first).to_be_in_viewport()
    ben.say("did you see?")
    expect(newer).to_have_text("1 new message")
    ben.say("and this?")
    expect(newer).to_have_text("2 new messages")
    assert box.evaluate("box => box.scrollTop") == 0
    ada.visitor.shot("text-room-above")
    newer.click()
    expect(ada.lines.last).to_be_in_viewport()
    expect(newer).to_be_hidden()


def test_what_cannot_go_is_said_in_the_readers_language(house, guest):
    ada = guest(house, fresh("ada"), "long", locale="zh-CN")
    ada.say("x" * 4001)
    expect(ada.page.locator("#lines .error")).to_have_text("内容太长。")
    expect(ada.box).to_have_value("x" * 4001)  # to be made shorter


def test_the_server_restarts_and_the_page_comes_back_by_itself(serve, guest):
    server = serve(text_rooms="1")
    ada, ben = guest(server, "ada"), guest(server, "ben")
    ada.say("before")
    ben.heard("before")
    ada.box.fill("half a sen")
    server.kill()
    for person in (ada, ben):
        expect(person.state).to_have_text("Closed")
        expect(person.page.locator("#trouble")).to_contain_text("Offline. Trying again in")
    ada.box.press("Enter")
    expect(ada.box).to_have_value("half a sen")
    ada.visitor.shot("text-room-closed")
    server.start()
    for person in (ada, ben):
        person.page.evaluate("dispatchEvent(new Event('online'))")
        expect(person.state).to_have_text("Connected")
        expect(person.page.locator("#trouble")).to_be_hidden()
    ada.box.press("Enter")
    ben.heard("before", "Connected again. What was said meanwhile is not shown.", "half a sen")


def test_who_logs_out_elsewhere_is_out_here_and_may_log_in_again(house, guest):
    name = fresh("ada")
    ada = guest(house, name)
    ada.box.fill("not yet")
    other = ada.page.context.new_page()
    other.goto(f"{house.url}/chat/")
    token = other.evaluate("JSON.parse(document.querySelector('#chat-boot').textContent).csrf")
    answer = other.request.post(f"{house.url}/logout", form={"csrf_token": token}, max_redirects=0)
    assert answer.status in (302, 303)
    other.close()
    expect(ada.page.locator("#trouble")).to_contain_text("Your session has ended.")
    expect(ada.state).to_have_text("Closed")
    expect(ada.box).to_have_value("not yet")
    ada.page.get_by_role("button", name="Log in").click()
    ada.page.wait_for_url("**/login?**")
    ada.page.fill("[name=username]", name)
    ada.page.fill("[name=password]", "correct-horse")
    ada.page.press("[name=password]", "Enter")
    expect(ada.state).to_have_text("Connected")
    expect(ada.box).to_have_value("not yet")


def test_whose_cookie_is_gone_is_told_so_though_no_script_learns_of_a_401(serve, guest):
    server = serve(text_rooms="1", text_echo="0")
    ada = guest(server, "ada")
    ada.say("hello")
    expect(ada.lines).to_have_text("You: hello")  # the page says so itself: there is no echo
    ada.page.context.clear_cookies()
    server.kill()
    server.start()
    expect(ada.page.locator("#trouble")).to_contain_text("Your session has ended.")


def test_it_works_below_a_mount_under_a_strict_policy(tmp_path, visit):
    site = Mounted(tmp_path, text_rooms="1").start()
    try:
        visitor = visit(site, "ada")
        visitor.page.goto(f"{site.url}/shop/enter/7")
        visitor.page.goto(f"{site.url}{site.prefix}/text/strict")
        ada = Guest(visitor, "strict")
        expect(ada.state).to_have_text("Connected")
        ada.say("hello")
        ada.heard("hello")
    finally:
        site.stop()
    no_traceback(site)


def test_a_phone_shows_it_whole_in_the_dark_and_in_chinese(house, guest):
    ming = guest(house, fresh("小明"), "大厅", locale="zh-CN", color_scheme="dark", **PHONE)
    ming.say("很长的一句话" * 30)
    ming.say("averyverylongwordwithoutanyspace" * 10)
    ming.say("好")
    expect(ming.lines).to_have_count(4)
    assert ming.page.evaluate("document.documentElement.scrollWidth") == 360
    expect(ming.page.locator("#send")).to_be_in_viewport()
    ming.visitor.shot("text-room-phone-dark-zh")


def test_a_desktop_shows_it(house, guest):
    ada, ben = guest(house, fresh("ada"), "order-42"), guest(house, fresh("ben"), "order-42")
    for person, text in ((ada, "Is it on its way?"), (ben, "It left this morning. " * 8), (ada, "Thanks!")):
        person.say(text)
    ada.say("x" * 4001)
    expect(ada.lines).to_have_count(5)
    ada.visitor.shot("text-room-desktop")


def test_a_browser_without_our_scripts_talks(house, visit):
    visitor = visit(house, fresh("ada"))
    visitor.sign_up()
    visitor.page.goto(f"{house.url}/chat/static/base.css")  # text and nothing else
    assert visitor.page.locator("script").count() == 0
    heard = visitor.page.evaluate(
        """() => new Promise((resolve) => {
             const heard = [];
             const socket = new WebSocket(`ws://${location.host}/chat/text/bare`);
             socket.onopen = () => { socket.send("hello"); socket.send(""); socket.send("x"); };
             socket.onmessage = ({ data }) => { heard.push(data); if (heard.length === 4) socket.close(1000); };
             socket.onclose = ({ code, wasClean }) => resolve([...heard, code, wasClean]);
           })"""
    )
    number = re.match(r"from(\d+):", heard[1])[1]
    said = [f"from{number}:{text}\n" for text in ("hello", "", "x")]
    assert heard == ["Tea is ready.\n", *said, 1000, True]


def test_nobody_is_sent_to_the_login_and_comes_back_to_the_room(house, visit):
    visitor = visit(house, fresh("ada"))
    visitor.sign_up()
    visitor.page.context.clear_cookies()
    visitor.page.goto(f"{house.url}/chat/text/later")
    visitor.page.wait_for_url("**/login?**")
    visitor.page.fill("[name=username]", visitor.name)
    visitor.page.fill("[name=password]", "correct-horse")
    visitor.page.press("[name=password]", "Enter")
    expect(visitor.page.locator("#state")).to_have_text("Connected")
    assert visitor.page.url.endswith("/chat/text/later")
