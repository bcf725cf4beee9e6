"""The printed configurations: whole, and the same as the shipped files. Live tests run each behind its real proxy."""

import re
import shlex
from pathlib import Path

import pytest

from legacy_chat.proxy import KINDS, Proxy, idle_seconds, render
from legacy_chat.settings import load

DEPLOY = Path(__file__).parents[1] / "deploy"
DEFAULTS = load({}, {})


@pytest.fixture
def chat(host):
    """`flask chat proxy …`: what it prints."""

    def run(*arguments, code=0) -> str:
        result = host.test_cli_runner().invoke(args=["chat", "proxy", *arguments])
        assert result.exit_code == code, result.output
        return result.output

    return run


@pytest.mark.parametrize(
    ("file", "arguments"), [("nginx.conf", ()), ("compose.nginx.conf", ("--upstream", "site:8000"))]
)
def test_the_shipped_file_is_what_is_printed(chat, file, arguments, monkeypatch):
    """`flask --app wsgi chat proxy nginx > deploy/nginx.conf` makes it anew."""
    monkeypatch.delenv("PORT", raising=False)
    assert (DEPLOY / file).read_text() == chat("nginx", *arguments)


@pytest.mark.parametrize("kind", KINDS)
def test_the_upstream_is_a_port_or_a_unix_socket(kind):
    assert "127.0.0.1:8000" in render(kind, DEFAULTS)
    unix = render(kind, DEFAULTS, Proxy("/run/site.sock"))
    assert "127.0.0.1:8000" not in unix
    assert "/run/site.sock" in unix


@pytest.mark.parametrize("kind", KINDS)
def test_the_prefix_of_the_settings_is_everywhere(kind):
    text = render(kind, load({"CHAT_PREFIX": "/talk.v2"}, {}), Proxy(static=Path("/srv/static")))
    assert "/chat/" not in text.replace("/srv/static/chat", "")
    assert text.count("/talk") >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_paths_with_spaces_are_one_word(kind):
    proxy = Proxy("/run/my site.sock", certificate="/my certs/c.pem", key="/my certs/k.pem", static=Path("/my site"))
    lines = render(kind, DEFAULTS, proxy).splitlines()
    spaced = [line for line in lines if "/my " in line and not line.lstrip().startswith("#")]
    assert len(spaced) >= 4
    for line in spaced:
        words = shlex.split(line.strip(" \t;").strip("<>"))
        assert any("/my " in word for word in words), line


@pytest.mark.parametrize("kind", KINDS)
def test_braces_close_and_no_template_is_left(kind):
    text = render(kind, DEFAULTS, Proxy(certificate="/c.pem", key="/k.pem", static=Path("/srv/static")))
    assert text.count("{") == text.count("}")
    assert "{%" not in text
    assert "{{" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_files_from_disk_may_be_used_by_pages_of_other_origins_as_the_sites_own_may(kind):
    assert "Access-Control-Allow-Origin" not in render(kind, DEFAULTS)
    text = render(kind, DEFAULTS, Proxy(static=Path("/srv/static")))
    assert text.count("Access-Control-Allow-Origin *") == text.count("Cache-Control no-cache") > 0


def test_scripts_are_packed_by_whichever_name_their_type_has():
    for proxy in (Proxy(), Proxy(static=Path("/srv/static"))):
        types = [line for line in render("nginx", DEFAULTS, proxy).splitlines() if "gzip_types" in line]
        assert {line.strip() for line in types} == {"gzip_types text/css text/javascript application/javascript;"}


def names_in(text: str) -> set[str]:
    return set(re.findall(r"legacy_chat\w*", text.partition("upstream ")[2]))


@pytest.mark.parametrize(
    ("config", "given", "name"),
    [
        ({}, {}, "legacy_chat"),
        ({}, {"server_name": "shop.example"}, "legacy_chat_shop_example"),
        ({}, {"server_name": "my-shop.example"}, "legacy_chat_my__shop_example"),
        ({}, {"upstream": "127.0.0.1:8001"}, "legacy_chat_127_0_0_1_8001"),
        ({}, {"upstream": "/run/b.sock"}, "legacy_chat_run_b_sock"),
        ({"CHAT_PREFIX": "/talk"}, {}, "legacy_chat_talk"),
        ({"CHAT_PREFIX": "/talk"}, {"server_name": "b.example"}, "legacy_chat_b_example_talk"),
    ],
)
def test_two_files_in_one_nginx_have_no_name_in_common(config, given, name):
    assert names_in(render("nginx", load(config, {}), Proxy(**given))) == {name, f"{name}_connection"}


def test_names_in_a_file_of_nginxs_are_short_enough_for_its_tables_and_differ():
    hosts = ["one" * 20 + ".example", "one" * 20 + ".example.org", "店.example", "铺.example"]
    found = [names_in(render("nginx", DEFAULTS, Proxy(server_name=host))) for host in hosts]
    assert len(set.union(*found)) == 2 * len(hosts)
    for name in set.union(*found):
        assert re.fullmatch("[a-z0-9_]{11,46}", name, re.A), name


@pytest.mark.parametrize(("ping", "idle"), [("25", 75), ("50", 150), ("1", 60)])
def test_a_silent_connection_outlives_a_lost_ping(ping, idle):
    settings = load({"CHAT_PING_SECONDS": ping}, {})
    assert idle_seconds(settings) == idle
    assert f"proxy_read_timeout {idle}s;" in render("nginx", settings)
    assert f"ProxyTimeout {idle}\n" in render("apache", settings)


def test_the_command_line_reaches_the_file(chat):
    text = chat("nginx", "--server-name", "shop.example", "--certificate", "/c.pem", "--key", "/k.pem", "--static")
    assert "listen 443 ssl;" in text
    assert "return 301 https://$host$request_uri;" in text
    assert "server_name shop.example;" in text
    assert f"alias {Path(__file__).parents[1]}/static/chat/;" in text


@pytest.mark.parametrize(
    "wrong", [("--socket", "/s", "--upstream", "a:1"), ("--certificate", "/c.pem"), ("--key", "/k.pem")]
)
def test_what_does_not_fit_together_is_refused_in_words(chat, wrong):
    assert "Usage:" in chat("nginx", *wrong, code=2)


@pytest.mark.parametrize(
    ("option", "given", "like"),
    [
        ("--server-name", "a;b {", "shop.example"),
        ("--server-name", "", "shop.example"),
        ("--upstream", "x y", "127.0.0.1:8000"),
        ("--upstream", "shop", "127.0.0.1:8000"),
        ("--upstream", "127.0.0.1:80;}", "127.0.0.1:8000"),
        ("--socket", 'a"b', "127.0.0.1:8000"),
        ("--listen", "80; return 444", "8443"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_would_be_something_else_in_the_file_is_refused_in_words(chat, kind, option, given, like):
    last = chat(kind, option, given, code=2).splitlines()[-1]
    assert "cannot stand in a configuration" in last
    assert like in last


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("nginx", ["    listen 8443;", "    server_name shop.example;"]),
        ("apache", ["# Listen 8443", "<VirtualHost *:8443>", "    ServerName shop.example"]),
        ("caddy", ["shop.example:8443 {"]),
    ],
)
def test_a_bare_port_stands_beside_the_name(chat, kind, lines):
    text = chat(kind, "--listen", "8443", "--server-name", "shop.example").splitlines()
    assert [line for line in lines if line not in text] == []


def test_caddy_is_bound_to_an_address_and_answers_to_every_name(chat):
    text = chat("caddy", "--listen", "127.0.0.1:8443")
    assert "\n:8443 {\n\tbind 127.0.0.1\n" in text
    assert "print two files" in chat("caddy", "--listen", "127.0.0.1:80", "--listen", "8443", code=2)


def test_with_a_certificate_and_no_name_caddy_listens_where_browsers_look(chat):
    assert "\n:443 {\n" in chat("caddy", "--certificate", "/c.pem", "--key", "/k.pem")


@pytest.mark.parametrize("name", ["shop.example", "*.shop.example", "店.example", "[::1]", "_"])
def test_names_of_sites_are_let_pass(name):
    assert name in render("nginx", DEFAULTS, Proxy("[::1]:8000", server_name=name, listen=("[::]:8443", "*:80")))
