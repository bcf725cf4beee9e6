"""Behind a real nginx with the shipped file, over TCP and over a unix socket."""

from __future__ import annotations

import ssl
import threading
import urllib.request

import pytest

from legacy_chat.client import Client, NotConnected

from .fixtures import make_certificate, serving
from .front import Nginx
from .polls import Page
from .raw import PING, PONG, Refused, eventually
from .server import ROOT

SHIPPED = (ROOT / "deploy" / "nginx.conf").read_text()

# Ways to get it wrong.
UPGRADE = ("    proxy_set_header Upgrade $http_upgrade;\n", "")
CONNECTION = ("    proxy_set_header Connection $legacy_chat_connection;\n", "")
HTTP_1_0 = ("    proxy_http_version 1.1;\n", "")
HOST = ("proxy_set_header Host $http_host;", "proxy_set_header Host $proxy_host;")
FORWARDED_HOST = ("    proxy_set_header X-Forwarded-Host $http_host;\n", "")

SHORT = (("proxy_read_timeout 75s;", "proxy_read_timeout 4s;"), ("proxy_send_timeout 75s;", "proxy_send_timeout 4s;"))
# Buffers too small for an answer: nginx writes to a file what the browser does not take at once.
SMALL = "proxy_send_timeout 75s; proxy_buffer_size 1k; proxy_buffers 4 1k; proxy_busy_buffers_size 2k;"
SMALL_BUFFERS = (("proxy_send_timeout 75s;", SMALL),)
UNBUFFERED = (("proxy_send_timeout 75s;", "proxy_send_timeout 75s; proxy_buffering off;"),)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """One server for many fronts."""
    with serving(tmp_path_factory.mktemp("house"), trusted_proxies="1", rate="0", ping_seconds="1") as server:
        yield server


@pytest.fixture
def nginx(tmp_path):
    """Start nginx with these files, each about the address `nginx.address`."""
    front = Nginx(tmp_path)
    yield front
    front.stop()


def shipped(server, address: str, *changes: tuple[str, str]) -> str:
    """deploy/nginx.conf itself; only where nginx and the site listen is another, and what a test changes."""
    text = SHIPPED
    own = (("listen 80;", f"listen {address};"), ("server 127.0.0.1:8000;", f"server 127.0.0.1:{server.port};"))
    for old, new in (*own, *changes):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def behind(nginx):
    """The same server as seen through nginx with the shipped file."""
    return lambda server, *changes: nginx.start(shipped(server, nginx.address, *changes)).behind(server)


def site_of(server) -> list[tuple[str, str]]:
    """What a browser says at the site's own address."""
    return [("Host", server.url.partition("//")[2]), ("Origin", server.url)]


def talk(server, come) -> None:
    ada = come(server, "1", "ada", headers=site_of(server))
    ben = come(server, "2", "ben")
    ada.ask(type="group", gid="lobby", content="through the front door")
    assert ben.expect("groupPm")["content"] == "through the front door"


# -- the shipped file ----------------------------------------------------------------------------------------------


def test_two_people_talk_and_a_foreign_page_may_not(house, behind, come):
    server = behind(house)
    talk(server, come)
    with pytest.raises(Refused) as refused:
        come(server, "6", headers=[("Host", "127.0.0.1"), ("Origin", "http://evil.example")])
    assert refused.value.status == 403
    browser = server.browser()
    assert browser.open("/login")[0] == 200
    assert browser.open("/chat/static/client.js")[0] == 200


def test_the_same_over_a_unix_socket_and_with_static_files_from_disk(serve, nginx, come, tmp_path):
    path = str(tmp_path / "chat.sock")
    site = serve(unix=path, trusted_proxies="1", max_per_address="2")
    file = site.flask("proxy", "nginx", "--socket", path, "--listen", nginx.address, "--static")
    server = nginx.start(file).behind(site)
    talk(server, come)
    with pytest.raises(Refused) as refused:  # people have addresses of their own, though the socket has none
        come(server, "3")
    assert refused.value.status == 503
    browser = server.browser()
    for file in ("/chat/static/client.js", "/chat/vendor/lit-html/lit-html.js", "/chat/static/chat.css"):
        assert browser.open(file)[0] == 200
        with urllib.request.urlopen(server.url + file, timeout=20) as answer:  # for the widget on another site
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert browser.open("/chat/static/../../wsgi.py")[0] == 404


def test_two_sites_have_each_a_file_in_one_nginx(serve, nginx, come):
    sites, files = [serve(trusted_proxies="1"), serve(trusted_proxies="1")], []
    for site, name in zip(sites, ("a-name-that-is-longer-than-names-are.example", "localhost"), strict=True):
        options = ("--upstream", f"127.0.0.1:{site.port}", "--listen", nginx.address, "--server-name", name)
        files.append(site.flask("proxy", "nginx", *options))
    seen = nginx.start(*files).behind(sites[0])
    for site, name in zip(sites, ("a-name-that-is-longer-than-names-are.example", "localhost"), strict=True):
        headers = [("Host", name), ("Origin", f"http://{name}")]
        seen.folder = site.folder  # whose key signs the token
        assert come(seen, "1", "ada", headers=headers).welcome["uid"] == "1"


def test_visitors_are_counted_by_their_own_address_or_not_at_all(serve, behind, come):
    told = behind(serve(trusted_proxies="1", max_per_address="2"))
    for uid in ("1", "2"):
        come(told, uid)
    with pytest.raises(Refused) as refused:
        come(told, "3")
    assert refused.value.status == 503
    assert come(told, "3", source="127.0.0.3").welcome["uid"] == "3"
    with pytest.raises(Refused) as refused:  # what a visitor says of its address is not believed
        come(told, "4", headers=[("X-Forwarded-For", "192.0.2.7")])
    assert refused.value.status == 503


def test_a_proxy_nobody_told_us_of_does_not_make_everybody_one_visitor(serve, behind, come):
    server = behind(serve(max_per_address="2"))
    assert [come(server, uid).welcome["uid"] for uid in "123"] == ["1", "2", "3"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


def test_with_tls_in_nginx_the_page_must_be_an_https_page(house, nginx, come, certificate):
    file, key = certificate
    options = ("--upstream", f"127.0.0.1:{house.port}", "--listen", nginx.address)
    nginx.start(house.flask("proxy", "nginx", *options, "--certificate", file, "--key", key))
    server = nginx.behind(house, ssl.create_default_context(cafile=file))
    talk(server, come)
    host = server.url.removeprefix("https://")
    with pytest.raises(Refused) as refused:
        come(server, "6", headers=[("Host", host), ("Origin", f"http://{host}")])
    assert refused.value.status == 403


def test_operators_pages_are_for_this_machine_alone(house, behind, nginx):
    server = behind(house, ("allow 127.0.0.1;", "allow 127.0.0.9;"))  # as if it were another one
    for path in ("/chat/metrics", "/chat/health", "/chat/health/live"):
        assert server.browser().open(path)[0] == 403
    assert "access forbidden by rule" in nginx.log()


# -- polling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [(), SMALL_BUFFERS, UNBUFFERED], ids=["shipped", "small buffers", "unbuffered"])
def test_polls_come_through_however_nginx_buffers(house, behind, come, changes):
    server = behind(house, *changes)
    ada = Page(server, "1", "ada")
    ada.login()
    ben = come(server, "2", "ben")
    ben.ask(type="group", gid="lobby", content="hello")
    ada.expect("groupPm", content="hello")
    eventually(lambda: ada.poll().frames == [], what="silence")
    held = ada.hold()
    for number in range(50):
        ben.ask(type="group", gid="lobby", content=f"{number} " + "𝕏" * 3900)
    ada.move(held.answer())
    long = [ada.expect("groupPm")["content"] for _ in range(50)]
    assert [text.partition(" ")[0] for text in long] == [f"{number}" for number in range(50)]
    assert ada.say(type="group", gid="lobby", content="from a poll")["type"] == "ack"
    ada.close()


def test_foreign_pages_may_not_poll_and_addresses_are_told_apart(serve, behind):
    server = behind(serve(trusted_proxies="1", max_per_address="1"))
    ada, ben = Page(server, "1", "ada"), Page(server, "2", "ben")
    ada.login()
    assert ada.post(Origin="http://evil.example").status == 403
    ben.login()
    eventually(lambda: ada.poll().frames == [], what="silence")
    held = ada.hold()
    eventually(lambda: ben.post(wait=0.1).status == 503, what="a refusal")
    assert "of your address" in ben.post(wait=0.1).frames[0]["message"]
    for connection in (held.connection, ada, ben):
        connection.close()


def test_a_connection_that_nginx_keeps_although_it_wants_it_closed_serves_no_second_poll(house, behind):
    """`keepalive` without a Connection line is a common mistake, and nginx believes what the answer says."""
    server = behind(house, CONNECTION)
    page = Page(server, "1")
    assert {page.post(cursor="none").status for _ in range(300)} == {400}
    page.close()


@pytest.mark.parametrize("path", ["/login", "/chat/ws", "/chat/static/client.js", "/chat/poll"])
def test_an_answer_after_which_the_connection_ends_says_so(house, dial, path):
    client = dial(house)
    client.request(path, [("Host", "127.0.0.1"), ("Connection", "close")])
    answer = b"".join(iter(lambda: client.socket.recv(65536), b""))
    assert b"connection: close" in answer.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")


# -- time ----------------------------------------------------------------------------------------------------------


def test_a_silent_socket_outlives_the_proxys_patience_since_it_is_pinged(house, behind, come):
    ada = come(behind(house, *SHORT), "1", "ada")
    pings = 0
    while pings < 4:  # a second each, and she says nothing but pongs
        opcode, payload = ada.client.receive()
        if opcode == PING:
            ada.client.send(PONG, payload)
            pings += 1
    assert ada.ask(type="ping")["type"] == "pong"


def test_without_pings_the_proxy_would_cut_it(serve, behind, come):
    server = behind(serve(trusted_proxies="1"), *SHORT)
    assert come(server, "1", "ada").closed().code == 1006


def test_a_reload_of_nginx_keeps_sockets_and_loses_nothing(serve, behind, nginx, come):
    server = behind(serve(trusted_proxies="1", rate="0"))
    ada = come(server, "1", "ada")
    with Client(f"{server.url}/chat", token=server.token("2", "ben"), transport="websocket") as ben:
        said, over = [], threading.Event()

        def speak() -> None:
            while not over.is_set():
                said.append(f"{len(said)}")
                ben.group("lobby", said[-1])

        speaker = threading.Thread(target=speak)
        speaker.start()
        old = nginx.workers()
        for _ in range(2):
            before = len(said)
            nginx.reload()
            eventually(lambda before=before: len(said) > before + 20, what="more words")
        over.set()
        speaker.join()
    assert old <= nginx.workers()  # it serves ada's socket still
    newcomer = come(server, "3", "cy")
    newcomer.ask(type="group", gid="lobby", content="the end")
    said.append("the end")
    assert [ada.expect("groupPm")["content"] for _ in said] == said


def test_a_poll_that_is_held_outlives_a_reload_of_nginx(house, behind, nginx, come):
    server = behind(house)
    ada = Page(server, "7", "ada")
    ada.login()
    eventually(lambda: ada.poll().frames == [], what="silence")
    held = ada.hold()
    nginx.reload()
    come(server, "8", "ben").ask(type="group", gid="lobby", content="after the reload")
    held.frames()
    assert ada.expect("groupPm", content="after the reload")
    ada.close()


# -- a wrong file --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ((UPGRADE, CONNECTION), 426, "proxy_set_header Upgrade $http_upgrade"),
        ((CONNECTION,), 400, "proxy_set_header Connection"),
        ((HTTP_1_0,), 400, "without HTTP/1.1: the proxy in front has to pass it on. nginx: proxy_http_version 1.1;"),
        ((HTTP_1_0, UPGRADE, CONNECTION), 426, "nginx: proxy_http_version 1.1; proxy_set_header Upgrade"),
        ((HOST, FORWARDED_HOST), 403, "proxy_set_header Host $http_host"),
    ],
    ids=["no Upgrade", "no Connection", "HTTP/1.0", "nginx's defaults", "another Host"],
)
def test_a_wrong_file_is_named_to_the_client_and_in_the_log(house, behind, come, changes, status, words):
    server, before = behind(house, *changes), len(house.log())
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            come(server, "1", "ada", headers=site_of(server))
    assert refused.value.status == status
    fault = refused.value.body.strip()
    assert words in fault
    eventually(lambda: fault in house.log(), what="a line in the log")
    assert house.log()[before:].count(f"): {fault}") <= 1  # once a minute, and another test may have been first
    assert house.token("1", "ada").partition(".")[0] not in house.log()


@pytest.mark.parametrize("changes", [(UPGRADE, CONNECTION), (HTTP_1_0,)], ids=["no Upgrade", "HTTP/1.0"])
def test_with_a_wrong_file_the_client_falls_back_to_polling(house, behind, changes):
    server = behind(house, *changes)
    with Client(f"{server.url}/chat", token=server.token("1", "ada")) as ada:
        assert ada.transport == "polling"
        ada.group("lobby", "by other means")
    with pytest.raises(NotConnected) as told:
        Client(f"{server.url}/chat", token=server.token("1"), transport="websocket").connect(1)
    assert "the proxy in front has to pass it on. nginx: proxy_" in str(told.value)
