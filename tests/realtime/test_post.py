"""One try of a delivery: what the receiver gets, where it may live, and what its answers mean."""

from __future__ import annotations

import ssl
import time

import pytest
from receiver import Receiver as Shop
from receiver import certify

from legacy_chat.core.webhooks import Delivery, Webhook, encode_body, make_secret
from legacy_chat.realtime import post

SECRET = make_secret(b"s" * 32)


def delivery(event: str = "evt_1") -> Delivery:
    return Delivery(1, 1, event, "user.online", encode_body("user.online", {"uid": "汉"}, 5), 5, 0, 5, "waiting")


@pytest.fixture
def open_shop():
    """Receivers with these answers, closed after the test."""
    shops: list[Shop] = []

    def open_shop(*answers: object, **how) -> Shop:
        shops.append(Shop(*answers, **how))
        return shops[-1]

    yield open_shop
    for shop in shops:
        shop.close()


@pytest.fixture
def send():
    """Send to a URL; more than once over the same `Receiver`. `host` says where every name leads to."""
    receivers: list[post.Receiver] = []

    def send(url: str, *hosts: str, private: bool = True, times: int = 1, asked: list | None = None, **how):
        def lookup(host: str, port: int) -> list[str]:
            if asked is not None:
                asked.append((host, port))
            return list(hosts)

        how = {"seconds": 5.0, **how}
        if hosts:
            how["lookup"] = lookup
        receivers.append(post.Receiver(Webhook(1, url, [], SECRET, 0), private=private, **how))
        outcomes = [receivers[-1].send(delivery(), time.time_ns() // 1_000_000) for _ in range(times)]
        return outcomes[0] if times == 1 else outcomes

    yield send
    for receiver in receivers:
        receiver.close()


def test_the_receiver_gets_a_signed_event(open_shop, send):
    shop = open_shop(200)
    assert send(shop.url + "?a=b%20c").code == 200
    [got] = shop.got
    assert got.path == "/hook?a=b%20c"
    assert (got.id, got.headers["content-type"]) == ("evt_1", "application/json")
    assert got.verified(SECRET) == {
        "type": "user.online",
        "timestamp": "1970-01-01T00:00:00.005Z",
        "data": {"uid": "汉"},
    }
    assert got.headers["host"] == f"127.0.0.1:{shop.port}"


def test_an_address_without_a_path_is_the_root(open_shop, send):
    shop = open_shop()
    assert send(f"http://127.0.0.1:{shop.port}").taken
    assert shop.got[0].path == "/"


@pytest.mark.parametrize("status", [204, 302, 404, 410, 500])
def test_the_status_is_the_outcome(open_shop, send, status):
    shop = open_shop((status, {"Location": "/elsewhere"} if status == 302 else {}))
    assert (send(shop.url).code, len(shop.got)) == (status, 1)


def test_deliveries_that_follow_each_other_share_a_connection(open_shop, send):
    shop = open_shop(204, (200, {}), 500)
    assert [outcome.code for outcome in send(shop.url, times=4)] == [204, 200, 500, 204]
    assert {got.connection for got in shop.got} == {1}


def test_of_a_long_answer_only_the_beginning_is_read(open_shop, send):
    sent = []

    def flood(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(2**30))
        handler.end_headers()
        try:
            while True:
                sent.append(handler.wfile.write(b"x" * 65536))
        except OSError:
            handler.close_connection = True

    shop = open_shop(flood)
    assert [outcome.code for outcome in send(shop.url, times=2)] == [200, 204]
    assert {got.connection for got in shop.got} == {1, 2}
    assert sum(sent) < 2**26, "what the sockets hold, not the gigabyte"


def test_an_answer_that_is_not_http_is_a_failure(open_shop, send):
    def babble(handler) -> None:
        handler.wfile.write(b"whatever\r\n\r\n")
        handler.close_connection = True

    outcome = send(open_shop(babble).url)
    assert (outcome.code, outcome.taken) == (None, False)
    assert "does not speak HTTP" in outcome.error


def test_who_does_not_answer_in_time_failed(open_shop, send):
    def sleep(handler) -> None:
        handler.rfile.read(1)  # until the other side gives up

    outcome = send(open_shop(sleep).url, seconds=0.2)
    assert (outcome.code, outcome.error) == (None, "no answer within 0.2 s")


def test_nobody_there_is_a_failure(open_shop, send):
    shop = Shop()
    shop.close()
    assert send(shop.url).error == "the receiver cannot be connected to"


# -- where it may live ----------------------------------------------------------------------------------------------


def test_a_name_that_leads_to_the_inner_network_is_refused(open_shop, send):
    shop = open_shop()
    for name in ("shop.example", "2130706433", "0x7f.1"):
        outcome = send(f"http://{name}:{shop.port}/", "127.0.0.1", private=False)
        assert "private address" in outcome.error
    assert shop.got == []


def test_names_are_looked_up_by_the_system(open_shop, send):
    """Whatever else is no public name: this one is in every /etc/hosts."""
    shop = open_shop()
    assert "private address" in send(f"http://localhost:{shop.port}/", private=False).error
    assert send(f"http://localhost:{shop.port}/").taken
    assert [got.headers["host"] for got in shop.got] == [f"localhost:{shop.port}"]


def test_a_name_that_nobody_knows_is_a_failure(send, capfd):
    for name in ("nobody.invalid", "a..b"):
        assert send(f"http://{name}/").error.startswith("the host cannot be looked up")
    assert capfd.readouterr().err == "", "gevent would print a traceback for each"


def test_it_connects_to_the_address_that_was_checked_and_asks_for_it_once(open_shop, send):
    """A second look at the name might lead elsewhere."""
    shop, asked = open_shop(), []
    assert all(
        outcome.taken for outcome in send(f"http://shop.example:{shop.port}/x", "127.0.0.1", times=3, asked=asked)
    )
    assert asked == [("shop.example", shop.port)]
    assert {got.headers["host"] for got in shop.got} == {f"shop.example:{shop.port}"}


def test_of_several_addresses_only_the_public_ones_are_spoken_to(open_shop, send, monkeypatch):
    inner = open_shop()
    public = open_shop(host="127.0.0.2", port=inner.port)
    monkeypatch.setattr(post, "is_public", lambda address: address == "127.0.0.2")
    assert send(f"http://shop.example:{inner.port}/", "127.0.0.1", "127.0.0.2", private=False).taken
    assert (len(inner.got), len(public.got)) == (0, 1)


def test_the_next_address_is_tried_where_one_cannot_be_reached(open_shop, send):
    shop = open_shop()
    assert send(f"http://shop.example:{shop.port}/", "127.0.0.3", "127.0.0.1").taken


def test_proxies_of_the_environment_are_not_asked(open_shop, send, monkeypatch):
    shop, proxy = open_shop(), open_shop()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert send(shop.url).taken
    assert proxy.got == []


# -- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """shop.example's side of TLS, and the one that believes it."""
    theirs, certificate = certify(tmp_path_factory.mktemp("tls"), "shop.example")
    return theirs, lambda: ssl.create_default_context(cafile=str(certificate))


def test_over_tls_the_certificate_is_that_of_the_name(open_shop, send, certified):
    theirs, believed = certified
    shop = open_shop(tls=theirs)
    assert send(f"https://shop.example:{shop.port}/", "127.0.0.1", context=believed).taken
    other = send(f"https://other.example:{shop.port}/", "127.0.0.1", context=believed)
    assert other.error.startswith("TLS failed")
    assert len(shop.got) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(open_shop, send, certified):
    shop = open_shop(tls=certified[0])
    assert send(f"https://shop.example:{shop.port}/", "127.0.0.1").error.startswith("TLS failed")
    assert shop.got == []
