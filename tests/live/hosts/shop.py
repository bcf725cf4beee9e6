"""A shop that pushes from its views, threads and scripts, and whose messages follow its own transactions.

A file `die_at_<step>` in the instance folder makes the process kill itself there, once.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import gevent
from flask import Flask, request
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy

from legacy_chat import Chat
from legacy_chat.storage.outbox import SiteDatabase

folder = Path(os.environ["SITE_INSTANCE"])
(folder / "secret_key").write_text("only for tests")

app = Flask("shop", instance_path=str(folder))
app.secret_key = "only for tests"
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder / 'shop.db'}"
LoginManager(app)
chat = Chat(app)
db = SQLAlchemy(app)


class Order(db.Model):
    id = db.Column(db.Integer, primary_key=True)


with app.app_context():
    db.create_all()


def _dies_before(step: str) -> None:
    """A fail point before a step of the outbox."""
    carry_out = getattr(SiteDatabase, step)

    def run(*arguments):
        mark = folder / f"die_at_{step}"
        if mark.exists():
            mark.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return carry_out(*arguments)

    setattr(SiteDatabase, step, run)


_dies_before("find")
_dies_before("remove")


def push_as_asked(asked: dict) -> dict[str, int]:
    with app.app_context():
        pushed = chat.push(**asked)
    return {"users": pushed.users, "connections": pushed.connections, "stored": pushed.stored}


@app.post("/push/<where>")
def push(where: str):
    asked = request.get_json()
    if where == "view":
        return push_as_asked(asked)
    if where == "native":
        return gevent.get_hub().threadpool.apply(push_as_asked, (asked,))
    answers: list[dict] = []
    thread = threading.Thread(target=lambda: answers.append(push_as_asked(asked)))
    thread.start()
    thread.join()
    return answers[0]


@app.post("/order/<end>")
def order(end: str):
    order = Order()
    db.session.add(order)
    db.session.flush()
    chat.post("lobby", f"order {order.id} is {end}", uid="shop", name="Shop", session=db.session)
    if end == "paid":
        db.session.commit()
    else:
        db.session.rollback()
    return "done"


@app.post("/end/<uid>")
def end(uid: str):
    chat.disconnect(uid)
    return "done"
