"""A site as many stand since 2022: a factory, blueprints, SERVER_NAME, a locale selector of Flask-Babel, and tables
with an Alembic history of their own in the database that the chat shares.
"""

from __future__ import annotations

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from flask import Blueprint, Flask, redirect, request, url_for
from flask_babel import Babel
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from flask_sqlalchemy import SQLAlchemy

from legacy_chat import Chat

folder = Path(os.environ["SITE_INSTANCE"])
db, login, babel, chat = SQLAlchemy(), LoginManager(), Babel(), Chat()
login.login_view = "account.sign_in"
account = Blueprint("account", __name__, url_prefix="/account")


class User(UserMixin):
    def __init__(self, uid: str, name: str):
        self.id, self.name = uid, name


users = {"7": User("7", "ada"), "9": User("9", "ben")}
login.user_loader(users.get)


class Order(db.Model):
    __tablename__ = "orders"
    id = db.Column(db.Integer, primary_key=True)


@account.route("/sign-in", methods=["GET", "POST"])
def sign_in():
    if request.method == "POST":
        login_user(users[request.form["uid"]])
        return redirect(url_for("account.orders"))
    return "Who are you?"


@account.route("/orders", methods=["GET", "POST"])
@login_required
def orders():
    if request.method == "POST":
        db.session.add(Order())
        db.session.flush()
        chat.post("lobby", f"an order of {current_user.name}", uid="shop", name="Shop", session=db.session)
        db.session.commit()
    return f"{Order.query.count()} orders of the site"


@account.route("/sign-out", methods=["POST"])
def sign_out():
    logout_user()
    return "Bye"


def history() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{folder / 'site.db'}")
    return config


def speak_chinese() -> str:
    return "zh"


def create_app() -> Flask:
    app = Flask("shop", instance_path=str(folder))
    app.config.update(
        SECRET_KEY="only for tests",
        SERVER_NAME=f"127.0.0.1:{os.environ['PORT']}",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'site.db'}",
        SQLALCHEMY_TRACK_MODIFICATIONS=False,
        CHAT_DATABASE_URL=f"sqlite:///{folder / 'site.db'}",
    )
    command.upgrade(history(), "0001")
    db.init_app(app)
    login.init_app(app)
    if hasattr(babel, "localeselector"):  # before Flask-Babel 3
        babel.init_app(app)
        babel.localeselector(speak_chinese)
    else:
        babel.init_app(app, locale_selector=speak_chinese)
    chat.init_app(app)
    app.register_blueprint(account)
    return app
