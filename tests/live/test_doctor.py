"""`flask chat doctor` finds what is wrong with set-ups that are broken on purpose, each with real processes."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import pytest

from .fixtures import full_disk, make_certificate, no_traceback
from .front import Nginx
from .server import ROOT, WORKER, Server, free_port

pytestmark = pytest.mark.timed

SHIPPED = (ROOT / "deploy" / "nginx.conf").read_text()


class Diagnosis(NamedTuple):
    """`found` are the findings by check; `log` is the server's."""

    code: int
    found: dict[str, dict]
    seconds: float
    log: str

    @property
    def bad(self) -> dict[str, dict]:
        return {check: finding for check, finding in self.found.items() if finding["state"] == "bad"}


def doctor(server: Server, url: str | None, *options: str, **env: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "flask", "--app", server.app.partition(":")[0], "chat", "doctor", *options]
    return subprocess.run(
        [*command, *([url] if url else [])],
        cwd=ROOT,
        env={**server._env, **env},
        capture_output=True,
        text=True,
        timeout=30,
    )


def diagnose(server: Server, url: str | None = None, *options: str, **env: str) -> Diagnosis:
    began = monotonic()
    done = doctor(server, url or server.url, "--json", *options, **env)
    seconds = monotonic() - began
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert told["ok"] == (done.returncode == 0)
    log = server.log() if server.process else ""
    return Diagnosis(done.returncode, {finding["check"]: finding for finding in told["findings"]}, seconds, log)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
    no_traceback(server)


def sync_worker(folder: Path) -> Diagnosis:
    with running(Server(folder, "--worker-class", "sync")) as server:
        return diagnose(server)


def other_prefix(folder: Path) -> Diagnosis:
    server = Server(folder, prefix="/talk")
    server.prefix = "/talk"
    with running(server):
        return diagnose(server, CHAT_PREFIX="/chat")


def unpatched_preload(folder: Path) -> Diagnosis:
    config = folder / "unpatched.py"
    config.write_text("control_socket_disable = True\n")
    server = Server(folder, "--preload", "-c", str(config))
    server._options += ("--bind", f"127.0.0.1:{server.port}")
    server.start()
    try:
        return diagnose(server)
    finally:
        server.stop()  # Python itself stumbles over the late patch at its end, so its log is not looked at


def two_workers(folder: Path) -> Diagnosis:
    with running(Server(folder, "--workers", "2")) as server:
        return diagnose(server)


def cookie_of_another_host(folder: Path) -> Diagnosis:
    server = Server(folder, env={"PYTHONPATH": f"{ROOT}/tests/live/hosts:{ROOT}"})
    server.app = "other_domain:app"
    with running(server):
        return diagnose(server)


def low_ulimit(folder: Path) -> Diagnosis:
    few = folder / "python"
    few.write_text(f'#!/bin/sh\nulimit -n 256\nexec {sys.executable} "$@"\n')
    few.chmod(0o755)
    server = Server(folder)
    server.python = str(few)
    with running(server):
        return diagnose(server)


def mysqlclient(folder: Path) -> Diagnosis:
    return diagnose(Server(folder), CHAT_DATABASE_URL="mysql://chat:secret@db.example/chat")


def psycopg2(folder: Path) -> Diagnosis:
    return diagnose(Server(folder), CHAT_DATABASE_URL="postgresql+psycopg2://chat:secret@db.example/chat")


def straight(folder: Path) -> Diagnosis:
    with running(Server(folder)) as server:
        return diagnose(server)


def site(server: Server, port: int, *changes: tuple[str, str]) -> str:
    """The shipped file at another port; several of them live in one nginx."""
    text = SHIPPED.replace("listen 80;", f"listen 127.0.0.1:{port};")
    text = text.replace("server 127.0.0.1:8000;", f"server 127.0.0.1:{server.port};")
    text = text.replace("legacy_chat", f"chat_{port}")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


NO_UPGRADE = (
    ("    proxy_set_header Upgrade $http_upgrade;\n", ""),
    ("proxy_set_header Connection $", "# $"),
)
WRONG_FILES = {
    "behind nginx": (),
    "two gunicorns": (),
    "no Upgrade": NO_UPGRADE,
    "HTTP/1.0": (("    proxy_http_version 1.1;\n", ""),),
    "another Host": (("Host $http_host;", "Host $proxy_host;"),),  # X-Forwarded-Host as well
    "another Host, but told": (("header Host $http_host;", "header Host $proxy_host;"),),
    "a path that is cut": (("location /chat/ {", "location /unused/ {"), ("location / {", "location /chat/ {")),
    "no forwarded scheme": (("    proxy_set_header X-Forwarded-Proto $scheme;\n", ""),),
    "impatient": (("proxy_read_timeout 75s;", "proxy_read_timeout 1s;"),),
}


def full(folder: Path) -> Diagnosis:
    with running(Server(folder)) as server, full_disk(server):
        return diagnose(server)


def https_without_its_scheme(folder: Path) -> Diagnosis:
    nginx, (certificate, key) = Nginx(folder), make_certificate(folder)
    with running(Server(folder, trusted_proxies="1")) as server:
        where = ("--upstream", f"127.0.0.1:{server.port}", "--listen", nginx.address)
        text = server.flask("proxy", "nginx", *where, "--certificate", certificate, "--key", key)
        line = "    proxy_set_header X-Forwarded-Proto $scheme;\n"
        assert line in text
        try:
            nginx.start(text.replace(line, "")).behind(server, ssl.create_default_context(cafile=certificate))
            return diagnose(server, f"https://localhost:{nginx.port}", SSL_CERT_FILE=certificate)
        finally:
            nginx.stop()


def behind_nginx(folder: Path) -> dict[str, Diagnosis]:
    """One gunicorn, one nginx, and a port for each way to misunderstand it."""
    nginx = Nginx(folder)
    twin = Server(folder, trusted_proxies="1")  # the same site, started a second time
    with running(Server(folder, trusted_proxies="1")) as server, running(twin):
        ports = {name: free_port() for name in WRONG_FILES}
        files = {name: site(server, ports[name], *changes) for name, changes in WRONG_FILES.items()}
        files["a path that is cut"] = files["a path that is cut"].replace(
            f"proxy_pass http://chat_{ports['a path that is cut']};",
            f"proxy_pass http://chat_{ports['a path that is cut']}/;",
            1,
        )
        one = f"server 127.0.0.1:{server.port};"
        files["two gunicorns"] = files["two gunicorns"].replace(one, f"{one} server 127.0.0.1:{twin.port};")
        log = f"server_name _; access_log {folder}/access.log;"
        files["behind nginx"] = files["behind nginx"].replace("server_name _;", log)
        nginx.port = ports["behind nginx"]
        nginx.start(*files.values())
        nginx.behind(server)
        try:
            found = {name: diagnose(server, f"http://127.0.0.1:{port}") for name, port in ports.items()}
            found["impatient"] = diagnose(server, f"http://127.0.0.1:{ports['impatient']}", "--idle", "9")
            found["behind nginx"] = found["behind nginx"]._replace(log=(folder / "access.log").read_text())
            return found
        finally:
            nginx.stop()


SET_UPS = (
    behind_nginx,
    sync_worker,
    other_prefix,
    unpatched_preload,
    two_workers,
    cookie_of_another_host,
    low_ulimit,
    mysqlclient,
    psycopg2,
    straight,
    full,
    https_without_its_scheme,
)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    """Every set-up, started side by side; a test waits for its own."""
    with ThreadPoolExecutor(3) as pool:
        futures: dict[str, Future] = {}
        for set_up in SET_UPS:
            futures[set_up.__name__] = pool.submit(set_up, tmp_path_factory.mktemp(set_up.__name__))
        yield lambda set_up: futures[set_up.__name__].result()


def test_a_healthy_site_has_nothing_to_mend_and_it_takes_no_time(clinic):
    found = clinic(straight)
    assert (found.code, found.bad) == (0, {})
    assert {"python", "database", "server", "worker", "patches", "host", "cookie", "upgrade"} <= set(found.found)
    assert {"origin", "first frame", "heartbeat", "polling", "page", "scripts"} <= set(found.found)
    assert found.seconds < 10


def test_behind_the_shipped_nginx_file_it_is_healthy_as_well(clinic):
    found = clinic(behind_nginx)["behind nginx"]
    assert (found.code, found.bad) == (0, {})
    assert "nginx" in found.found["server"]["text"]
    assert "1 proxies on the way, 1 trusted" in found.found["address"]["text"]


def test_a_sync_worker(clinic):
    found = clinic(sync_worker)
    assert list(found.bad) == ["worker"], found.bad
    assert found.bad["worker"]["text"] == "sync"
    assert WORKER in found.bad["worker"]["mend"]
    assert "[WARNING] legacy_chat at http://127.0.0.1" in found.log
    assert f"worker sync, transports: polling alone, a request a second each; for sockets: -k {WORKER}" in found.log


def test_a_full_disk(clinic):
    found = clinic(full)
    assert list(found.bad) == ["history"], found.bad
    assert "the server cannot write to it" in found.bad["history"]["cause"]
    assert "room on the disk" in found.bad["history"]["mend"]


def test_a_proxy_that_takes_the_upgrade_header(clinic):
    found = clinic(behind_nginx)["no Upgrade"]
    assert list(found.bad) == ["upgrade"], found.bad
    assert "Upgrade header does not arrive" in found.bad["upgrade"]["cause"]
    assert "proxy_set_header Upgrade $http_upgrade;" in found.bad["upgrade"]["mend"]


def test_a_proxy_that_speaks_http_1_0(clinic):
    found = clinic(behind_nginx)["HTTP/1.0"]
    assert list(found.bad) == ["upgrade"], found.bad
    assert "HTTP/1.0" in found.bad["upgrade"]["cause"]
    assert found.bad["upgrade"]["mend"] == "proxy_http_version 1.1;"


def test_a_proxy_that_changes_the_host_makes_the_own_origin_foreign(clinic):
    found = clinic(behind_nginx)["another Host"]
    assert list(found.bad) == ["host", "polling", "origin"], found.bad
    assert "chat_" in found.bad["host"]["text"]  # nginx's name for its upstream
    assert found.bad["host"]["mend"] == found.bad["polling"]["mend"] == "proxy_set_header Host $http_host;"
    assert "proxy_set_header Host $http_host;" in found.bad["origin"]["cause"]


def test_a_host_that_the_proxy_tells_in_another_header_is_good_enough(clinic):
    assert clinic(behind_nginx)["another Host, but told"].bad == {}


def test_a_proxy_that_hides_the_scheme_does_no_harm_where_there_is_but_http(clinic):
    assert clinic(behind_nginx)["no forwarded scheme"].bad == {}


def test_a_proxy_that_hides_the_scheme_of_https_is_told_so_by_every_check(clinic):
    found = clinic(https_without_its_scheme)
    assert list(found.bad) == ["scheme", "polling", "origin"], found.bad
    assert found.bad["scheme"]["mend"] == found.bad["polling"]["mend"]
    assert "X-Forwarded-Proto $scheme;" in found.bad["polling"]["mend"]


def test_a_proxy_that_cuts_silent_sockets_is_found_by_being_silent(clinic):
    found = clinic(behind_nginx)["impatient"]
    assert list(found.bad) == ["idle"], found.bad
    assert found.bad["idle"]["mend"] == "CHAT_PING_SECONDS=1"


def test_a_proxy_that_cuts_the_path(clinic):
    found = clinic(behind_nginx)["a path that is cut"]
    assert "/chat/doctor was asked for, and /doctor arrived" in found.bad["prefix"]["cause"]
    assert "proxy_pass" in found.bad["prefix"]["mend"]


def test_a_prefix_that_is_another(clinic):
    found = clinic(other_prefix)
    assert list(found.bad) == ["prefix"], found.bad
    assert "is at /talk" in found.bad["prefix"]["cause"]
    assert found.bad["prefix"]["mend"].startswith("CHAT_PREFIX=/chat for the server")
    assert found.found["first frame"]["state"] == "ok"  # it looks on where the chat is


def test_preload_without_a_patch(clinic):
    found = clinic(unpatched_preload)
    assert list(found.bad) == ["patches"], found.bad
    assert "--preload" in found.bad["patches"]["cause"]
    assert "monkey.patch_all()" in found.bad["patches"]["mend"]


def test_two_workers_on_the_memory_backplane(clinic):
    found = clinic(two_workers)
    assert list(found.bad) == ["workers"], found.bad
    assert found.bad["workers"]["mend"].startswith("workers = 1")


def test_two_workers_on_the_memory_backplane_are_loud_in_the_log_from_the_start(clinic):
    [line, _] = [line for line in clinic(two_workers).log.splitlines() if "[ERROR]" in line]
    assert "the 2 workers share no backplane" in line
    assert "workers = 1 in gunicorn.conf.py" in line
    assert "share no backplane" not in clinic(straight).log
    assert "share no backplane" not in clinic(sync_worker).log


def test_two_gunicorns_behind_one_address(clinic):
    found = clinic(behind_nginx)["two gunicorns"]
    assert list(found.bad) == ["servers"], found.bad
    assert "they share no backplane" in found.bad["servers"]["cause"]
    assert "one `server` in the proxy's upstream" in found.bad["servers"]["mend"]


def test_the_doctor_leaves_no_token_in_the_proxys_log(clinic):
    """nginx writes down whole addresses."""
    log = clinic(behind_nginx)["behind nginx"].log
    assert '"GET /chat/ws HTTP/1.1" 101' in log
    assert "token" not in log


def test_a_cookie_for_another_host(clinic):
    found = clinic(cookie_of_another_host)
    assert list(found.bad) == ["cookie"], found.bad
    assert "shop.example" in found.bad["cookie"]["cause"]
    assert "SESSION_COOKIE_DOMAIN" in found.bad["cookie"]["mend"]


def test_a_low_ulimit(clinic):
    found = clinic(low_ulimit)
    assert list(found.bad) == ["ulimit"], found.bad
    assert "256 descriptors for 1000 requests" in found.bad["ulimit"]["text"]
    assert "LimitNOFILE=65536" in found.bad["ulimit"]["mend"]


@pytest.mark.parametrize(
    ("set_up", "package", "instead"),
    [(mysqlclient, "mysqlclient", "mysql+pymysql://"), (psycopg2, "psycopg2", "postgresql+psycopg://")],
)
def test_a_driver_that_blocks_installed_or_not(clinic, set_up, package, instead):
    found = clinic(set_up)
    assert list(found.bad) == ["database driver"], found.bad
    assert found.bad["database driver"]["text"] == package
    assert instead in found.bad["database driver"]["mend"]
