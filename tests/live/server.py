"""The real server in a process of its own: stock gunicorn command line, our gunicorn.conf.py, a SQLite file."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from legacy_chat.web.identity import Tokens

from .raw import Closed, RawClient

ROOT = Path(__file__).parents[2]
WORKER = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:  # closed since it was listed
        return ""


class Server:
    """One gunicorn. `settings` are CHAT_* without the prefix; `options` go onto the command line."""

    prefix = "/chat"
    app = "wsgi:app"
    cwd = ROOT
    python = sys.executable

    def __init__(
        self,
        folder: Path,
        *options: str,
        env: dict[str, str] | None = None,
        unix: str | None = None,
        tls: ssl.SSLContext | None = None,
        **settings: str,
    ):
        self.folder = folder
        self.tls = tls
        self.port = free_port()
        self.address: tuple[str, int] | str = unix or ("127.0.0.1", self.port)
        self.url = f"http://127.0.0.1:{self.port}"
        self._options = ("--bind", f"unix:{unix}", *options) if unix else options
        self._env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("CHAT_")},
            "SITE_INSTANCE": str(folder),
            "PORT": str(self.port),
            "PYTHONPATH": str(ROOT),
            **{f"CHAT_{name.upper()}": value for name, value in settings.items()},
            **(env or {}),
        }
        self.process: subprocess.Popen | None = None

    # -- life -----------------------------------------------------------------------------------------------

    def start(self) -> Server:
        command = [self.python, "-m", "gunicorn", "-k", WORKER, *self._options, self.app]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.cwd, env=self._env, stdout=log, stderr=log)
        try:
            self._wait_for_worker(self.process)
        except BaseException:  # nobody else knows of it; some gunicorns fork a worker that cannot boot for ever
            self.stop()
            raise
        return self

    def _wait_for_worker(self, process: subprocess.Popen) -> None:
        ends = time.monotonic() + 20
        while not self._answers():
            assert process.poll() is None, f"gunicorn did not start:\n{self.log()}"
            assert time.monotonic() < ends, f"gunicorn did not answer:\n{self.log()}"
            time.sleep(0.02)

    def _answers(self) -> bool:
        """Whether a worker (not just the listening master) is there."""
        try:
            probe = self.dial(timeout=1)
        except OSError:
            return False
        try:
            probe.request(f"{self.prefix}/ws", [("Host", "a"), ("Connection", "close")])
            return probe.response()[0] == 426
        except (OSError, Closed):
            return False
        finally:
            probe.close()

    def dial(self, **how) -> RawClient:
        return RawClient(self.address, tls=self.tls, **how)

    def stop(self, sig: int = signal.SIGTERM) -> float:
        """End it; the seconds that took."""
        if self.process is None:
            return 0.0
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(sig)
        self.process.wait(40)
        self.process = None
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL for the workers and their master at one moment."""
        workers = self.workers()
        self.process.kill()
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    @contextmanager
    def stalled(self, seconds: float = 0.0) -> Iterator[None]:
        """The worker stands still meanwhile and `seconds` longer, as on a machine that swaps."""
        [worker] = self.workers()
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
            time.sleep(seconds)
        finally:
            os.kill(worker, signal.SIGCONT)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    # -- looking in -----------------------------------------------------------------------------------------

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.workers()[0]}/fd"))

    def sockets(self) -> int:
        """The descriptors that are sockets: those of the database's pool come when they are needed."""
        folder = Path(f"/proc/{self.workers()[0]}/fd")
        return sum(_target(link).startswith("socket:") for link in folder.iterdir())

    def resident(self) -> int:
        """Bytes of memory of the worker."""
        status = Path(f"/proc/{self.workers()[0]}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def cpu_seconds(self) -> float:
        """What the worker has worked so far."""
        fields = Path(f"/proc/{self.workers()[0]}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # -- people ---------------------------------------------------------------------------------------------

    def token(self, uid: str, name: str | None = None, seconds: float = 3600) -> str:
        return Tokens((self.folder / "secret_key").read_text(), seconds).mint(uid, name).token

    def flask(self, *arguments: str) -> str:
        command = [self.python, "-m", "flask", "--app", "wsgi", "chat", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self._env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def browser(self) -> Browser:
        return Browser(self.url)


class Browser:
    """Forms and cookies, as far as the site's pages need them."""

    name = "a browser"

    def __init__(self, url: str):
        self.url = url
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))
        self._opener.addheaders = [("User-Agent", self.name)]

    def open(self, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        try:
            with self._opener.open(self.url + path, body, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def submit(self, path: str, **fields: str) -> tuple[int, str]:
        """Fill in the form at `path` and send it, with its csrf token."""
        _, page = self.open(path if path != "/logout" else "/login")
        token = re.search(r'name="csrf_token"\s+value="([^"]+)"', page)[1]
        return self.open(path, {"csrf_token": token, **fields})

    @property
    def cookie(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)
