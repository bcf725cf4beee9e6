"""A site that is strict with everybody: one database connection, a login demanded everywhere, rules for the chat.

`/enter/<uid>` logs in, `/exit` logs out, `/off/<uid>` switches an account off. uid 13 may not chat at all.
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, redirect, request
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func, select
from sqlalchemy.pool import QueuePool

from legacy_chat import Chat, Refused

folder = Path(os.environ["SITE_INSTANCE"])
(folder / "secret_key").write_text("only for tests")

app = Flask("strict", instance_path=str(folder))
app.secret_key = "only for tests"
app.config.update(
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'site.db'}",
    SQLALCHEMY_ENGINE_OPTIONS={"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": 1},
)
db = SQLAlchemy(app)
login = LoginManager(app)
chat = Chat()


class User(UserMixin, db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80))
    role = db.Column(db.String(20))
    active = db.Column(db.Boolean, default=True)

    is_active = property(lambda self: self.active)


class Said(db.Model):
    """What the site keeps of every message, in its own database."""

    id = db.Column(db.Integer, primary_key=True)
    uid = db.Column(db.Integer)


with app.app_context():
    db.create_all()
    if not db.session.get(User, 1):
        for uid in range(1, 151):
            db.session.add(User(id=uid, name=f"user {uid}", role="staff" if uid == 1 else "customer"))
        db.session.commit()


@login.user_loader
def load_user(uid):
    return db.session.get(User, int(uid))


@app.before_request
def demand_login():
    if not current_user.is_authenticated and request.endpoint not in ("enter", "sign_in"):
        return redirect("/sign-in")


app.add_url_rule("/sign-in", "sign_in", lambda: "Who are you?")


@app.get("/enter/<int:uid>")
def enter(uid):
    login_user(db.session.get(User, uid))
    return "welcome"


@app.get("/exit")
def leave():
    logout_user()
    return "bye"


@app.get("/said")
def said():
    return {"count": db.session.scalar(select(func.count(Said.id))), "out": db.engine.pool.checkedout()}


@app.get("/off/<int:uid>")
def switch_off(uid):
    db.session.get(User, uid).active = False
    db.session.commit()
    chat.disconnect(uid)
    return "off"


@app.get("/order/<gid>")
def order(gid):
    room = chat.room(gid, request.args.get("name"), private=True, members=request.args.getlist("uid"))
    return {"gid": room.gid, "url": chat.url_for_room(gid)}


chat.init_app(app)


@chat.member_loader
def load_member(user):
    db.session.refresh(user)
    if user.id == 13:
        return None
    return {"name": user.name, "avatar": f"/static/{user.id}.png", "roles": [user.role]}


@chat.can_join
def for_staff(member, room):
    return not (room.gid.startswith("staff") or room.founder) or "staff" in member.roles


@chat.can_post
def quiet(member, room):
    if room.gid == "news" and "staff" not in member.roles:
        raise Refused("The news are for reading.")
    return True


@chat.can_message
def known(member, uid):
    return uid.isdigit() and db.session.get(User, int(uid)) is not None


@chat.before_message
def keep(message):
    db.session.add(Said(uid=int(message.member.uid)))
    db.session.commit()


@chat.before_message
def mind(message):
    if message.content == "bug":
        raise ZeroDivisionError
    if "spam" in message.content:
        return False
    return message.content.replace("damn", "d***")
