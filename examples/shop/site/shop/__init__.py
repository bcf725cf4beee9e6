"""A small shop, as there are many: Flask-Login, Flask-SQLAlchemy, forms under CSRFProtect, a strict policy."""

import os
import secrets

from flask import Flask, g
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy.pool import QueuePool

db = SQLAlchemy()
login = LoginManager()
login.login_view = "account.log_in"
csrf = CSRFProtect()

POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(config=None):
    app = Flask(__name__, instance_path=os.environ.get("SITE_INSTANCE"))
    os.makedirs(app.instance_path, exist_ok=True)
    app.config.update(
        SECRET_KEY=os.environ.get("SECRET_KEY", "change me"),
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{app.instance_path}/shop.sqlite",
        # The smallest pool there is: one connection for everything, and nobody waits long for it.
        SQLALCHEMY_ENGINE_OPTIONS={"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": 1},
        **(config or {}),
    )
    add_policy(app)
    db.init_app(app)
    login.init_app(app)
    csrf.init_app(app)

    from . import account, pages
    from .models import fill

    app.register_blueprint(pages.blueprint)
    app.register_blueprint(account.blueprint)
    with app.app_context():
        fill()
    return app


def add_policy(app):
    @app.before_request
    def make_nonce():
        g.csp_nonce = secrets.token_urlsafe(16)

    @app.after_request
    def add(response):
        response.headers["Content-Security-Policy"] = POLICY.format(nonce=g.csp_nonce)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
