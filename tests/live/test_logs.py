"""What an operator reads: one line a request, one line a socket, no secret, as text or as JSON."""

import json
import re
import signal
import urllib.error
import urllib.request
from contextlib import suppress

import pytest
from receiver import Receiver

from .fixtures import serving
from .raw import CLOSE, TEXT, Refused, eventually
from .scrape import PLAIN


@pytest.fixture(scope="module")
def access_logged(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("logged"), "--access-logfile", "-") as server:
        yield server


def test_requests_and_sockets_have_a_line_each_and_no_secret_is_in_them(serve, come):
    server = serve("--access-logfile", "-")
    server.browser().open("/login?next=/chat/")
    ada = come(server, "7", "ada")
    ada.ask(type="group", gid="lobby", content="my secret plan")
    ada.client.send(CLOSE, b"\x03\xe8")
    assert ada.closed().code == 1000
    line = r"socket 1001 of 7 over websocket: \d+\.\d s, 2 frames in, \d+ out, closed 1000"
    eventually(lambda: re.search(line, server.log()), what="the socket's line")
    log = server.log()
    assert re.search(r'"GET /login\?next=/chat/ HTTP/1.1" 200', log)
    assert "token" not in log
    assert "my secret plan" not in log


def test_a_refused_handshake_is_in_the_access_log_without_its_token(serve, dial):
    server = serve("--access-logfile", "-")
    client = dial(server)
    client.request("/chat/ws?token=top-secret", [("Host", "a")])
    assert client.response()[0] == 426
    eventually(lambda: re.search(r'"GET /chat/ws HTTP/1.1" 426', server.log()), what="the refusal's line")
    assert "top-secret" not in server.log()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("/chat/push/?type=publish&key=top-secret", "/chat/push/"),
        ("/chat//push?key=top-secret", "/chat//push"),
        ("//chat/push?key=top-secret", "//chat/push"),
        ("/chat/?token=top-secret", "/chat/"),
        ("/chat?Token=top-secret", "/chat"),
        ("/chat/?lang=zh", r"/chat/\?lang=zh"),
        ("/login?token=of-the-sites-own", r"/login\?token=of-the-sites-own"),
    ],
)
def test_keys_and_tokens_at_mistyped_addresses_are_in_no_log(access_logged, dial, address, shown):
    client = dial(access_logged)
    client.request(address, [("Host", "a")])
    client.response()
    eventually(lambda: re.search(f'"GET {shown} HTTP/1.1"', access_logged.log()), what="the request's line")
    assert "top-secret" not in access_logged.log()


def test_a_clients_fault_is_a_line_and_no_traceback(server, come):
    mallory = come(server, "6")
    mallory.client.send(TEXT, b"\xff\xfe")
    assert mallory.closed().code == 1007
    eventually(lambda: "closed 1007" in server.log())
    assert "Traceback" not in server.log()


# -- no secret, whatever people do -------------------------------------------------------------------------------------


class Secrets:
    """Everything that must not be read in a log, by what it is."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, what: str, secret: str) -> str:
        assert len(secret) >= 8, what
        self._known[what] = secret
        return secret

    def found_in(self, log: str) -> list[str]:
        return [what for what, secret in self._known.items() if secret in log]


def ask(server, path: str, body: object = None, **headers: str) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": error.read().decode()}


def an_eventful_day(server, come, dial, receiver) -> Secrets:
    """Every way to come in, to say something and to be turned away, with everything secret that belongs to it."""
    secret, text = Secrets(), "a plan that is nobody's business"
    secret("message text", text)
    by_password(server, come, secret, text)
    by_token(server, come, dial, secret, text)
    by_polls(server, secret, text)
    by_keys(server, secret, text, receiver)
    return secret


def by_password(server, come, secret, text) -> None:
    browser = server.browser()
    password = secret("password", "correct horse battery")
    browser.submit("/register", username="ada", password=password)
    browser.submit("/login", username="ada", password=secret("wrong password", "incorrect horse"))
    for part in browser.cookie.split("; "):
        secret(f"cookie {part.partition('=')[0]}", part.partition("=")[2])
    ada = come(server, cookie=browser.cookie, headers=[("User-Agent", browser.name)])
    ada.ask(type="group", gid="lobby", content=text)
    browser.submit("/logout")
    assert ada.closed().code == 4440


def by_token(server, come, dial, secret, text) -> None:
    ben = come(server, None, login=False)
    ben.send(type="login", token=secret("token in a frame", server.token("9", "ben")))
    ben.expect("login")
    ben.ask(type="pm", uid="7", content=text)
    ben.client.send(TEXT, f'{{"type":"group","gid":"lobby","content":"{text}"'.encode())
    ben.expect("error", code="bad_json")
    ben.client.send(TEXT, b'{"type":"login","token":"%s"}' % secret("forged token", "forged-top-secret").encode())
    ben.expect("error", code="bad_token")
    ben.client.send(TEXT, text.encode() + b"\xff")
    assert ben.closed().code == 1007
    come(server, "9", "ben").close()
    with pytest.raises(Refused):
        dial(server).handshake("/chat/ws?token=" + secret("forged token of an address", "x" * 30))
    token = secret("token of a foreign page", server.token("9"))
    with pytest.raises(Refused):
        dial(server).handshake(f"/chat/ws?token={token}", [("Origin", "http://evil.example")])


def by_polls(server, secret, text) -> None:
    login = {"type": "login", "token": secret("token of a poll", server.token("8", "cem"))}
    first = ask(server, "/chat/poll", {"cursor": None, "frames": [login], "wait": 0})
    cursor = secret("cursor", first["cursor"])
    say = {"type": "group", "gid": "lobby", "content": text, "id": "1"}
    assert ask(server, "/chat/poll", {"cursor": cursor, "frames": [say], "wait": 0})["cursor"]
    token = secret("token in the address of a poll", server.token("8", "eve"))
    assert ask(server, f"/chat/poll?token={token}", {"frames": [{"type": "login"}]})["cursor"]
    forged = secret("forged cursor", cursor[:-4] + "xxxx")
    assert ask(server, "/chat/poll", {"cursor": forged, "frames": [], "wait": 0})["status"] == 400


def by_keys(server, secret, text, receiver) -> None:
    key = secret("key", server.flask("key", "office").strip())
    bearer = {"Authorization": f"Bearer {key}"}
    wrong = {"Authorization": "Bearer " + secret("wrong key", "lc_nobodys-key")}
    api = "/chat/api/v1"
    hook = {"url": f"{receiver.url}/a-secret-path", "events": ["message.created"]}
    secret("path of a webhook", "a-secret-path")
    secret("secret of a webhook", ask(server, f"{api}/webhooks", hook, **bearer)["secret"])
    assert ask(server, f"{api}/push", {"uid": "7", "content": text}, **bearer)["users"] == 0
    assert ask(server, f"{api}/push", {"uid": "7", "content": text}, **wrong)["status"] == 401
    assert ask(server, f"{api}/rooms/lobby/messages", {"content": text}, **bearer)["seq"]
    secret("minted token", ask(server, f"{api}/tokens", {"uid": "7"}, **bearer)["token"])
    with suppress(ValueError):  # the door answers a word
        ask(server, f"/chat/push?type=publish&to=7&content=hello&key={key}")
    assert ask(server, "/chat/metrics", **wrong)["status"] == 401
    eventually(lambda: "webhook 1" in server.log(), what="the failed delivery's line")


@pytest.fixture
def broken_receiver():
    receiver = Receiver(*[500] * 20)
    yield receiver
    receiver.close()


@pytest.mark.parametrize("format", ["text", "json"])
def test_no_secret_is_in_the_log_after_an_eventful_day(serve, come, dial, broken_receiver, format):
    server = serve("--access-logfile", "-", log_format=format, webhook_private="1", webhook_retry_seconds="0.2")
    secrets = an_eventful_day(server, come, dial, broken_receiver)
    server.stop(signal.SIGTERM)
    log = server.log()
    assert "client " in log
    assert secrets.found_in(log) == []
    assert (server.folder / "secret_key").read_text() not in log


# -- as JSON -----------------------------------------------------------------------------------------------------------


def objects(server) -> list[dict]:
    return [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]


def test_as_json_every_line_is_an_object_gunicorns_too(serve, come, dial):
    server = serve("--access-logfile", "-", log_format="json")
    ada = come(server, "7", "ada")
    with pytest.raises(Refused):
        dial(server).handshake("/chat/ws", [("Origin", "http://evil.example")])
    ada.client.send(CLOSE, b"\x03\xe8")
    ada.closed()
    eventually(lambda: "closed 1000" in server.log())
    server.stop(signal.SIGTERM)
    lines = {line["message"].partition(":")[0]: line for line in objects(server)}
    closed = lines["socket 1001 of 7 over websocket"]
    assert closed["logger"] == "legacy_chat.sockets"
    assert (closed["client_id"], closed["uid"], closed["transport"], closed["code"]) == (1001, "7", "websocket", 1000)
    assert closed["address"] == "127.0.0.1"
    assert closed["frames_in"] >= 1
    assert 0 <= closed["seconds"] < 60
    refused = next(line for line in objects(server) if line.get("reason") == "origin")
    assert (refused["status"], refused["origin"]) == (403, "http://evil.example")
    assert lines["this worker ends"]["sockets"] <= 1
    assert len(objects(server)) == len(server.log().splitlines())
    assert lines["Listening at"]["logger"] == "gunicorn.error"
    assert [line for line in objects(server) if line["logger"] == "gunicorn.access" and " 426 " in line["message"]]
    assert all({"ts", "level", "logger", "pid", "message"} <= line.keys() for line in objects(server))


def test_lines_of_a_gunicorn_that_is_set_up_otherwise_stay_as_they_are(serve, tmp_path):
    (tmp_path / "plain.py").write_text(PLAIN)
    server = serve("-c", str(tmp_path / "plain.py"), log_format="json")
    assert re.search(r"^\[.*\] \[INFO\] Listening at", server.log(), re.M)


def test_who_ended_whose_sockets_is_told(serve, come):
    server = serve(log_format="json")
    browser = server.browser()
    browser.submit("/register", username="ada", password="correct horse battery")
    ada = come(server, cookie=browser.cookie, headers=[("User-Agent", browser.name)])
    browser.submit("/logout")
    assert ada.closed().code == 4440
    uid = ada.welcome["uid"]
    told = [line for line in objects(server) if line["logger"] == "legacy_chat.realtime.registry"]
    [line] = [line for line in told if line.get("code") == 4440]
    assert (line["uid"], line["by"], line["sockets"]) == (uid, uid, 1)


def test_an_attack_leaves_a_few_lines(serve, dial):
    server = serve()
    for _ in range(300):
        client = dial(server)
        client.request("/chat/ws", [("Host", "a"), ("Connection", "close")])
        assert client.response()[0] == 426
        client.close()
    assert server.log().count("refused: 426") < 60
