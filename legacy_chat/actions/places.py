"""Where the chat of a site keeps its files: `chat.sqlite`, `chat.sock` and `chat.metrics`.

That is Flask's instance folder. In a test suite it is a folder of the tests', for whoever makes the app and whenever:
tests must neither write into the history of the developer's own site nor talk to its server.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

# Environment variables that `legacy_chat.testing` sets; what it starts inherits them.
TEST_FOLDER = "LEGACY_CHAT_TEST_FOLDER"
TEST_DATABASE = "LEGACY_CHAT_TEST_DATABASE"


def folder_of(instance_path: str) -> Path:
    """The folder of the site with this instance folder."""
    tests = os.environ.get(TEST_FOLDER)
    if not tests:
        return Path(instance_path)
    return Path(tests) / hashlib.sha256(os.fsencode(instance_path)).hexdigest()[:16]


def database_of(instance_path: str, given: str) -> str:
    """The address of its history; `given` is CHAT_DATABASE_URL."""
    return os.environ.get(TEST_DATABASE) or given or f"sqlite:///{folder_of(instance_path) / 'chat.sqlite'}"
