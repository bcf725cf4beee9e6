"""A Pyramid site with its security policy, and chat in three lines (marked).

    gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker wsgi:application

The names are ada and ben, the password is `correct-horse`.
"""

from __future__ import annotations

import hmac
import os

from pyramid.authentication import AuthTktCookieHelper
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import forget, remember

from legacy_chat.wsgi import mount  # chat

PEOPLE = {"1": "ada", "2": "ben"}
PASSWORD = "correct-horse"
SECRET_KEY = os.environ["SECRET_KEY"]


class SecurityPolicy:
    def __init__(self):
        self.cookies = AuthTktCookieHelper(SECRET_KEY, hashalg="sha512", http_only=True, samesite="Lax")

    def identity(self, request):
        return self.cookies.identify(request)

    def authenticated_userid(self, request):
        identity = self.identity(request)
        return identity["userid"] if identity and identity["userid"] in PEOPLE else None

    def permits(self, request, context, permission):
        return True

    def remember(self, request, userid, **how):
        return self.cookies.remember(request, userid, **how)

    def forget(self, request, **how):
        return self.cookies.forget(request, **how)


def home(request):
    return Response(
        """<!doctype html><title>A small site</title>
        <form method="post" action="/login">
          <input name="username"><input name="password" type="password"><button>Log in</button></form>
        <form method="post" action="/logout"><button>Log out</button></form>
        <a href="/chat/">Chat</a>"""
    )


def log_in(request):
    uid = next((uid for uid, name in PEOPLE.items() if name == request.POST.get("username")), None)
    if uid is None or not hmac.compare_digest(request.POST.get("password", "").encode(), PASSWORD.encode()):
        raise HTTPForbidden("Name or password is wrong.")
    return HTTPSeeOther(request.route_path("home"), headers=remember(request, uid))


def log_out(request):
    if request.authenticated_userid:
        application.logged_out(request.environ, request.authenticated_userid)  # its sockets end with the session
    return HTTPSeeOther(request.route_path("home"), headers=forget(request))


with Configurator() as config:
    config.set_security_policy(SecurityPolicy())
    for name, path, view in (("home", "/", home), ("log_in", "/login", log_in), ("log_out", "/logout", log_out)):
        config.add_route(name, path)
        config.add_view(view, route_name=name, request_method="GET" if view is home else "POST")


def who(environ):  # chat
    request = Request(environ)
    request.registry = config.registry
    uid = request.authenticated_userid
    return uid and {"uid": uid, "name": PEOPLE[uid]}


application = mount(config.make_wsgi_app(), "/chat", identify=who, secret_key=SECRET_KEY, login_url="/")  # chat
