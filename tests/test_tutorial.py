"""The tutorial, word for word: what it says is done to the shop of the examples, which then does what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial" / "add-chat-to-your-site.md").read_text()


def changes() -> Iterator[tuple[str, str]]:
    """`(file, diff)` of every change, in order; the file is the last one that is named before it."""
    named = ""
    for text, diff in re.findall(r"(.*?)(?:```diff\n(.*?)```|\Z)", TUTORIAL, re.S):
        files = re.findall(r"`(shop/[\w/.]+)`", text)
        named = files[-1] if files else named
        if diff:
            yield named, diff


def change(file: Path, diff: str) -> None:
    """Each part is found exactly once, behind the one before."""
    text, done = file.read_text(), ""
    for part in diff.split("...\n"):
        lines = part.splitlines(keepends=True)
        assert all(line[0] in " +-" for line in lines if line.strip()), part
        old = "".join(line[1:] for line in lines if line[0] != "+")
        assert text.count(old) == 1, f"{file.name}: {old}"
        before, _, text = text.partition(old)
        done += before + "".join(line[1:] or line for line in lines if line[0] != "-")
    file.write_text(done + text)


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """The shop as it is after the last step."""
    shop = tmp_path_factory.mktemp("tutorial") / "shop"
    shutil.copytree(ROOT / "examples" / "shop" / "site", shop, ignore=shutil.ignore_patterns("__pycache__", "instance"))
    for file, diff in changes():
        change(shop / file, diff)
    return shop


def test_it_changes_what_it_names():
    assert [file for file, _ in changes()] == [
        "shop/__init__.py", "shop/templates/base.html", "shop/__init__.py", "shop/pages.py",
        "shop/templates/orders.html", "shop/__init__.py",
    ]  # fmt: skip


def test_its_code_stands_in_changes_that_say_where():
    """A block that no file is named for would be tried by nobody."""
    assert "```python" not in TUTORIAL
    assert "```html" not in TUTORIAL


STORY = """
import re
from legacy_chat import Refused
from shop import chat, create_app
from shop.models import User

app = create_app({"TESTING": True})

def press(browser, page, path, **fields):
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(page).text)[1]
    answer = browser.post(path, data={"csrf_token": token, **fields})
    assert answer.status_code == 302, answer.text
    return answer

ada = app.test_client()
press(ada, "/account/login", "/account/login", email="ada@shop.example", password="correct-horse")
assert "<legacy-chat" in ada.get("/").text
press(ada, "/product/1", "/product/1/buy")
assert 'href="/chat/#g:order-1"' in ada.get("/orders").text

with app.app_context():
    ada, ben, cleo = (User.query.filter_by(name=name).one() for name in ("Ada", "Ben", "Cleo"))
    hers, his, staff = (chat.test_client(user) for user in (ada, ben, cleo))
    hers.request("group", gid="order-1", content="Is it packed?")
    assert [frame["name"] for frame in staff.take("groupPm")] == ["Ada"]
    assert his.take("groupPm") == []
    members = hers.request("members", gid="order-1")["members"]
    assert [member["name"] for member in members] == ["Ada", "Cleo"], members
    try:
        hers.request("group", gid="order-1", content="See http://elsewhere.example")
    except Refused as error:
        print(error.message)
"""


def test_the_shop_does_what_the_tutorial_says(shop, tmp_path):
    command = [sys.executable, "-c", STORY]
    environ = {"SITE_INSTANCE": str(tmp_path), "PYTHONPATH": f"{shop}:{ROOT}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=shop, env=environ, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "Please send no links.\n"), done.stderr
