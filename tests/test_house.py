"""The house rules, held by the code itself: arrows one way, each foreign library at home, every module tested."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from legacy_chat import errors, settings
from legacy_chat.core import close, frames

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "legacy_chat"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)

# Who may import whom. `site` is built with the extension like any host.
ARROWS = {
    "core": {"core", "errors"},
    "errors": set(),
    "settings": {"core", "errors"},
    "logs": {"core"},
    "storage": {"storage", "core", "errors"},
    "backplane": {"backplane", "core", "errors"},
    "actions": {"actions", "storage", "backplane", "core", "errors", "settings"},
    "realtime": {"realtime", "actions", "backplane", "storage", "core", "errors", "settings"},
    "web": {"web", "actions", "storage", "core", "errors", "settings"},
    "state": {"doctor", "web", "realtime", "actions", "backplane", "storage", "core", "errors", "settings"},
    "extension": {
        *("doctor", "extension", "logs", "state", "web", "actions", "backplane", "core", "errors", "settings", "cli"),
    },
    "cli": {"cli", "doctor", "proxy", "web", "actions", "storage", "core", "errors"},
    "doctor": {"doctor", "web", "storage", "errors", "settings"},
    "proxy": {"proxy", "settings"},
    "client": {"client", "core", "errors"},
    "testing": {"testing", "extension", "client", "actions", "core"},
    "site": {"site", "extension", "web", "storage", "core", "errors"},
    "wsgi": {"extension", "web", "actions", "core", "errors"},
    "__init__": {"core", "extension", "actions", "site", "errors"},
}

HOMES = {
    "sqlalchemy": {"storage", "site"},
    "alembic": {"storage"},
    "gevent": {"realtime"},
    "geventwebsocket": {"realtime"},
    "gunicorn": {"realtime"},
    "flask": {"web", "state", "extension", "site", "cli", "testing", "wsgi"},
    "flask_login": {"web", "extension", "site"},
    "msgspec": {"core", "backplane", "storage", "actions", "testing"},
    "websockets": {"realtime", "core", "client", "doctor"},
    "urllib3": {"realtime"},
    "prometheus_client": {"web"},
    "standardwebhooks": {"realtime"},
    "pytest": {"testing"},
}


def area(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path):
    """(name, level) of every import that runs; those under TYPE_CHECKING only name types."""
    tree = ast.parse(path.read_text())
    typing_only = {
        node
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and getattr(test.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from ((name, node.level) for name in names)


def inner_area(path: Path, name: str, level: int) -> str | None:
    """The area of legacy_chat that an import reaches; None for foreign libraries."""
    if level:
        base = path.parent
        for _ in range(level - 1):
            base = base.parent
        target = (base / name.replace(".", "/")).relative_to(PACKAGE)
        return target.parts[0]
    return name.split(".")[1] if name.startswith("legacy_chat.") else None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_run_one_way(path):
    allowed = ARROWS[area(path)]
    for name, level in imports(path):
        inner = inner_area(path, name, level)
        assert inner is None or inner in allowed, f"{area(path)} must not import {inner}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_library_stays_at_home(path):
    for name, level in imports(path):
        homes = HOMES.get(name.split(".")[0]) if not level else None
        assert homes is None or area(path) in homes, f"{name} has no home in {area(path)}"


def test_core_does_no_io_and_has_no_clock():
    for path in (PACKAGE / "core").rglob("*.py"):
        names = {name.split(".")[0] for name, level in imports(path) if not level}
        assert not names & {"os", "socket", "time", "threading", "random", "secrets"}, path


def test_every_module_has_its_test_file_and_every_test_file_tests():
    files = {path.stem: path for path in (ROOT / "tests").rglob("test_*.py")}
    for path in MODULES:
        name = path.parent.name if path.stem == "__init__" else path.stem
        file = TESTED_LIVE.get(name, f"test_{name}")
        assert file in files or not defines_something(path), f"no {file}.py for {path}"
    for path in files.values():
        assert re.search(r"^ *def test_", path.read_text(), re.M), f"{path} tests nothing"


def defines_something(path: Path) -> bool:
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.parse(path.read_text()).body)


# Modules that only mean something inside the running server, with the live test file that holds them.
TESTED_LIVE = {
    "handler": "test_upgrade",
    "worker": "test_talk",
    "offload": "test_talk",
    "transport": "test_talk",
    "connection": "test_talk",
    "admitted": "test_logs",
    "websocket": "test_conformance",
    "echo": "test_conformance",
    "examine": "test_doctor",
    "sockets": "test_doctor",
}


def reference() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "docs" / "reference").glob("*.md"))


def test_every_setting_frame_error_and_close_code_is_in_the_reference():
    text = reference()
    words = [f"`CHAT_{setting.name}`" for setting in settings.TABLE]
    words += [f"`{frame.__struct_config__.tag}`" for frame in frames.CLIENT_FRAMES + frames.SERVER_FRAMES]
    words += [f"`{error.code}`" for error in vars(errors).values() if hasattr(error, "code")]
    words += [f"{code}" for name, code in vars(close).items() if name.isupper()]
    assert [word for word in words if word not in text] == []


def test_both_readmes_link_the_same_pages():
    english, chinese = [
        set(re.findall(r"\]\(([^)]+)\)", (ROOT / name).read_text())) for name in ("README.md", "README.zh-CN.md")
    ]
    assert english - {"README.zh-CN.md"} == chinese - {"README.md"}


def test_how_to_get_it_stands_in_one_place():
    """It is on no index: `pip install legacy_chat` finds nothing, but for the extras of what is installed."""
    pages = [path for path in (ROOT / "docs").rglob("*.md") if "decisions" not in path.parts]
    for path in pages:
        assert not re.search(r"pip install legacy_chat(?!\[)", path.read_text()), path
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text()
        assert "pip install ." in text
        assert "make wheel" in text


def test_requirements_are_the_same_in_both_places():
    pyproject = (ROOT / "pyproject.toml").read_text()
    lists = re.findall(r"^(?:dependencies|webhooks|metrics) = \[(.*?)\]", pyproject, re.S | re.M)
    listed = [name for names in lists for name in re.findall(r'"([^"]+)"', names)]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line.split("#")[0].strip() for line in lines if not line.startswith("#")] == listed
