"""The chat page and its static files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    make_response,
    render_template,
    request,
    send_from_directory,
    url_for,
)  # fmt: skip
from werkzeug.routing import BuildError
from werkzeug.wrappers import Response as BaseResponse

from . import i18n
from .identity import current_member

if TYPE_CHECKING:
    from ..state import State

_PACKAGE = Path(__file__).parent.parent


def shipped(folder: str) -> Path:
    """`templates` or `static`: inside the package when installed from a wheel, beside it in a checkout."""
    installed = _PACKAGE / folder
    return installed if installed.is_dir() else _PACKAGE.parent / folder


def language_context() -> dict[str, Any]:
    """What every template needs to speak the visitor's language."""
    lang = i18n.request_language()
    return {"lang": lang, "languages": i18n.LANGUAGES, "_": i18n.translations(lang).gettext}


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
        template_folder=str(shipped("templates")),
        static_folder=str(shipped("static") / "chat"),
        static_url_path="/static",
    )

    @pages.get("/")
    def page() -> BaseResponse:
        member = current_member()
        if member is None:
            return _to_login()
        words = language_context()
        boot = {
            "socket": url_for("legacy_chat.page") + "ws",
            "uid": member.uid,
            "name": member.name,
            "lang": words["lang"],
            "languages": i18n.LANGUAGES,
            "messages": i18n.catalog(words["lang"]),
            "login": url_for("legacy_chat.page"),
            "text_chars": state.settings.text_chars,
            **_logout(),
        }
        response = make_response(render_template("chat/index.html", boot=boot, **words))
        response.headers["Cache-Control"] = "no-store"
        return remember_language(response)

    @pages.get("/vendor/<path:name>")
    def vendor(name: str) -> BaseResponse:
        return send_from_directory(shipped("static") / "vendor", name)

    return pages


def _to_login() -> BaseResponse:
    """To the site's own login page, as Flask-Login does it for its `login_required`."""
    manager = getattr(current_app, "login_manager", None)
    if manager is None:
        abort(401, "This site has no Flask-Login, so nobody is known here: add a LoginManager to the app.")
    return make_response(manager.unauthorized())


def _logout() -> dict[str, str | None]:
    """The site's logout form, where the site tells us of one by an endpoint named `logout` and a csrf token."""
    try:
        address = url_for("logout")
    except BuildError:
        return {"logout": None, "csrf": None}
    token = current_app.jinja_env.globals.get("csrf_token")
    return {"logout": address, "csrf": token() if callable(token) else None}
