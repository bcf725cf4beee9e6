"""A site that talks to its pages in events of its own, with a database pool of one connection."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import gevent
from flask import Flask, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.pool import QueuePool

from legacy_chat import Chat, Refused, current, emit, join_room, leave_room, rooms
from tests.live.watchdog import watch

folder = Path(os.environ["SITE_INSTANCE"])
(folder / "secret_key").write_text("only for tests")

app = Flask("events", instance_path=str(folder))
app.secret_key = "only for tests"
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder / 'shop.db'}"
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": 5}
chat = Chat(app)
db = SQLAlchemy(app)


class User(UserMixin):
    def __init__(self, uid: str):
        self.id = uid


LoginManager(app).user_loader(User)


class Order(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    uid = db.Column(db.String(64))


with app.app_context():
    db.create_all()


def note(line: str) -> None:
    with open(folder / "notes", "a") as file:
        file.write(f"{line}\n")


@chat.on("connect")
def came(member):
    if member.uid == "banned":
        raise Refused("You are banned.")
    note(f"{member.uid} came")


@chat.on("close")
def went(member):
    gevent.sleep(0.01)
    note(f"{member.uid} went")


@chat.on("add")
def add(numbers):
    return sum(numbers)


@chat.on("slow")
def slow(seconds):
    gevent.sleep(seconds)
    return seconds


@chat.on("fail")
def fail(data):
    raise KeyError("no such thing")


@chat.on("refuse")
def refuse(data):
    raise Refused("Not now.", retry_after=5.0)


@chat.on("who")
def who(data):
    agent = request.headers.get("User-Agent")
    return [current.member.uid, current_user.get_id(), session.get("cart"), request.args.get("page"), agent]


@chat.on("order")
def order(data):
    db.session.add(Order(uid=current.member.uid))
    db.session.flush()
    gevent.sleep(0.001)  # others come in between, and wait for the one connection
    db.session.commit()
    return Order.query.filter_by(uid=current.member.uid).count()


@chat.on("abort")
def abort(data):
    db.session.add(Order(uid=current.member.uid))
    db.session.flush()
    raise Refused("changed my mind")


chat.on("enter")(join_room)
chat.on("leave")(leave_room)
chat.on("rooms")(rooms)


@chat.on("move")
def move(data):
    emit("moved", data, to="chess", include_self=False)


@app.get("/enter/<uid>/<cart>")
def enter(uid: str, cart: str):
    login_user(User(uid))
    session["cart"] = cart
    return "in"


@app.get("/stats")
def stats():
    registry = app.extensions["legacy_chat"].worker().registry
    greenlets = sum(isinstance(thing, gevent.Greenlet) and not thing.dead for thing in gc.get_objects())
    return {
        "event_rooms": len(registry.event_rooms),
        "greenlets": greenlets,
        "checked_out": db.engine.pool.checkedout(),
    }


@app.post("/broadcast")
def broadcast():
    asked = request.get_json()
    reached = chat.broadcast(**asked)
    return [reached.users, reached.connections]


if "WATCHDOG_FILE" in os.environ:
    app.wsgi_app = watch(app.wsgi_app)
