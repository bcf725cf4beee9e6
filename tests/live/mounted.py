"""The server of tests/live/hosts/mounted.py."""

from __future__ import annotations

from pathlib import Path

from .server import ROOT, Server


class Mounted(Server):
    """Chat under /talk of a site that stands below /shop of another one."""

    prefix = "/shop/talk"
    app = "mounted:app"

    def __init__(self, folder: Path, **settings: str):
        where = {"PYTHONPATH": f"{ROOT}/tests/live/hosts:{ROOT}"}
        super().__init__(folder, env=where, database_url=f"sqlite:///{folder}/chat.sqlite", **settings)
