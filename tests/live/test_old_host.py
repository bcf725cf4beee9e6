"""The built wheel in a site that pins the lowest versions, and the same site with the newest."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from .fixtures import no_traceback
from .raw import Refused
from .server import ROOT, Browser, Server

OLD = ROOT / "tests" / "old_hosts"


def run(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def old_python(tmp_path_factory) -> Path:
    """The Python of an environment with the site's pins, into which the wheel was installed."""
    folder = tmp_path_factory.mktemp("old")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    run(os.environ.get("OLD_PYTHON", sys.executable), "-m", "venv", folder / "env")
    python = folder / "env" / "bin" / "python"
    extras = f"{wheel}[webhooks,metrics,postgresql,mariadb]"
    site = ("flask-sqlalchemy", "flask-babel")
    run(python, "-m", "pip", "install", "-q", "--no-compile", "-c", OLD / "constraints.txt", extras, *site)
    return python


class Pinned(Server):
    """The site of tests/old_hosts, in a folder of its own."""

    app = "pinned:create_app()"

    def __init__(self, folder: Path, python: Path):
        super().__init__(folder, "--config", str(ROOT / "gunicorn.conf.py"))
        self.python, self.cwd = str(python), folder
        self._env["PYTHONPATH"] = str(folder)
        shutil.copy(OLD / "pinned.py", folder)
        shutil.copytree(OLD / "migrations", folder / "migrations")
        if self.python == sys.executable:
            self._env["PYTHONPATH"] += f":{ROOT}"

    def visit(self, uid: str) -> Browser:
        browser = self.browser()
        assert browser.open("/account/sign-in", {"uid": uid})[0] == 200
        return browser

    def knock(self, browser: Browser) -> dict:
        headers = [("Host", self.url.removeprefix("http://")), ("Origin", self.url), ("User-Agent", browser.name)]
        return {"cookie": browser.cookie, "headers": headers}

    def ask(self, query: str) -> list:
        with sqlite3.connect(self.folder / "site.db") as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module", params=["old", "new"])
def site(request, tmp_path_factory):
    python = request.getfixturevalue("old_python") if request.param == "old" else Path(sys.executable)
    server = Pinned(tmp_path_factory.mktemp(request.param), python).start()
    yield server
    server.stop()
    no_traceback(server)


def test_the_pins_hold_and_nothing_is_in_conflict(old_python):
    frozen = {line.lower() for line in run(old_python, "-m", "pip", "freeze", "--all").splitlines()}
    pins = (line.partition("#")[0].strip() for line in (OLD / "constraints.txt").read_text().splitlines())
    tests_own = {"flask-wtf"}
    for pin in pins:
        name, exact, _ = pin.partition("==")
        assert not exact or name in tests_own or pin in frozen
    assert "No broken requirements found" in run(old_python, "-m", "pip", "check")


def test_the_floors_are_those_that_are_tested():
    """Of the base install and of every extra: whoever lowers a floor lowers the pin, and the other way round."""
    pins = dict(line.split("==") for line in (OLD / "constraints.txt").read_text().split() if "==" in line)
    floors = re.findall(r'"([A-Za-z0-9_-]+)(?:\[\w+\])?>=([\d.]+)"', listed(ROOT / "pyproject.toml"))
    assert len(floors) > 15
    for name, floor in floors:
        assert f"{pins[name.lower()]}.".startswith(f"{floor}."), name


def listed(pyproject: Path) -> str:
    """The dependencies and the extras."""
    return re.search(r"^dependencies = .*?(?=^\[project\.entry)", pyproject.read_text(), re.S | re.M)[0]


def test_the_floors_are_those_that_are_documented():
    text = (ROOT / "docs" / "reference" / "compatibility.md").read_text().lower()
    for name, floor in re.findall(r'"([A-Za-z0-9_-]+)(?:\[\w+\])?>=([\d.]+)"', listed(ROOT / "pyproject.toml")):
        assert re.search(rf"{name.lower()}(?: \|)? {re.escape(floor)}\b", text), name


def test_people_of_a_pinned_site_talk_and_log_out(site, come):
    ada, ben = site.visit("7"), site.visit("9")
    status, page = ada.open("/chat/")
    assert (status, '<html lang="zh-CN">' in page, '"name": "ada"' in page) == (200, True, True)
    adas, bens = come(site, **site.knock(ada)), come(site, **site.knock(ben))
    bens.send(type="group", gid="lobby", content="hello")
    assert adas.expect("groupPm")["name"] == "ben"
    ada.open("/account/sign-out", {})
    assert adas.closed().code == 4440
    assert bens.ask(type="ping")["type"] == "pong"
    with pytest.raises(Refused):
        come(site, headers=[("Origin", "http://evil.example")])


def test_a_message_follows_the_sites_own_transaction(site, come):
    ada = site.visit("7")
    adas = come(site, **site.knock(ada))
    before = len(site.ask("SELECT id FROM orders"))
    assert ada.open("/account/orders", {}) == (200, f"{before + 1} orders of the site")
    assert adas.expect("groupPm")["content"] == "an order of ada"


def test_the_sites_own_history_goes_on(site):
    assert site.ask("SELECT version_num FROM alembic_version") == [("0001",)]
    upgrade = "from pinned import command, history; command.upgrade(history(), 'head')"
    subprocess.run([site.python, "-c", upgrade], cwd=site.folder, env=site._env, check=True, timeout=60)
    assert site.ask("SELECT version_num FROM alembic_version") == [("0002",)]
    assert site.ask("SELECT count(*) FROM chat_version") == [(1,)]
    tables = {name for (name,) in site.ask("SELECT name FROM sqlite_master")}
    assert {"orders", "notes", "chat_version"} <= tables
