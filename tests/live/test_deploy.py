"""The files in deploy/ do what they say: the unit's command line under a NOTIFY_SOCKET, the image's steps by hand."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import venv
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from .raw import eventually
from .server import ROOT, WORKER, Server

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "legacy_chat.service"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


# -- systemd -------------------------------------------------------------------------------------------------------


@pytest.fixture
def unit(tmp_path) -> dict[str, list[str]]:
    """What the unit says, with /opt/legacy_chat and /var/lib/legacy_chat in a folder of the test's own."""
    opt, state = tmp_path / "opt", tmp_path / "state"
    (opt / ".venv" / "bin").mkdir(parents=True)
    state.mkdir()
    for name in ("wsgi.py", "gunicorn.conf.py"):
        shutil.copy(ROOT / name, opt)
    gunicorn = opt / ".venv" / "bin" / "gunicorn"
    gunicorn.write_text(f'#!/bin/sh\nexec {sys.executable} -m gunicorn "$@"\n')
    gunicorn.chmod(0o755)
    text = UNIT.read_text().replace("/opt/legacy_chat", str(opt)).replace("/var/lib/legacy_chat", str(state))
    (tmp_path / "legacy_chat.service").write_text(text)
    said: dict[str, list[str]] = {"file": [str(tmp_path / "legacy_chat.service")]}
    for name, value in re.findall(r"^(\w+)=(.*)$", text, re.M):
        said.setdefault(name, []).append(value)
    return said


def test_systemd_finds_nothing_wrong_with_the_unit(unit):
    done = subprocess.run(["systemd-analyze", "verify", *unit["file"]], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_leaves_little_to_attack(unit):
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", *unit["file"]]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout  # 20 is an exposure of 2.0 out of 10


class Service(Server):
    """What systemd would start: the unit's command line in its folder, with its environment."""

    def __init__(self, folder: Path, unit: dict[str, list[str]]):
        super().__init__(folder)
        self._unit = unit
        self.cwd = unit["WorkingDirectory"][0]
        self._env.update(pair.split("=", 1) for pair in unit["Environment"])
        self._env["PORT"] = str(self.port)
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(str(folder / "notify"))
        self._notices.settimeout(20)
        self._env["NOTIFY_SOCKET"] = str(folder / "notify")

    def start(self) -> Service:
        command = shlex.split(self._unit["ExecStart"][0])
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.cwd, env=self._env, stdout=log, stderr=log)
        return self

    def notice(self) -> str:
        return self._notices.recv(4096).decode()

    def reload(self) -> bool:
        """As systemd does it: line by line, as long as each succeeds."""
        for line in self._unit["ExecReload"]:
            command = shlex.split(line.replace("$MAINPID", str(self.process.pid)))
            with open(self.folder / "reload", "ab") as log:
                if subprocess.run(command, cwd=self.cwd, env=self._env, stdout=log, stderr=log).returncode:
                    return False
        return True

    def stop(self, sig: int = signal.SIGTERM) -> float:
        self._notices.close()
        return super().stop(sig)


def test_it_tells_systemd_that_it_is_ready_reloads_and_ends_in_time(unit, tmp_path, come):
    service = Service(tmp_path, unit).start()
    try:
        assert unit["Type"] == ["notify"]
        assert "READY=1" in service.notice()
        eventually(service._answers, what="the worker")
        assert f"worker {WORKER}, transports: websocket, long polling, polling\n" in service.log()
        service.folder = Path(service._env["SITE_INSTANCE"])
        ada = come(service, "1", "ada")
        [old] = service.workers()
        site = Path(service.cwd) / "wsgi.py"
        good = site.read_text()
        site.write_text(f"{good}\nraise RuntimeError('an update that does not start')\n")
        assert not service.reload()  # gunicorn itself would end, and take everybody with it
        assert "an update that does not start" in (service.folder / "reload").read_text()
        site.write_text(good)
        assert ada.ask(type="ping")["type"] == "pong"
        assert service.reload()
        assert ada.expect("drain")["retry_after"] > 0
        assert ada.closed().code == 1012
        eventually(lambda: service.workers() and old not in service.workers(), what="a new worker")
        eventually(service._answers, what="the new worker")
        assert come(service, "1", "ada").welcome["uid"] == "1"
    finally:
        service.folder = tmp_path
        process = service.process
        seconds = service.stop()
    assert process.returncode == 0
    assert seconds < float(unit["TimeoutStopSec"][0])
    assert "Traceback" not in service.log()


def test_the_unit_leaves_room_for_the_sockets_that_are_allowed(unit):
    assert int(unit["LimitNOFILE"][0]) >= 10_000 + 1000 + 256


# Root's Python may stand in root's own folder, so nobody may read here what it likes; it may write nothing.
_READ = "-all,+dac_read_search"
NOBODY = [
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *(f"--inh-caps={_READ}", f"--ambient-caps={_READ}", f"--bounding-set={_READ}"),
]


# -- the image -----------------------------------------------------------------------------------------------------


def instructions(name: str) -> list[str]:
    lines = re.sub(r"\\\n\s*", " ", DOCKERFILE).splitlines()
    return [line.strip().removeprefix(f"{name} ") for line in lines if line.strip().startswith(f"{name} ")]


def copied() -> list[str]:
    """What is taken from the checkout."""
    words = [line.split() for line in instructions("COPY") if not line.startswith("--from")]
    return [source.rstrip("/") for line in words for source in line[:-1]]


def ignored(path: str) -> bool:
    """As .dockerignore says it: the last line that fits decides."""
    verdict = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#") and fnmatch(path, line.removeprefix("!").removeprefix("**/")):
            verdict = not line.startswith("!")
    return verdict


def test_what_is_copied_is_there_and_nothing_secret_can_be():
    assert len(copied()) == 8
    for path in copied():
        assert (ROOT / path).exists()
        assert not ignored(path)
    for path in ("instance", ".venv", ".git", "tests", "chat.sqlite", ".env"):
        assert ignored(path)


def test_the_image_has_every_extra_that_there_is():
    extras = re.search(
        r"^\[project.optional-dependencies\]\n(.*?)\n\n", (ROOT / "pyproject.toml").read_text(), re.S | re.M
    )[1]
    [installed] = re.findall(r"\.whl\)\[([\w,]+)\]", DOCKERFILE)
    assert set(installed.split(",")) == set(re.findall(r"^(\w+) = ", extras, re.M))


def test_nobody_runs_it_as_root_and_stops_are_given_time():
    user = instructions("USER")[-1]
    assert re.search(rf"useradd .*--uid [1-9]\d* .*{user}", DOCKERFILE)
    assert DOCKERFILE.index("USER ") < DOCKERFILE.index("CMD [")
    assert COMPOSE["services"]["site"]["stop_grace_period"] == "15s"


def test_compose_names_files_that_are_there_and_a_proxy_that_leads_to_the_site():
    site, nginx = COMPOSE["services"]["site"], COMPOSE["services"]["nginx"]
    assert (DEPLOY / site["build"]["context"] / site["build"]["dockerfile"]).samefile(DEPLOY / "Dockerfile")
    source, target, mode = nginx["volumes"][0].split(":")
    assert (target, mode) == ("/etc/nginx/conf.d/default.conf", "ro")
    assert "server site:8000;" in (DEPLOY / source).read_text()
    volume, _, folder = site["volumes"][0].partition(":")
    assert volume in COMPOSE["volumes"]
    assert f"SITE_INSTANCE={folder} " in DOCKERFILE
    assert f"VOLUME {folder}\n" in DOCKERFILE
    assert nginx["depends_on"]["site"]["condition"] == "service_healthy"


@pytest.fixture(scope="module")
def image():
    """The image's folders: a wheel built from what is copied, installed, and the site's two files.

    They stand where anybody may look, since the server runs as nobody where the tests run as root. The packages that
    the wheel needs are those of the tests; test_wheel.py installs them anew.
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for path in copied():
            into = folder / ("site" if path.endswith(".py") else "src")
            into.mkdir(exist_ok=True)
            take = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
            take(ROOT / path, into / path)
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", f"{folder}/wheel"]
        subprocess.run([*build, f"{folder}/src"], check=True, capture_output=True)
        shutil.rmtree(folder / "src")
        venv.create(folder / "env", with_pip=False, symlinks=True)
        packages = next((folder / "env" / "lib").glob("python*")) / "site-packages"
        [wheel] = (folder / "wheel").glob("*.whl")
        install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(packages)]
        subprocess.run([*install, str(wheel)], check=True, capture_output=True)
        (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
        yield folder


class Container(Server):
    """The image's CMD with its ENV in its WORKDIR, as somebody who may write to the volume alone."""

    def __init__(self, image: Path, volume: Path):
        super().__init__(volume)
        self.cwd = image / "site"
        given = dict(pair.split("=", 1) for line in instructions("ENV") for pair in line.split())
        self._env = {
            **given,
            "PATH": f"{image}/env/bin:{os.environ['PATH']}",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "SITE_INSTANCE": str(volume),
            "HOME": "/nonexistent",
        }
        self._python = f"{image}/env/bin/python"
        self._who = NOBODY if os.getuid() == 0 else []

    def start(self) -> Container:
        gunicorn, *options = json.loads(instructions("CMD")[-1])
        assert gunicorn == "gunicorn"
        command = [self._python, "-m", gunicorn, *options]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([*self._who, *command], cwd=self.cwd, env=self._env, stdout=log, stderr=log)
        eventually(self._answers, what="the container's site")
        return self

    def is_healthy(self) -> bool:
        [check] = [line.partition("CMD ")[2] for line in instructions("HEALTHCHECK")]
        python, *words = json.loads(check)
        assert python == "python"
        done = subprocess.run([*self._who, self._python, *words], env=self._env, capture_output=True)
        return done.returncode == 0


def test_the_images_command_serves_people_as_nobody_and_says_when_it_is_well(image, come):
    with tempfile.TemporaryDirectory(dir="/tmp") as volume:
        if os.getuid() == 0:
            os.chown(volume, 65534, 65534)
        container = Container(image, Path(volume))
        assert not container.is_healthy()
        container.start()
        try:
            assert container.is_healthy()
            assert come(container, "1", "ada").welcome["uid"] == "1"
            assert container.browser().open("/chat/static/client.js")[0] == 200
            assert os.stat(f"/proc/{container.workers()[0]}").st_uid != 0
            assert WORKER in container.log()
        finally:
            container.stop()
        assert "Traceback" not in container.log()
        assert (Path(volume) / "chat.sqlite").exists()
