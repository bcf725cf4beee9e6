"""Sites that got chat: those of `hosts/`, and the shop of the examples."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from .fixtures import no_traceback
from .server import ROOT, Browser, Server

HERE = Path(__file__).parent
SHOP = ROOT / "examples" / "shop"
OPEN = {"max_per_user": "0", "max_per_address": "0"}


class Site(Server):
    """A site of `hosts/`, or the one in `folder`."""

    def __init__(self, folder: Path, app: str, cwd: Path = HERE, **settings):
        self.app = app
        self.cwd = cwd
        super().__init__(folder, "--config", str(ROOT / "gunicorn.conf.py"), **{**OPEN, **settings})
        self._env["PYTHONPATH"] = f"{cwd}:{ROOT}"

    def get(self, path: str, cookie: str = "") -> tuple[dict[str, str], str]:
        asked = urllib.request.Request(self.url + path, headers={"Cookie": cookie})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return dict(answer.headers), answer.read().decode()

    def enter(self, uid: int) -> str:
        """The session cookie of somebody who logged in."""
        return self.get(f"/enter/{uid}")[0]["Set-Cookie"].partition(";")[0]

    def poll(self, cursor: str | None, *frames: dict, wait: float = 0, cookie: str = "") -> dict:
        body = json.dumps({"cursor": cursor, "frames": frames, "wait": wait}).encode()
        headers = {"Content-Type": "application/json", "Cookie": cookie}
        asked = urllib.request.Request(f"{self.url}/chat/poll", body, headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Iterator[Site]:
    """The untouched site of the examples with its three lines."""
    folder, copy = tmp_path_factory.mktemp("shop"), tmp_path_factory.mktemp("copies") / "site"
    shutil.copytree(SHOP / "site", copy, ignore=shutil.ignore_patterns("__pycache__", "instance"))
    subprocess.run(["git", "apply", str(SHOP / "chat.diff")], cwd=copy, check=True)
    shop = Site(folder, "wsgi:app", copy)
    shop.start()
    yield shop
    shop.stop()
    no_traceback(shop)


def press(browser: Browser, page: str, path: str, **fields: str) -> tuple[int, str]:
    """Send the form to `path` that stands on `page`."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.open(page)[1])[1]
    return browser.open(path, {"csrf_token": token, **fields})


def customer(shop: Site, name: str) -> Browser:
    browser = shop.browser()
    path = "/account/login"
    press(browser, path, path, email=f"{name}@shop.example", password="correct-horse")
    return browser
