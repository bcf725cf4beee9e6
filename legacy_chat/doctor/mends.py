"""The lines that mend a proxy, in its own language."""

from __future__ import annotations

from typing import NamedTuple


class Lines(NamedTuple):
    http: str
    upgrade: str
    host: str
    scheme: str
    address: str
    path: str
    whole: str


NGINX = Lines(
    http="proxy_http_version 1.1;",
    upgrade='proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";',
    host="proxy_set_header Host $http_host;",
    scheme="proxy_set_header X-Forwarded-Proto $scheme;",
    address="proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    path="proxy_pass http://…; with nothing behind the name, not even a slash",
    whole="flask chat proxy nginx",
)
APACHE = Lines(
    http="ProxyPass / http://…/ upgrade=websocket",
    upgrade="ProxyPass / http://…/ upgrade=websocket",
    host="ProxyPreserveHost On",
    scheme='RequestHeader set X-Forwarded-Proto "expr=%{REQUEST_SCHEME}"',
    address="ProxyAddHeaders On",
    path="ProxyPass with the same path on both sides: ProxyPass / http://…/",
    whole="flask chat proxy apache",
)
CADDY = Lines(
    http="reverse_proxy …, without a `transport` of its own",
    upgrade="reverse_proxy …, without `header_up -Upgrade` or `header_up -Connection`",
    host="reverse_proxy …, without `header_up Host`",
    scheme="reverse_proxy …, without `header_up X-Forwarded-Proto`",
    address="reverse_proxy …, without `header_up X-Forwarded-For`",
    path="handle instead of handle_path, and no `uri strip_prefix`",
    whole="flask chat proxy caddy",
)


def lines_for(server: str) -> Lines:
    """By the `Server` header of an answer; nginx where it is somebody else."""
    name = server.lower()
    if "apache" in name:
        return APACHE
    return CADDY if "caddy" in name else NGINX
