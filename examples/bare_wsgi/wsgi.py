"""A site of bare WSGI with a login of its own, and chat in three lines (marked).

    gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker wsgi:application

The names are ada and ben, the password is `correct-horse`.
"""

from __future__ import annotations

import hmac
import os
import secrets
from http.cookies import SimpleCookie
from urllib.parse import parse_qs

from legacy_chat.wsgi import mount  # chat

PEOPLE = {"1": "ada", "2": "ben"}
PASSWORD = "correct-horse"
sessions: dict[str, str] = {}  # by cookie: the uid

PAGE = b"""<!doctype html><title>A small site</title>
<form method="post" action="/login">
  <input name="username"><input name="password" type="password"><button>Log in</button></form>
<form method="post" action="/logout"><button>Log out</button></form>
<a href="/chat/">Chat</a>"""


def site(environ, start_response):
    if environ["REQUEST_METHOD"] != "POST":
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [PAGE]
    act = {"/login": log_in, "/logout": log_out}.get(environ["PATH_INFO"])
    cookie = act(environ) if act else None
    if cookie is None:
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"Name or password is wrong.\n"]
    headers = [("Location", "/"), ("Set-Cookie", f"session={cookie}; Path=/; HttpOnly; SameSite=Lax")]
    start_response("303 See Other", headers)
    return []


def log_in(environ) -> str | None:
    length = min(int(environ.get("CONTENT_LENGTH") or 0), 1000)
    form = parse_qs(environ["wsgi.input"].read(length).decode())
    uid = next((uid for uid, name in PEOPLE.items() if form.get("username") == [name]), None)
    if uid is None or not hmac.compare_digest(form.get("password", [""])[0].encode(), PASSWORD.encode()):
        return None
    cookie = secrets.token_urlsafe()
    sessions[cookie] = uid
    return cookie


def log_out(environ) -> str:
    uid = sessions.pop(cookie_of(environ), None)
    if uid is not None:
        application.logged_out(environ, uid)  # its sockets end with the session
    return ""


def cookie_of(environ) -> str:
    morsel = SimpleCookie(environ.get("HTTP_COOKIE", "")).get("session")
    return morsel.value if morsel else ""


def who(environ):  # chat
    uid = sessions.get(cookie_of(environ))
    return uid and {"uid": uid, "name": PEOPLE[uid]}


application = mount(site, "/chat", identify=who, secret_key=os.environ["SECRET_KEY"], login_url="/")  # chat
