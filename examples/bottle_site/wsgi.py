"""A Bottle site with a login of its own, and chat in three lines (marked).

    gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker wsgi:application

The names are ada and ben, the password is `correct-horse`.
"""

from __future__ import annotations

import hmac
import os
import secrets

from bottle import BaseRequest, Bottle, abort, redirect, request, response, template

from legacy_chat.wsgi import mount  # chat

PEOPLE = {"1": "ada", "2": "ben"}
PASSWORD = "correct-horse"
sessions: dict[str, str] = {}  # by cookie: the uid

app = Bottle()


@app.get("/")
def home():
    return template(
        """<!doctype html><title>A small site</title>
        <p>{{name or "Who are you?"}}</p>
        <form method="post" action="/login?next={{next}}">
          <input name="username"><input name="password" type="password"><button>Log in</button></form>
        <form method="post" action="/logout"><button>Log out</button></form>
        <a href="/chat/">Chat</a>""",
        name=PEOPLE.get(uid_of(request)),
        next=request.query.next,
    )


@app.post("/login")
def log_in():
    uid = next((uid for uid, name in PEOPLE.items() if name == request.forms.username), None)
    if uid is None or not hmac.compare_digest(request.forms.password.encode(), PASSWORD.encode()):
        abort(403, "Name or password is wrong.")
    cookie = secrets.token_urlsafe()
    sessions[cookie] = uid
    response.set_cookie("session", cookie, path="/", httponly=True, samesite="lax")
    redirect("/chat/" if request.query.next == "/chat/" else "/")


@app.post("/logout")
def log_out():
    uid = sessions.pop(request.get_cookie("session"), None)
    if uid is not None:
        application.logged_out(request.environ, uid)  # its sockets end with the session
    redirect("/")


def uid_of(request) -> str | None:
    return sessions.get(request.get_cookie("session"))


def who(environ):  # chat
    uid = uid_of(BaseRequest(environ))
    return uid and {"uid": uid, "name": PEOPLE[uid]}


application = mount(app, "/chat", identify=who, secret_key=os.environ["SECRET_KEY"], login_url="/")  # chat
