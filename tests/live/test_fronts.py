"""Behind a real Apache and a real Caddy with what `flask chat proxy` prints; nginx has a file of its own."""

from __future__ import annotations

import os
import tempfile
import urllib.request
from email.message import Message
from pathlib import Path

import pytest

from .front import Apache, Caddy
from .polls import Page
from .raw import Refused

FRONTS = {"apache": Apache, "caddy": Caddy}
CHANGES = {
    # One that has to be told of upgrades by a rule.
    "old apache": (("<IfVersion >= 2.4.47>", "<IfVersion < 0.1>"), ("<IfVersion < 2.4.47>", "<IfVersion >= 0.1>")),
}


@pytest.fixture(params=["apache", "old apache", "caddy"])
def front(request, tmp_path):
    """`front(server)`: the same server as seen through the proxy, which may `listen` with other words."""
    kind = request.param.rpartition(" ")[2]
    proxy = FRONTS[kind](tmp_path)

    def start(server, *options, listen="127.0.0.1:{port}"):
        text = server.flask("proxy", kind, "--listen", listen.format(port=proxy.port), *options)
        for old, new in CHANGES.get(request.param, ()):
            assert old in text
            text = text.replace(old, new)
        return proxy.start(text).behind(server)

    yield start
    proxy.stop()


@pytest.fixture
def open_folder():
    """Apache has a user of its own, who cannot look into the tests' folders."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        os.chmod(name, 0o755)
        yield Path(name)


def headers_of(server, path) -> Message:
    with urllib.request.urlopen(server.url + path, timeout=20) as answer:
        return answer.headers


def talk(server, come) -> None:
    site = server.url.partition("//")[2]
    ada = come(server, "1", "ada", headers=[("Host", site), ("Origin", server.url)])
    ben = come(server, "2", "ben")
    ada.ask(type="group", gid="lobby", content="through the side door")
    assert ben.expect("groupPm")["content"] == "through the side door"


def test_sockets_polls_pages_and_limits(serve, front, come):
    plain = serve(trusted_proxies="1", max_per_address="2")
    server = front(plain, "--upstream", f"127.0.0.1:{plain.port}")
    talk(server, come)
    with pytest.raises(Refused) as refused:  # the third of one address
        come(server, "3", "cy")
    assert refused.value.status == 503
    assert come(server, "4", "dee", source="127.0.0.4").welcome["uid"] == "4"
    page = Page(server, "5", "eve")
    assert page.login()["uid"] == "5"
    page.close()
    assert server.browser().open("/login")[0] == 200
    assert server.browser().open("/chat/static/client.js")[0] == 200
    assert server.browser().open("/chat/health/live")[0] == 200  # from this machine


def test_a_unix_socket_and_files_from_disk(open_folder, serve, front, come):
    path = str(open_folder / "chat.sock")
    server = front(serve("--umask", "0", unix=path, trusted_proxies="1"), "--socket", path, "--static")
    talk(server, come)
    for file in ("/chat/static/client.js", "/chat/vendor/lit-html/lit-html.js"):
        assert server.browser().open(file)[0] == 200
        assert headers_of(server, file)["Access-Control-Allow-Origin"] == "*"  # for the widget on another site


@pytest.mark.parametrize("front", ["caddy"], indirect=True)  # to Apache every 127.… is this machine
@pytest.mark.parametrize("options", [(), ("--static",)], ids=["", "static"])
def test_operators_pages_are_for_this_machine_alone(serve, front, dial, options):
    plain = serve(trusted_proxies="1")
    server = front(plain, "--upstream", f"127.0.0.1:{plain.port}", *options)
    for path in ("/chat/health", "/chat/health/live", "/chat/metrics"):
        for source, refused in (("127.0.0.1", False), ("127.0.0.2", True)):
            client = dial(server, source=source)
            client.request(path, [("Host", "127.0.0.1")])
            assert (client.response()[0] == 403) == refused, (path, source)


@pytest.mark.parametrize("front", ["apache", "caddy"], indirect=True)
def test_a_bare_port_to_listen_at(serve, front, come):
    plain = serve(trusted_proxies="1")
    talk(front(plain, "--upstream", f"127.0.0.1:{plain.port}", listen="{port}"), come)
