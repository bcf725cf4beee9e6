"""A site that lets its worker do things by itself. A line of `notes`: what was done, the process, the time (ms)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import gevent
from flask import Flask, current_app, request
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.pool import QueuePool

from legacy_chat import Chat, current

folder = Path(os.environ["SITE_INSTANCE"])
(folder / "secret_key").write_text("only for tests")

app = Flask("timers", instance_path=str(folder))
app.secret_key = "only for tests"
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder / 'shop.db'}"
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": 5}
LoginManager(app)
chat = Chat(app)
db = SQLAlchemy(app)

TICK = 100


class Order(db.Model):
    id = db.Column(db.Integer, primary_key=True)


with app.app_context():
    db.create_all()


def note(what: str) -> None:
    with open(folder / "notes", "a") as file:
        file.write(f"{what} {os.getpid()} {time.time_ns() // 1_000_000}\n")


@chat.every(ms=TICK)
def tick():
    note("tick")


@chat.every(ms=200, each_worker=True)
def everywhere():
    note("everywhere")


@chat.every(ms=150)
def fails():
    raise KeyError("no broom")


@chat.every(ms=50)
def counts_orders():
    note(f"orders={Order.query.count()}-in-{current_app.name}")


note("asked at import")
chat.after(300, note, "after import")
chat.spawn(note, "spawned at import")


@chat.on("later")
def later(data):
    uid = current.member.uid
    chat.after(50, note, f"{uid} asked")


@app.post("/after/<int:ms>/<what>")
def after(ms: int, what: str):
    chat.after(ms, then, what)
    return "done"


def then(what: str) -> None:
    note(what)
    chat.spawn(note, f"{what} and then")


@app.post("/cancelled")
def cancelled():
    chat.after(50, note, "cancelled").cancel()
    return "done"


@app.post("/thread")
def thread():
    def work():
        with app.app_context():
            chat.spawn(note, "from a thread")

    gevent.get_hub().threadpool.apply(work)
    return "done"


@app.post("/long/<kind>")
def long(kind: str):
    chat.spawn(for_ever if kind == "endless" else moment)
    return "done"


def moment() -> None:
    note("moment began")
    gevent.sleep(0.2)
    note("moment ended")


def for_ever() -> None:
    note("endless began")
    try:
        while True:
            gevent.sleep(0.05)
    finally:
        note("endless ended")


@app.post("/every/<int:ms>")
def every(ms: int):
    chat.every(ms, lambda: note("from a view"))
    return request.path
