"""The chat page and its static files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    make_response,
    request,
    send_from_directory,
    url_for,
)  # fmt: skip
from werkzeug.routing import Rule
from werkzeug.wrappers import Response as BaseResponse

from ..core.model import Member
from ..errors import Forbidden
from . import i18n
from .rendering import render, shipped

if TYPE_CHECKING:
    from ..state import State


def language_context(locale: str | None = None) -> dict[str, Any]:
    """What every template needs to speak the visitor's language; `locale` is what the site says of the person."""
    lang = i18n.request_language(locale)
    return {"lang": lang, "languages": i18n.LANGUAGES, "_": i18n.translations(lang).gettext}


def personal(response: Response) -> Response:
    """A page for one person: kept by no cache, and in no frame of another site, which could steal a click."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def remember_language(response: Response) -> Response:
    wish = request.args.get("lang")
    if wish in i18n.LANGUAGES:
        response.set_cookie(i18n.COOKIE, wish, max_age=365 * 86400, samesite="Lax", secure=request.is_secure)
    return response


def blueprint(state: State) -> Blueprint:
    pages = Blueprint(
        "legacy_chat",
        __name__,
        url_prefix=state.settings.prefix,
        static_folder=str(shipped("static") / "chat"),
        static_url_path="/static",
    )

    @pages.get("/")
    def page() -> BaseResponse:
        member = whose_page(state)
        if member is None:
            return state.to_login()
        words = language_context(member.locale)
        boot = {**boot_of(state, member, words["lang"]), "languages": i18n.LANGUAGES, **_logout()}
        return remember_language(personal(make_response(render("chat/index.html", boot=boot, **words))))

    @pages.get("/vendor/<path:name>")
    def vendor(name: str) -> BaseResponse:
        return send_from_directory(shipped("static") / "vendor", name)

    @pages.after_request
    def open_files(response: Response) -> Response:
        """Pages of other origins may load the scripts, which are the same for everybody."""
        if request.endpoint in ("legacy_chat.static", "legacy_chat.vendor"):
            response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    return pages


def boot_of(state: State, member: Member, lang: str) -> dict[str, Any]:
    """What the scripts start from: whose chat it is, and in which language."""
    return {
        "socket": url_for("legacy_chat.page") + "ws",
        "uid": member.uid,
        "name": member.name,
        "avatar": member.avatar,
        "text_chars": state.settings.text_chars,
        **speech(lang),
    }


def speech(lang: str) -> dict[str, Any]:
    """The words of the scripts, and where one logs in."""
    return {"lang": lang, "messages": i18n.catalog(lang), "login": url_for("legacy_chat.page")}


def whose_page(state: State) -> Member | None:
    """Whom the site keeps out of its chat gets the site's own page for that."""
    try:
        return state.identify(request.environ)
    except Forbidden as error:
        abort(403, error.message)


def to_login() -> BaseResponse:
    """To the site's own login page, as Flask-Login does it for its `login_required`."""
    manager = getattr(current_app, "login_manager", None)
    if manager is None:
        abort(401, "This site has no Flask-Login, so nobody is known here: add a LoginManager to the app.")
    return make_response(manager.unauthorized())


def _logout() -> dict[str, str | None]:
    """The site's logout form: an endpoint named `logout`, in a blueprint or not, that takes a POST."""
    rules = current_app.url_map.iter_rules()
    endpoint = next((rule.endpoint for rule in rules if _logs_out(rule)), None)
    if endpoint is None:
        return {"logout": None, "csrf": None}
    token = current_app.jinja_env.globals.get("csrf_token")
    return {"logout": url_for(endpoint), "csrf": token() if callable(token) else None}


def _logs_out(rule: Rule) -> bool:
    return rule.endpoint.rpartition(".")[2] == "logout" and "POST" in (rule.methods or ()) and not rule.arguments
