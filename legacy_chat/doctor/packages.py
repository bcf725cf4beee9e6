"""Python and the packages that are needed, by version."""

from __future__ import annotations

import platform
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from .finding import Finding, bad, ok

PYTHON = "3.10"


@cache
def needed() -> tuple[Requirement, ...]:
    """What legacy_chat requires without its extras: as it was installed, or as its checkout says."""
    try:
        lines = requires("legacy_chat") or []
    except PackageNotFoundError:
        text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
        listed = re.search(r"^dependencies = \[(.*?)\]", text, re.S | re.M)
        lines = re.findall(r'"([^"]+)"', listed[1]) if listed else []
    found = [Requirement(line) for line in lines]
    return tuple(one for one in found if one.marker is None or one.marker.evaluate({"extra": ""}))


def version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def versions() -> dict[str, str | None]:
    """Those of the first call, which is made while the app is built: a later upgrade does not reach this process."""
    return {one.name: version_of(one.name) for one in needed()}


def is_older(package: str, than: str) -> bool:
    """False for one that is missing."""
    found = version_of(package)
    return found is not None and Version(found) < Version(than)


def check_python() -> Finding:
    found = platform.python_version()
    if Version(found) < Version(PYTHON):
        return bad("python", found, f"legacy_chat needs Python {PYTHON} or newer", f"python{PYTHON} -m venv .venv")
    return ok("python", found)


def check_packages() -> Finding:
    """All of them in one line; what is missing or does not fit is named."""
    wrong = [one for one in needed() if not _fits(one)]
    if not wrong:
        return ok("packages", ", ".join(f"{name} {found}" for name, found in versions().items()))
    text = ", ".join(f"{one.name} {version_of(one.name) or 'is missing'}" for one in wrong)
    wanted = " ".join(f'"{one.name}{one.specifier}"' for one in wrong)
    return bad("packages", text, "not the versions that are needed", f"pip install {wanted}")


def _fits(one: Requirement) -> bool:
    found = version_of(one.name)
    return found is not None and one.specifier.contains(found, prereleases=True)
