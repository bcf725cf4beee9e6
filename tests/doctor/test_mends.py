"""The lines that are recommended are those of the printed configurations."""

from legacy_chat.doctor.mends import APACHE, CADDY, NGINX, lines_for
from legacy_chat.proxy import render
from legacy_chat.settings import load

DEFAULTS = load({}, {})


def test_nginxs_lines_stand_in_its_file():
    text = render("nginx", DEFAULTS)
    for line in (NGINX.http, NGINX.host, NGINX.scheme, NGINX.address, "proxy_set_header Upgrade $http_upgrade;"):
        assert line in text


def test_apaches_lines_stand_in_its_file():
    text = render("apache", DEFAULTS)
    for line in (APACHE.host, APACHE.scheme, "upgrade=websocket"):
        assert line in text


def test_a_proxy_is_known_by_what_it_calls_itself():
    assert lines_for("Apache/2.4.62 (Debian)") is APACHE
    assert lines_for("Caddy") is CADDY
    assert lines_for("nginx/1.22.1") is lines_for("somebody") is NGINX
