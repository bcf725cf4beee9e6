"""Chat in sites that are not Flask, each as it stands in examples/, under the stock worker."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from .fixtures import no_traceback
from .raw import Refused
from .server import ROOT, Browser, Server

EXAMPLES = ROOT / "examples"
PASSWORD = "correct-horse"
ASSET = re.compile(r'(?:src|href)="(/chat/[^"]+)"')

# The example's folder, its app, its forms, and whether the server knows of each session by itself.
SITES = {
    "bare_wsgi": ("wsgi:application", "/login", "/logout", True),
    "bottle_site": ("wsgi:application", "/login", "/logout", True),
    "pyramid_site": ("wsgi:application", "/login", "/logout", False),
    "django_site": ("shop.wsgi", "/login/", "/logout/", True),
}

PREPARE_DJANGO = f"""
import django; django.setup()
from django.core.management import call_command
from django.contrib.auth.models import User
call_command("migrate", verbosity=0)
for name in ("ada", "ben", "cleo"):
    User.objects.create_user(name, password="{PASSWORD}")
"""


class Site(Server):
    """A site of examples/, with its files in the test's folder."""

    def __init__(self, folder, example: str):
        self.app, self.login, self.logout, self.knows_sessions = SITES[example]
        env = {"SECRET_KEY": "only for tests", "DJANGO_SETTINGS_MODULE": "shop.settings"}
        options = ("--config", str(ROOT / "gunicorn.conf.py"), "--pythonpath", str(EXAMPLES / example))
        super().__init__(folder, *options, env=env)
        self.cwd = folder
        if example == "django_site":
            env = {**self._env, "PYTHONPATH": str(EXAMPLES / example)}
            subprocess.run([sys.executable, "-c", PREPARE_DJANGO], cwd=folder, env=env, check=True, timeout=60)

    def visit(self, name: str):
        """Somebody's browser, logged in."""
        browser = self.browser()
        status, _ = browser.open(self.login, {"username": name, "password": PASSWORD, **hidden(browser, self.login)})
        assert status == 200
        return browser

    def knock(self, cookie: str, origin: str | None = None) -> dict:
        """How a browser with this cookie knocks at the socket's door."""
        headers = {
            "Host": self.url.removeprefix("http://"),
            "Origin": origin or self.url,
            "User-Agent": Browser.name,
        }
        return {"cookie": cookie, "headers": list(headers.items())}

    def open_files(self, name: str) -> int:
        folder = f"/proc/{self.workers()[0]}/fd"
        return sum(os.path.basename(os.readlink(f"{folder}/{fd}")) == name for fd in os.listdir(folder))


def hidden(browser, path: str) -> dict[str, str]:
    """Django's token against forged forms."""
    _, page = browser.open(path)
    return dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]+)"', page))


@pytest.fixture(params=SITES, scope="module")
def site(request, tmp_path_factory):
    server = Site(tmp_path_factory.mktemp(request.param), request.param).start()
    yield server
    server.stop()
    no_traceback(server)


def test_two_people_talk_and_a_logout_ends_it(site, come):
    ada, ben = site.visit("ada"), site.visit("ben")
    page = ada.open("/chat/")[1]
    assert '"name": "ada"' in page
    for address in ASSET.findall(page):
        assert ada.open(address)[0] == 200, address

    adas, bens = come(site, **site.knock(ada.cookie)), come(site, **site.knock(ben.cookie))
    assert (adas.welcome["name"], bens.welcome["name"]) == ("ada", "ben")
    bens.send(type="group", gid="lobby", content="hello 大家好")
    assert adas.expect("groupPm")["content"] == "hello 大家好"
    assert adas.ask(type="pm", uid=bens.welcome["uid"], content="hi")["ok"] is True
    assert bens.expect("pm")["name"] == "ada"

    old = ada.cookie
    ada.open(site.logout, hidden(ada, "/"))
    assert adas.closed().code == 4440
    assert bens.ask(type="ping")["type"] == "pong"
    for cookie in [ada.cookie] + [old] * site.knows_sessions:
        nobody = come(site, login=False, **site.knock(cookie))
        nobody.send(type="login")
        assert nobody.closed().code == 4401
    assert 'type="password"' in ada.open("/chat/")[1]  # the site's own login


def test_a_page_of_another_site_stays_outside(site, come):
    ada = site.visit("ada")
    with pytest.raises(Refused) as refused:
        come(site, **site.knock(ada.cookie, "http://evil.example"))
    assert refused.value.status == 403


def test_other_addresses_are_the_sites_own(site):
    status, page = site.browser().open("/")
    assert status == 200
    assert "<title>A small site</title>" in page


@pytest.mark.parametrize("site", ["django_site"], indirect=True)
def test_a_new_password_ends_all_that_is_open(site, come):
    phone, desk = site.visit("cleo"), site.visit("cleo")
    phones, desks = come(site, **site.knock(phone.cookie)), come(site, **site.knock(desk.cookie))
    new = {"old_password": PASSWORD, "new_password1": "battery-staple", "new_password2": "battery-staple"}
    assert desk.open("/password/", {**new, **hidden(desk, "/password/")})[0] == 200
    assert (phones.closed().code, desks.closed().code) == (4440, 4440)
    assert come(site, **site.knock(desk.cookie)).welcome["name"] == "cleo"
    nobody = come(site, login=False, **site.knock(phone.cookie))
    nobody.send(type="login")
    assert nobody.closed().code == 4401


@pytest.mark.parametrize("site", ["django_site"], indirect=True)
def test_many_sockets_keep_no_connection_of_the_sites_database(site, come):
    ada = site.visit("ada")
    for _ in range(10):  # as many as one person may have
        come(site, **site.knock(ada.cookie))
    assert site.open_files("site.sqlite") == 0
