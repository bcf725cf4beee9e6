"""The opening handshake against the real server: accepted, refused, or somebody else's."""

import pytest

from .raw import CLOSE, TEXT, Refused, frame
from .server import ROOT, WORKER, Server

KEY = [("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw==")]


class Host(Server):
    """Some other Flask site with chat, in tests/live/hosts."""

    prefix = "/talk"
    app = "other_sockets:app"


def test_the_key_of_the_standard_gets_its_accept(server, dial):
    answer = dial(server).handshake("/chat/ws", KEY, key=KEY[0][1])
    assert answer["sec-websocket-accept"] == "HSmrc0sMlYUkAGmm5OPpG2HaGWk="


def test_header_names_come_in_any_case(server, dial):
    client = dial(server)
    headers = {"Host": "127.0.0.1", "Upgrade": "WebSocket", "Connection": "keep-alive, upgrade", **dict(KEY)}
    client.request("/chat/ws", [(n.upper(), v) for n, v in headers.items()] + [("sec-websocket-VERSION", "13")])
    assert client.response()[0] == 101


def test_the_sub_protocol_is_chosen_by_exact_token(server, dial):
    def chosen(offer: str) -> str | None:
        answer = dial(server).handshake("/chat/ws", [("Sec-WebSocket-Protocol", offer)])
        return answer.get("sec-websocket-protocol")

    assert chosen("chat, superchat") == "chat"
    assert chosen("superchat") is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("Sec-WebSocket-Key", "not base64!")], 400),
        ([("Sec-WebSocket-Key", "c2hvcnQ=")], 400),
        ([*KEY, *KEY], 400),
        ([("Sec-WebSocket-Version", "8")], 426),
        ([("Sec-WebSocket-Version", "")], 426),
        ([("Connection", "notupgrade")], 400),
        ([("Upgrade", "h2c")], 426),
        ([("Host", "")], 400),
        ([("Host", "127.0.0.1"), ("Host", "evil.example")], 400),
        ([("Content-Length", "5")], 400),
        ([("Origin", "http://evil.example")], 403),
        ([("Origin", "null")], 403),
        ([("Origin", "http://127.0.0.1:1")], 403),
    ],
)
def test_a_wrong_handshake_is_refused_with_a_real_status(server, dial, headers, status):
    with pytest.raises(Refused) as refused:
        dial(server).handshake("/chat/ws", headers)
    assert refused.value.status == status
    assert refused.value.body
    if status == 426:
        assert refused.value.headers["sec-websocket-version"] == "13"


def test_http_1_0_and_post_are_refused(server, dial):
    upgrade = [
        ("Host", "a"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        *KEY,
    ]
    for method, version in (("GET", "HTTP/1.0"), ("POST", "HTTP/1.1")):
        client = dial(server)
        client.request("/chat/ws", upgrade, method=method, version=version)
        assert client.response()[0] == 400


def test_without_an_upgrade_the_address_says_what_it_is(server):
    status, text = server.browser().open("/chat/ws")
    assert status == 426
    assert "WebSocket" in text


def test_a_bad_token_is_refused_with_401(server, dial):
    with pytest.raises(Refused) as refused:
        dial(server).handshake("/chat/ws?token=forged")
    assert refused.value.status == 401
    with pytest.raises(Refused) as refused:
        dial(server).handshake(f"/chat/ws?token={server.token('1', seconds=-1)}")
    assert "expired" in refused.value.body


def test_a_mistyped_address_is_named_with_the_right_one_and_its_token_is_in_no_log(server, dial):
    for path in ("/chat/wss", "/chat/ws/", "/chat/poll"):
        with pytest.raises(Refused) as refused:
            dial(server).handshake(f"{path}?token=astray-secret")
        assert refused.value.status == 404
        assert refused.value.body == f"There is no WebSocket at {path}. The chat's is at /chat/ws.\n"
    assert "astray-secret" not in server.log()


def test_frames_right_behind_the_handshake_are_not_lost(server, dial):
    client = dial(server)
    lines = [
        ("Host", "127.0.0.1"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in lines + KEY)
    login = frame(TEXT, b'{"type":"login"}')
    path = f"/chat/ws?token={server.token('1', 'ada')}"
    client.send_bytes(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode() + login)
    assert client.response()[0] == 101
    assert b'"hello"' in client.receive()[1]
    assert b'"login"' in client.receive()[1]


def test_other_upgrades_of_the_host_behave_as_before(tmp_path, dial, come):
    folders = f"{ROOT}/tests/live/hosts:{ROOT}"
    host = Host(tmp_path, env={"PYTHONPATH": folders}, database_url=f"sqlite:///{tmp_path}/chat.sqlite")
    host.start()
    try:
        client = dial(host)
        client.handshake("/echo")
        client.send(TEXT, b"hello")
        assert client.receive() == (TEXT, b"echo hello")
        client.send(CLOSE, b"\x03\xe8")
        with pytest.raises(Refused) as refused:
            dial(host).handshake("/talk/echo")
        assert refused.value.status == 404
        assert "/talk/ws" in refused.value.body
        assert host.browser().open("/") == (200, "the host's page")
        ada = come(host, headers=[("X-User", "7"), ("Origin", "https://shop.example")])
        assert (ada.welcome["uid"], ada.welcome["name"]) == ("7", "user 7")
    finally:
        host.stop()
    assert "Traceback" not in host.log()


@pytest.mark.parametrize("worker", ["sync", "gthread"])
def test_a_worker_without_websockets_says_which_one_to_use(tmp_path, dial, worker):
    server = Server(tmp_path, "--worker-class", worker)
    server.start()
    try:
        with pytest.raises(Refused) as refused:
            dial(server).handshake("/chat/ws")
        assert refused.value.status == 501
        assert WORKER in refused.value.body
    finally:
        server.stop()


def test_it_works_with_preload_and_on_a_unix_socket(serve, come, tmp_path):
    preloaded = serve("--preload")
    assert come(preloaded, "1").welcome["uid"] == "1"
    server = serve(unix=str(tmp_path / "chat.sock"))
    first, second = come(server, "1"), come(server, "2")
    second.ask(type="group", gid="lobby", content="both on one path")
    assert first.expect("groupPm")["uid"] == "2"
