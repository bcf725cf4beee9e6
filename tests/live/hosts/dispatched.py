"""Two Flask sites in one server: a shop, and its back office below /admin, both with chat at /chat.

With `ONE_HISTORY` they share it. The shop also stands below any folder that a front end names in `X-Script-Name`.
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask
from flask_login import LoginManager
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from legacy_chat import Chat

folder = Path(os.environ["SITE_INSTANCE"])
(folder / "secret_key").write_text("only for tests")


class Below:
    def __init__(self, wrapped):
        self.app = wrapped

    def __call__(self, environ, start_response):
        script_name = environ.get("HTTP_X_SCRIPT_NAME", "")
        if script_name and environ["PATH_INFO"].startswith(script_name):
            environ["SCRIPT_NAME"] = script_name
            environ["PATH_INFO"] = environ["PATH_INFO"][len(script_name) :]
        return self.app(environ, start_response)


def site(name: str, below: bool = False) -> Flask:
    app = Flask(name, instance_path=str(folder / name))
    app.secret_key = "only for tests"
    LoginManager(app)
    if below:
        app.wsgi_app = Below(app.wsgi_app)
    Path(app.instance_path).mkdir(exist_ok=True)
    if os.environ.get("ONE_HISTORY"):
        app.config["CHAT_DATABASE_URL"] = f"sqlite:///{folder / 'one.sqlite'}"
    Chat(app)
    return app


app = DispatcherMiddleware(site("shop", below=True), {"/admin": site("admin")})
