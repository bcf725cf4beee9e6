from contextlib import contextmanager

import pytest
from werkzeug.test import EnvironBuilder

from legacy_chat.backplane.contract import Disconnect
from legacy_chat.errors import NotFound, RateLimited, Refused

HANDSHAKE = {
    "Host": "shop.example",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
}


class Upgrade:
    """The server's offer to hand over a socket."""

    headers = None

    def accept(self, headers):
        self.headers = dict(headers)
        return "the socket", b"early bytes"


class Worker:
    served = None

    def __init__(self):
        self.ended, self.addresses = [], []

    @contextmanager
    def asking(self):
        yield self.ended

    def check_room(self, address, member):
        self.addresses.append(address)

    def send_away(self, transport, address, error):
        self.sent_away = transport, error.message

    def serve(self, transport, received, member, address, request):
        self.served = transport, received, member


@pytest.fixture
def worker(host, monkeypatch):
    worker = Worker()
    monkeypatch.setattr(host.extensions["legacy_chat"], "worker", lambda: worker)
    return worker


@pytest.fixture
def knock(host):
    """Sends a handshake with changed headers (None takes one away); returns status, headers, body and the offer."""

    def knock(path="/chat/ws", offer=True, **changes):
        changed = {name.replace("_", "-"): value for name, value in changes.items()}
        headers = {name: value for name, value in {**HANDSHAKE, **changed}.items() if value is not None}
        environ = EnvironBuilder(path=path, headers=headers).get_environ()
        upgrade = Upgrade()
        if offer:
            environ["legacy_chat.upgrade"] = upgrade
        started = []
        body = b"".join(
            host.wsgi_app(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
        )
        status, answered = started[0] if started else (None, [])
        return status, dict(answered), body.decode(), upgrade

    return knock


def token(host, uid="7", name="ada"):
    return host.extensions["legacy_chat"].tokens.mint(uid, name).token


def cookie(host, uid="7"):
    return host.test_client().get(f"/enter/{uid}").headers["Set-Cookie"].partition(";")[0]


def test_ada_comes_in_with_her_cookie(host, worker, knock):
    status, _, body, upgrade = knock(Cookie=cookie(host), Origin="http://shop.example")
    assert (status, body) == (None, "")
    assert upgrade.headers["Sec-WebSocket-Accept"] == "HSmrc0sMlYUkAGmm5OPpG2HaGWk="
    transport, received, member = worker.served
    assert (transport, received) == ("the socket", b"early bytes")
    assert (member.uid, member.name) == ("7", "ada")


def test_a_token_in_the_address_says_who_it_is_whatever_the_cookie_says(host, worker, knock):
    knock(path=f"/chat/ws?token={token(host, '9', 'ben')}", Cookie=cookie(host))
    assert worker.served[2].uid == "9"


def test_nobody_may_come_in_and_log_in_later(worker, knock):
    knock()
    assert worker.served == ("the socket", b"early bytes", None)


@pytest.mark.parametrize("token", ["forged", "%00", "%ff%fe", "a&token=b"])
def test_a_bad_token_stays_outside(worker, knock, token):
    status, _, body, upgrade = knock(path=f"/chat/ws?token={token}")
    assert status.startswith("401")
    assert "token" in body
    assert (upgrade.headers, worker.served) == (None, None)


def test_whom_the_site_keeps_out_is_told_so_on_the_socket_as_no_script_sees_a_status(host, worker, knock):
    host.extensions["legacy_chat"].hooks.member_loader = lambda user: None
    status, _, _, upgrade = knock(Cookie=cookie(host))
    assert (status, worker.served) == (None, None)
    assert upgrade.headers["Sec-WebSocket-Accept"]
    assert worker.sent_away == ("the socket", "The site does not let you into its chat.")


def test_a_site_that_cannot_say_who_asks_is_to_be_asked_later(host, worker, knock):
    cookies = cookie(host)
    host.login_manager.user_loader(lambda uid: 1 / 0)
    status, headers, *_ = knock(Cookie=cookies)
    assert (status[:3], worker.served) == ("503", None)
    assert headers["Retry-After"]


@pytest.mark.parametrize("error", [RateLimited("later", 3), Refused("no"), NotFound("who?")])
def test_a_site_refuses_a_handshake_with_any_error_of_ours(host, worker, knock, error):
    def load(user):
        raise error

    host.extensions["legacy_chat"].hooks.member_loader = load
    status, _, body, _ = knock(Cookie=cookie(host))
    assert (status[:3], body, worker.served) == (str(error.status), error.message + "\n", None)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://shop.example:8001", "http://[::1", ""])
def test_a_page_of_another_site_stays_outside_even_with_adas_cookie(host, worker, knock, origin):
    status, _, body, upgrade = knock(Cookie=cookie(host), Origin=origin)
    assert status.startswith("403")
    assert "CHAT_ALLOWED_ORIGINS" in body
    assert (upgrade.headers, worker.served) == (None, None)


@pytest.mark.parametrize("name", ["[::1", "shop.example:port", "]"])
def test_a_host_that_cannot_be_read_is_a_refusal_and_no_crash(worker, knock, name):
    status, *_ = knock(Host=name, Origin="http://shop.example")
    assert status.startswith("4")
    assert worker.served is None


def test_an_origin_on_the_list_may_come_in(make_host, monkeypatch):
    host, worker = make_host(CHAT_ALLOWED_ORIGINS="https://partner.example"), Worker()
    monkeypatch.setattr(host.extensions["legacy_chat"], "worker", lambda: worker)
    environ = EnvironBuilder(path="/chat/ws", headers={**HANDSHAKE, "Origin": "https://partner.example"}).get_environ()
    environ["legacy_chat.upgrade"] = Upgrade()
    assert list(host.wsgi_app(environ, None)) == []
    assert worker.served


def test_a_browser_that_just_opens_the_address_is_told_what_it_is_for(worker, knock):
    status, headers, body, _ = knock(Upgrade=None, Connection=None)
    assert status == "426 Upgrade Required"
    assert headers["Sec-WebSocket-Version"] == "13"
    assert headers["Content-Type"].startswith("text/plain")
    assert headers["Content-Length"] == str(len(body))
    assert worker.served is None


def test_a_malformed_handshake_is_a_bad_request(worker, knock):
    assert knock(Sec_WebSocket_Key="short")[0] == "400 Bad Request"
    assert worker.served is None


def test_under_another_server_the_answer_names_the_worker_to_use(worker, knock):
    status, _, body, _ = knock(offer=False)
    assert status == "501 Not Implemented"
    assert "GeventWebSocketWorker" in body


@pytest.mark.parametrize("path", ["/sign-in", "/chat/ws/more", "/other/chat/ws"])
def test_all_other_addresses_are_the_sites_own(worker, knock, path):
    status, *_ = knock(path=path, Upgrade=None, Connection=None)
    assert status in ("200 OK", "404 NOT FOUND")
    assert worker.served is None


def test_the_prefix_moves_the_door(make_host):
    host = make_host(CHAT_PREFIX="/talk")
    assert host.test_client().get("/talk/ws").status_code == 426
    assert host.test_client().get("/chat/ws").status_code == 404


ASTRAY = [
    "/chat/wss",
    "/chat/ws/",
    "/chat/wS",
    "/chat/",
    "/chat/poll",
    "/chat/test/echo",
    "/chat/api/v1/rooms",
    "/chat/text",
]


@pytest.mark.parametrize("path", ASTRAY)
def test_a_mistyped_address_is_named_with_the_right_one(worker, knock, path):
    status, headers, body, upgrade = knock(path=f"{path}?token=secret")
    assert status == "404 Not Found"
    assert headers["Content-Type"].startswith("text/plain")
    assert body == f"There is no WebSocket at {path}. The chat's is at /chat/ws.\n"
    assert (upgrade.headers, worker.served) == (None, None)


def test_below_a_mount_the_whole_address_is_named(host):
    builder = EnvironBuilder(path="/chat/wss", base_url="http://shop.example/shop", headers=HANDSHAKE)
    body = b"".join(host.wsgi_app(builder.get_environ(), lambda status, headers, exc_info=None: None))
    assert b"at /shop/chat/wss. The chat's is at /shop/chat/ws." in body


def test_where_there_are_text_rooms_they_are_named_as_well(make_host):
    app = make_host(CHAT_TEXT_ROOMS="1")
    environ = EnvironBuilder(path="/chat/text", headers=HANDSHAKE).get_environ()
    body = b"".join(app.wsgi_app(environ, lambda status, headers, exc_info=None: None))
    assert b"A plain-text room is at /chat/text/ROOM." in body


@pytest.mark.parametrize("path", ["/chats", "/live/chat/wss", "/chat"])
def test_upgrades_of_the_site_are_none_of_ours(knock, path):
    assert "The chat's is at" not in knock(path=path)[2]


def test_without_an_upgrade_pages_below_the_prefix_are_as_before(knock):
    assert "WebSocket" not in knock(path="/chat/wss", Upgrade=None, Connection=None)[2]


def test_a_session_that_ends_while_the_site_is_asked_whose_it_is_opens_no_socket(host, worker, knock):
    """The site's loader may wait for a database."""
    chat = host.extensions["legacy_chat"]

    def slow(user):
        worker.ended += [Disconnect("9", 4440, "logged out"), Disconnect("7", 4440, "logged out", "another browser")]
        if user.get_id() == "7" and ending:
            worker.ended.append(Disconnect("7", 4440, "logged out"))
        return {"uid": user.get_id(), "name": "ada"}

    chat.hooks.member_loader = slow
    ending, session = True, cookie(host)
    assert knock(Cookie=session)[0].startswith("401")
    assert worker.served is None
    ending, worker.ended = False, []
    knock(Cookie=session)
    assert worker.served[2].uid == "7"


def test_an_address_with_two_slashes_is_behind_the_same_proxies(make_host, monkeypatch):
    host, worker = make_host(CHAT_TRUSTED_PROXIES="1"), Worker()
    monkeypatch.setattr(host.extensions["legacy_chat"], "worker", lambda: worker)
    for path in ("/chat/ws", "//chat/ws"):
        environ = EnvironBuilder(headers={**HANDSHAKE, "X-Forwarded-For": "203.0.113.9"}).get_environ()
        environ |= {"PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1", "legacy_chat.upgrade": Upgrade()}
        list(host.wsgi_app(environ, lambda *_: None))
        assert worker.served[0] == "the socket"
        assert worker.addresses.pop() == "203.0.113.9", path
        worker.served = None


@pytest.mark.parametrize("path", ["/chat/ws", "/chat/poll", "/chat/health", "/chat/metrics", "/chat/api/v1/rooms"])
def test_an_answer_to_head_has_no_body(host, path):
    environ = EnvironBuilder(path=path, method="HEAD").get_environ()
    assert b"".join(host.wsgi_app(environ, lambda *_: None)) == b""
