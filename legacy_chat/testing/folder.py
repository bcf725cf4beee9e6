"""A folder of the tests' own, in which every app of the process keeps its chat instead of its instance folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from ..actions.places import TEST_DATABASE, TEST_FOLDER


class Folder:
    """In place from `begin` to `end`, also for the processes that are started meanwhile."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="legacy_chat-tests-"))
        self._before = os.environ.get(TEST_FOLDER)

    def begin(self) -> None:
        os.environ[TEST_FOLDER] = str(self.path)

    def end(self) -> None:
        os.environ.pop(TEST_FOLDER, None)
        if self._before is not None:
            os.environ[TEST_FOLDER] = self._before
        shutil.rmtree(self.path, ignore_errors=True)


def environment(folder: Path, given: dict[str, str]) -> dict[str, str]:
    """That of a site whose chat is in `folder` alone; `given` goes over it, and may name a database for tests.

    Whatever the site's own settings say, nothing but that database is opened.
    """
    url = given.get("CHAT_DATABASE_URL") or f"sqlite:///{folder / 'chat.sqlite'}"
    return {TEST_FOLDER: str(folder), TEST_DATABASE: url, **given, "CHAT_DATABASE_URL": url}
