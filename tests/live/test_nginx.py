"""Behind a real nginx, over TCP and over a unix socket."""

from __future__ import annotations

import getpass
import shutil
import subprocess

import pytest

from .raw import Refused, eventually
from .server import free_port

CONFIG = """
user {user}; daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {target};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}
}}
"""


@pytest.fixture
def behind_nginx(tmp_path):
    """The same server as seen through nginx."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    running = []

    def front(server):
        port = free_port()
        unix = isinstance(server.address, str)
        target = f"http://unix:{server.address}:" if unix else f"http://127.0.0.1:{server.port}"
        config = tmp_path / "nginx.conf"
        config.write_text(CONFIG.format(user=getpass.getuser(), folder=tmp_path, port=port, target=target))
        running.append(subprocess.Popen([program, "-c", str(config), "-e", str(tmp_path / "nginx.log")]))
        server.address, server.url = ("127.0.0.1", port), f"http://127.0.0.1:{port}"
        eventually(server._answers, what="nginx")
        return server

    yield front
    for process in running:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix socket"])
def test_two_people_talk_through_nginx(serve, behind_nginx, come, tmp_path, unix):
    server = behind_nginx(serve(trusted_proxies="1", **({"unix": str(tmp_path / "chat.sock")} if unix else {})))
    site = server.url.removeprefix("http://")
    ada = come(server, "1", "ada", headers=[("Host", site), ("Origin", server.url)])
    ben = come(server, "2", "ben")
    ada.ask(type="group", gid="lobby", content="through the front door")
    assert ben.expect("groupPm")["content"] == "through the front door"
    with pytest.raises(Refused) as refused:
        come(server, "6", headers=[("Host", site), ("Origin", "http://evil.example")])
    assert refused.value.status == 403
    assert server.browser().open("/login")[0] == 200


def test_visitors_are_counted_by_their_own_address_or_not_at_all(serve, behind_nginx, come):
    told = behind_nginx(serve(trusted_proxies="1", max_per_address="2"))
    for uid in ("1", "2"):
        come(told, uid)
    with pytest.raises(Refused) as refused:
        come(told, "3")
    assert refused.value.status == 503


def test_a_proxy_nobody_told_us_of_does_not_make_everybody_one_visitor(serve, behind_nginx, come):
    server = behind_nginx(serve(max_per_address="2"))
    assert [come(server, uid).welcome["uid"] for uid in "123"] == ["1", "2", "3"]
