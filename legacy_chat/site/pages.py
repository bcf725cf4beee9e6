"""Home, register, log in, log out: ordinary forms."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

from flask import Flask, abort, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ..extension import Chat
from ..web.pages import language_context, remember_language
from .accounts import LONGEST_PASSWORD, Account, Accounts, NameTaken, Unfit
from .throttle import Throttle

Handler = Callable[[str, str], Account]


class FormError(Exception):
    """What is wrong with a form, in words for its page."""


def csrf_token() -> str:
    """The secret that a form of this session must bring back."""
    if "csrf_token" not in session:
        session["csrf_token"] = secrets.token_urlsafe(24)
    token: str = session["csrf_token"]
    return token


def _check_csrf() -> None:
    given, kept = request.form.get("csrf_token", ""), session.get("csrf_token", "")
    if not kept or not hmac.compare_digest(given.encode(), kept.encode()):
        abort(400, _("The form has expired: go back, reload the page and send it again."))


def add_pages(app: Flask, accounts: Accounts, chat: Chat) -> None:
    throttle = Throttle()
    app.after_request(remember_language)
    app.register_error_handler(HTTPException, _mistake)

    @app.get("/")
    def home() -> Response | str:
        if current_user.is_authenticated:
            return redirect(url_for("legacy_chat.page"))
        return _render("site/home.html")

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Response | str | tuple[str, int]:
        def create(name: str, password: str) -> Account:
            try:
                return chat.offload(lambda: accounts.register(name, password))
            except NameTaken:
                raise FormError(_("This name is taken: choose another one.")) from None
            except Unfit as error:
                raise FormError(_(str(error))) from None

        return _form("site/register.html", create)

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Response | str | tuple[str, int]:
        def check(name: str, password: str) -> Account:
            keys = f"name:{name.strip().casefold()[:80]}", f"address:{request.remote_addr}"
            if throttle.wait(*keys):
                raise FormError(_("Too many tries: wait a little and try again."))
            account = chat.offload(lambda: accounts.check(name.strip(), password[:LONGEST_PASSWORD]))
            if account is None:
                throttle.failed(*keys)
                raise FormError(_("Name or password is wrong."))
            throttle.succeeded(keys[0])
            return account

        return _form("site/login.html", check)

    @app.post("/logout")
    def logout() -> Response:
        _check_csrf()
        logout_user()
        session.clear()
        return redirect(url_for("home"))


def _mistake(error: HTTPException) -> HTTPException | tuple[str, int]:
    """A page with a way on, for whoever reads pages."""
    if "text/html" not in request.headers.get("Accept", "") or error.code is None:
        return error
    titles = {404: _("There is no such page"), 405: _("There is no such page"), 500: _("Something went wrong")}
    words = {
        400: error.description,
        404: _("Perhaps the link is old, or a part of it is missing."),
        500: _("It is in the server's log. Try again in a moment."),
    }
    title = titles.get(error.code, _("That could not be done"))
    # Not by `_render`: what was sent may be what cannot be read.
    values = {"title": title, "words": words.get(error.code), "next": ""}
    return render_template("site/mistake.html", **values, **language_context()), error.code


def _form(template: str, handle: Handler) -> Response | str | tuple[str, int]:
    """Show a form; when it is sent, log in whom `handle` returns, or show its `FormError`."""
    if request.method == "GET":
        return _render(template)
    _check_csrf()
    name, password = request.form.get("username", ""), request.form.get("password", "")
    try:
        account = handle(name, password)
    except FormError as error:
        return _render(template, error=str(error), username=name), 422
    # A new session for a new login, so that one planted before it is worth nothing (session fixation).
    session.clear()
    login_user(account)
    return redirect(_safe_next())


def _safe_next() -> str:
    """Where the visitor wanted to go, if that is on this site."""
    wish = request.values.get("next", "")
    if wish.startswith("/") and not wish.startswith(("//", "/\\")) and wish.isprintable():
        return wish
    return url_for("legacy_chat.page")


def _render(template: str, **values: str | None) -> str:
    context = {"error": None, "username": "", "next": request.values.get("next", ""), **values}
    return render_template(template, csrf_token=csrf_token(), **context, **language_context())


def _(text: str) -> str:
    translated: str = language_context()["_"](text)
    return translated
