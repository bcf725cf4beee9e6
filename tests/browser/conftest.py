"""Chromium from Debian, one for all browser tests; every person gets a context (a browser profile) of their own."""

from __future__ import annotations

import os
import shutil

import pytest
from live import fixtures
from live.raw import eventually
from live.server import Server
from playwright.sync_api import Page, expect, sync_playwright

from legacy_chat import create_app
from legacy_chat.actions.push import make_push
from legacy_chat.core.push import Pushed
from legacy_chat.extension import EXTENSION
from legacy_chat.state import State

from .devtools import Devtools
from .network import Network

# The same real servers, and people who come without a browser.
serve, server, come = fixtures.serve, fixtures.server, fixtures.come
pytest_runtest_makereport = fixtures.pytest_runtest_makereport

PASSWORD = "correct-horse"
ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]

expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = shutil.which("chromium")
    assert path, "chromium is missing: run `make system`"
    return path


@pytest.fixture(scope="session")
def chromium(chromium_path):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield browser
        browser.close()


class Visitor:
    """A person at a browser."""

    def __init__(self, page: Page, site: Server | Network, name: str):
        self.page, self.site, self.name = page, site, name
        self.mistakes: list[str] = []
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self._console(message.text))

    def _console(self, text: str) -> None:
        # Chromium reports each attempt to reach a stopped server; that is what those tests are about.
        if "WebSocket connection" not in text and "Failed to load resource" not in text:
            self.mistakes.append(text)

    def register(self) -> Visitor:
        self.sign_up()
        expect(self.page.locator(".sidebar").get_by_text("Lobby")).to_be_attached()
        return self

    def sign_up(self) -> None:
        """An account and the page, though perhaps no connection yet."""
        self.page.goto(f"{self.site.url}/register")
        self.page.fill("[name=username]", self.name)
        self.page.fill("[name=password]", PASSWORD)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url("**/chat/**")

    @property
    def box(self):
        return self.page.locator("#composer")

    @property
    def messages(self):
        return self.page.locator("[role=log] .message .text")

    @property
    def line(self):
        """What the page says about its connection."""
        return self.page.locator(".connection-line")

    @property
    def cdp(self):
        return self.page.context.new_cdp_session(self.page)

    def back_online(self) -> None:
        """The browser notices that there is a network again; nobody waits for the countdown."""
        self.page.evaluate("dispatchEvent(new Event('online'))")
        expect(self.line).to_have_count(0)

    def retry_now(self) -> None:
        """Press the button if it is there: the page tries by itself too, and a mouse might hit what comes instead."""
        button = self.page.get_by_role("button", name="Retry now")

        def connected() -> bool:
            button.evaluate_all("found => found.forEach((button) => { button.focus(); button.click(); })")
            return self.line.count() == 0

        eventually(connected, what="the connection")

    def tab(self) -> Visitor:
        """Another tab of the same browser."""
        other = self.beside(self.name)
        other.page.goto(f"{self.site.url}/chat/")
        expect(other.box).to_be_attached()
        return other

    def duplicate(self) -> Visitor:
        """Another tab, opened by this one: it begins with a copy of what this one kept for itself."""
        with self.page.expect_popup() as opened:
            self.page.evaluate("void window.open('/chat/')")
        return self.beside(self.name, opened.value)

    def beside(self, name: str, page: Page | None = None) -> Visitor:
        """Somebody at the same browser, in a tab that is still empty."""
        other = Visitor(page or self.page.context.new_page(), self.site, name)
        other.mistakes = self.mistakes
        return other

    def open(self, conversation: str) -> None:
        self.page.locator(".sidebar li .row-title").get_by_text(conversation, exact=True).click()

    def say(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def sees(self, *texts: str) -> None:
        """These messages, in this order, and no others."""
        expect(self.messages).to_have_text(list(texts))

    def confirmed(self) -> None:
        """All own messages have their tick."""
        expect(self.page.locator(".message.pending, .message.failed")).to_have_count(0)

    def talk_to(self, name: str) -> None:
        self.page.get_by_role("button", name="New message", exact=True).click()
        self.page.get_by_role("dialog").get_by_text(name, exact=True).click()
        expect(self.box).to_have_attribute("aria-label", f"Message to {name}")

    def shot(self, name: str) -> None:
        """Kept where SCREENSHOTS names a folder."""
        if folder := os.environ.get("SCREENSHOTS"):
            self.page.screenshot(path=f"{folder}/{name}.png", animations="disabled")


@pytest.fixture
def network(server):
    """The way to `server`, for `visit(network, "ada")`; it can fail."""
    network = Network(server.port)
    yield network
    network.close()


@pytest.fixture
def push(monkeypatch):
    """`push(server, all=True, content="…")`: another process of the site says something to open pages."""
    states: dict[str, State] = {}

    def say(server: Server, **what) -> Pushed:
        if server.url not in states:
            monkeypatch.setenv("SITE_INSTANCE", str(server.folder))
            states[server.url] = create_app().extensions[EXTENSION]
        return states[server.url].pushes.push(make_push(**what))

    yield say
    for state in states.values():
        state.database.close()


@pytest.fixture
def devtools(chromium_path, tmp_path):
    """A browser of its own, whose page can be frozen."""
    browser = Devtools(chromium_path, tmp_path / "profile", *ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def visit(chromium):
    """`visit(server, "ada")`: somebody opens a browser. No page may have thrown by the end."""
    visitors, contexts = [], []

    def open_browser(site: Server | Network, name: str, **context) -> Visitor:
        contexts.append(chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **context}))
        visitors.append(Visitor(contexts[-1].new_page(), site, name))
        return visitors[-1]

    yield open_browser
    for context in contexts:
        context.close()
    assert [mistake for visitor in visitors for mistake in visitor.mistakes] == []
