"""`/chat/metrics`: who may read it, and whether what it says can be read."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from legacy_chat.actions.keys import Keys
from legacy_chat.core.metrics import (
    CLOSES,
    COMMIT_SECONDS,
    CONNECTIONS,
    HANDSHAKES,
    MESSAGES,
    PUSHES,
    REFUSALS,
    TABLE,
)
from legacy_chat.errors import Unavailable
from legacy_chat.web import metrics
from legacy_chat.web.metrics import is_local

LOCAL = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000", "SERVER_PROTOCOL": "HTTP/1.1"}
AWAY = {**LOCAL, "REMOTE_ADDR": "10.0.0.9"}
PATH = "/chat/metrics"


@pytest.fixture
def counts(host):
    return host.extensions["legacy_chat"].parts.counts


@pytest.fixture
def ask(host):
    def ask(environ=LOCAL, method="GET", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return host.test_client().open(PATH, method=method, environ_overrides=environ, headers=headers)

    return ask


@pytest.fixture
def key(host):
    """Makes keys of these scopes."""
    keys = Keys(host.extensions["legacy_chat"].parts)
    return lambda *scopes: f"Bearer {keys.create('prometheus', list(scopes))[1]}"


def samples(answer) -> dict[str, float]:
    """`name{label="value"}` → value."""
    return {
        sample.name + "".join(f'{{{name}="{value}"}}' for name, value in sample.labels.items()): sample.value
        for family in parse(answer.text)
        for sample in family.samples
    }


# -- what it says ----------------------------------------------------------------------------------------------------


def test_every_metric_is_there_with_its_type_and_help(ask):
    families = {family.name: family for family in parse(ask().text)}
    for metric in TABLE:
        family = families[metrics.PREFIX + metric.name]
        assert (family.type, family.documentation) == (metric.kind, f"{metric.help} ({metric.unit})")
    assert families["python_info"]


def test_the_figures_are_those_that_were_counted(ask, counts):
    counts[CONNECTIONS["websocket"]], counts[HANDSHAKES["websocket"]] = 3, 7
    counts[CLOSES[4408]], counts[CLOSES[3999]] = 2, 1
    found = samples(ask())
    assert found['legacy_chat_connections{transport="websocket"}'] == 3
    assert found['legacy_chat_handshakes_total{transport="websocket"}'] == 7
    assert found['legacy_chat_closes_total{code="4408"}'] == 2
    assert found['legacy_chat_closes_total{code="other"}'] == 1
    assert found["legacy_chat_workers"] == 1


def test_buckets_hold_what_is_below_them(ask, counts):
    before = samples(ask())["legacy_chat_commit_seconds_count"]  # the host's tables were made by a commit
    for seconds in (0.0001, 0.004, 9.0):
        COMMIT_SECONDS.observe(counts, seconds)
    found = samples(ask())
    buckets = [value for name, value in found.items() if name.startswith("legacy_chat_commit_seconds_bucket")]
    assert buckets == sorted(buckets)
    assert found['legacy_chat_commit_seconds_bucket{le="+Inf"}'] == before + 3
    assert found["legacy_chat_commit_seconds_count"] == before + 3
    assert found["legacy_chat_commit_seconds_sum"] >= 9.0041


def test_who_asks_for_openmetrics_gets_it(ask):
    answer = ask(Accept="application/openmetrics-text; version=1.0.0")
    assert answer.content_type.startswith("application/openmetrics-text")
    assert {family.name for family in parse_openmetrics(answer.text)} >= {"legacy_chat_closes", "legacy_chat_people"}


def test_head_is_get_without_its_body_and_nothing_may_be_sent(ask):
    assert ask(method="HEAD").data == b""
    refused = ask(method="POST")
    assert refused.status_code == 405
    assert refused.headers["Allow"] == "GET, HEAD"


def test_what_the_site_does_is_counted(host, ask, key):
    client = host.test_client()
    body, headers = {"gid": "lobby", "content": "Closing", "durable": True}, {"Authorization": key("push")}
    assert client.post("/chat/api/v1/push", json=body, headers=headers).status_code == 200
    assert client.post("/chat/api/v1/push", json={"uid": "7", "content": "x"}, headers=headers).status_code == 503
    assert client.get("/chat/ws").status_code == 426
    found = samples(ask())
    assert found['legacy_chat_messages_stored_total{kind="room"}'] == 1
    assert found['legacy_chat_pushes_total{result="offline"}'] == 1
    assert found['legacy_chat_pushes_total{result="fail"}'] == 1
    assert found['legacy_chat_refusals_total{reason="not_websocket"}'] == 1


def test_what_people_do_who_poll_is_counted(host, ask):
    client = host.test_client()
    client.get("/enter/7")

    def poll(cursor, *frames, **headers):
        return client.post("/chat/poll", json={"cursor": cursor, "frames": frames, "wait": 0}, headers=headers)

    say = {"type": "group", "gid": "lobby", "content": "hi", "id": "1"}
    cursor = poll(None, {"type": "login"}, say).json["cursor"]
    assert poll(cursor, {**say, "gid": "no-such-room"}).status_code == 200
    assert poll("forged").status_code == 400
    assert poll(cursor, Origin="http://evil.example").status_code == 403
    found = samples(ask())
    assert found['legacy_chat_handshakes_total{transport="polling"}'] == 1
    assert found['legacy_chat_polls_total{answer="news"}'] == 2
    assert found['legacy_chat_polls_total{answer="refused"}'] == 2
    assert found['legacy_chat_refusals_total{reason="bad_cursor"}'] == 1
    assert found['legacy_chat_refusals_total{reason="origin"}'] == 1
    assert found['legacy_chat_errors_total{code="unknown_room"}'] == 1
    assert found['legacy_chat_messages_stored_total{kind="room"}'] == 1
    assert found["legacy_chat_frames_received_total"] == 3
    assert found["legacy_chat_frames_sent_total"] >= 6  # hello, login, the message, its ack, three errors


def test_the_site_goes_on_where_prometheus_client_is_missing(ask, monkeypatch):
    monkeypatch.setattr(metrics, "installed", False)
    answer = ask()
    assert answer.status_code == 501
    assert answer.text == 'Metrics need prometheus-client: pip install "legacy_chat[metrics]"\n'
    assert ask(AWAY).status_code == 401  # who may not read them is not told that


# -- who may read it ---------------------------------------------------------------------------------------------------


def test_a_key_with_the_scope_reads_from_anywhere(ask, key):
    for scope in ("metrics", "all"):
        assert ask(AWAY, Authorization=key(scope)).status_code == 200


def test_others_do_not(ask, key):
    stranger = ask(AWAY)
    assert stranger.status_code == 401
    assert stranger.headers["WWW-Authenticate"] == "Bearer"
    assert ask(AWAY, Authorization=key("push")).status_code == 403
    assert ask(AWAY, Authorization="Bearer lc_forged").status_code == 401
    # A key that is not good is not made better by where it comes from.
    assert ask(LOCAL, Authorization="Bearer lc_forged").status_code == 401


@pytest.mark.parametrize(
    "forwarded",
    [
        {"HTTP_X_FORWARDED_FOR": "10.0.0.9"},
        {"HTTP_FORWARDED": "for=10.0.0.9"},
        {"HTTP_VIA": "1.1 varnish"},
        {"HTTP_X_REAL_IP": "10.0.0.9"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"SERVER_PROTOCOL": "HTTP/1.0"},
        {"HTTP_HOST": "shop.example"},
        {"HTTP_HOST": "127.0.0.1.evil.example"},
        {"HTTP_HOST": "[::1"},
        {"REMOTE_ADDR": "10.0.0.9"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "unix:"},
    ],
)
def test_what_a_proxy_passed_on_is_not_from_here(forwarded):
    assert not is_local({**LOCAL, **forwarded})


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_this_machine_is_known_by_all_its_names(address, host):
    assert is_local({**LOCAL, "REMOTE_ADDR": address, "HTTP_HOST": host})


def test_a_site_may_want_a_key_from_everybody(make_host, key):
    host = make_host(CHAT_METRICS_LOOPBACK=False)
    assert host.test_client().get(PATH, environ_overrides=LOCAL).status_code == 401


def test_this_machine_reads_on_while_the_store_that_knows_the_keys_is_away(host, ask, key, monkeypatch):
    secret = key("metrics")

    def away(_):
        raise Unavailable("The message store does not answer.", retry_after=1.0)

    monkeypatch.setattr(host.extensions["legacy_chat"].parts, "read", away)
    assert ask(AWAY, Authorization=secret).status_code == 503
    assert ask().status_code == 200


def test_the_sites_own_login_wall_does_not_stand_in_the_way(host, ask):
    host.before_request(lambda: ("who are you?", 401))
    assert ask().status_code == 200


def test_reasons_and_results_have_the_words_that_are_counted(counts):
    assert {"full", "per_user", "per_address", "draining"} <= set(REFUSALS)
    assert set(PUSHES) == {"ok", "offline", "planned", "fail"}
    assert set(MESSAGES) == {"room", "private"}
