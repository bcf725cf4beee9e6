"""Builds the C programs and installs the pinned peers, each only when it is missing or out of date."""

import shutil
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
BUILD = BENCH / "build"
VENV = BENCH / ".venv"
NODE_MODULES = BENCH / "node_modules"


def run(*command):
    subprocess.run([str(part) for part in command], cwd=BENCH, check=True)


def compile_c(program, sources, headers=()):
    target = BUILD / program
    newest = max(path.stat().st_mtime for path in [*sources, *headers])
    if not target.exists() or target.stat().st_mtime < newest:
        run("cc", "-O2", "-Wall", "-Wextra", "-o", target, *sources, "-lm")


def changed(pins):
    """Whether what is pinned differs from what was installed last."""
    seen = BUILD / pins.name
    return not seen.exists() or seen.read_text() != pins.read_text()


def installed(pins):
    shutil.copy(pins, BUILD / pins.name)


def install_python_peers():
    pins = BENCH / "requirements.txt"
    if VENV.exists() and not changed(pins):
        return
    run(sys.executable, "-m", "venv", "--clear", VENV)
    run(VENV / "bin/pip", "install", "-qq", "-r", pins)
    installed(pins)


def install_node_peers():
    pins = BENCH / "package-lock.json"
    if NODE_MODULES.exists() and not changed(pins):
        return
    run("npm", "ci", "--silent", "--no-audit", "--no-fund")
    installed(pins)


def build():
    BUILD.mkdir(exist_ok=True)
    load = BENCH / "load"
    compile_c("load", sorted(load.glob("*.c")), load.glob("*.h"))
    compile_c("floor", [BENCH / "peers/floor.c"])
