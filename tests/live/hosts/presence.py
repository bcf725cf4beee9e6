"""A host site for gunicorn whose hooks write down who came and went, one a line."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, current_app
from flask_login import LoginManager

from legacy_chat import Chat

folder = Path(os.environ["SITE_INSTANCE"])
(folder / "secret_key").write_text("only for tests")

chat = Chat()


def _note(line: str) -> None:
    with open(Path(current_app.instance_path) / "crossings", "a") as file:
        file.write(f"{line}\n")


@chat.on_online
def came(uid: str) -> None:
    _note(f"{uid} came")


@chat.on_offline
def went(uid: str) -> None:
    _note(f"{uid} went")


app = Flask("host", instance_path=str(folder))
app.secret_key = "only for tests"
LoginManager(app)
chat.init_app(app)
