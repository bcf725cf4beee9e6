"""Real proxies in front of a server: nginx, Apache and Caddy, each with a configuration of the site's own."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import ssl
import subprocess
from copy import copy
from pathlib import Path

from .raw import eventually
from .server import Server, free_port

MAIN = """
user {user}; daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
  include /etc/nginx/mime.types;
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include {folder}/conf.d/*.conf;
}}
"""

APACHE = """
ServerRoot {folder}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/apache.log
ServerName localhost
Listen {address}
{modules}
User {user}
Group {group}
TypesConfig /etc/mime.types
Include {folder}/site.conf
"""
APACHE_MODULES = (
    "mpm_event", "authz_core", "authz_host", "authn_core", "mime", "alias", "headers", "rewrite", "proxy", "proxy_http",
    "proxy_wstunnel",
)  # fmt: skip


class Front:
    """A proxy process. `behind(server)` is the server as people see it through the proxy."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None

    def _run(self, *command: str, env: dict[str, str] | None = None) -> None:
        with open(self.folder / "front.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=env)

    def behind(self, server: Server, tls: ssl.SSLContext | None = None) -> Server:
        seen = copy(server)
        seen.port, seen.address, seen.tls = self.port, ("127.0.0.1", self.port), tls
        seen.url = f"https://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"
        try:
            eventually(seen._answers, what="the proxy")
        except AssertionError:
            print(self.log())
            raise
        return seen

    def log(self) -> str:
        return (self.folder / "front.log").read_text()

    def workers(self) -> set[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(pid) for pid in children.split()}

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)


class Nginx(Front):
    """Each of `sites` becomes a file of conf.d; they listen at `address`."""

    program = shutil.which("nginx") or "/usr/sbin/nginx"

    def start(self, *sites: str) -> Nginx:
        (self.folder / "conf.d").mkdir()
        (self.folder / "nginx.conf").write_text(MAIN.format(user=getpass.getuser(), folder=self.folder))
        for number, site in enumerate(sites):
            (self.folder / "conf.d" / f"{number}.conf").write_text(site)
        self._run(self.program, "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "nginx.log"))
        return self

    def log(self) -> str:
        return super().log() + (self.folder / "nginx.log").read_text()

    def reload(self) -> None:
        """What `nginx -s reload` sends; returns when there are new workers."""
        before = self.workers()
        os.kill(self.process.pid, signal.SIGHUP)
        eventually(lambda: self.workers() - before, what="new workers of nginx")


class Apache(Front):
    program = shutil.which("apache2") or "/usr/sbin/apache2"
    modules = Path("/usr/lib/apache2/modules")

    def start(self, site: str) -> Apache:
        (self.folder / "site.conf").write_text(site)
        loads = "\n".join(f"LoadModule {name}_module {self.modules}/mod_{name}.so" for name in APACHE_MODULES)
        user, group = ("www-data", "www-data") if os.getuid() == 0 else (f"#{os.getuid()}", f"#{os.getgid()}")
        config = APACHE.format(folder=self.folder, address=self.address, modules=loads, user=user, group=group)
        (self.folder / "apache.conf").write_text(config)
        self._run(self.program, "-D", "FOREGROUND", "-f", str(self.folder / "apache.conf"))
        return self

    def stop(self) -> None:
        """Its own way takes up to ten seconds where a thread of a worker is in a request."""
        if self.process is not None:
            workers = self.workers()
            self.process.kill()
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            self.process.wait(10)


class Caddy(Front):
    program = shutil.which("caddy") or "/usr/bin/caddy"

    def start(self, site: str) -> Caddy:
        (self.folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + site)
        home = {**os.environ, "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        home["XDG_CONFIG_HOME"] = str(self.folder)
        config = str(self.folder / "Caddyfile")
        self._run(self.program, "run", "--config", config, "--adapter", "caddyfile", env=home)
        return self
