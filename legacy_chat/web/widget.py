"""The chat in a corner of the site's own pages: `{{ chat_widget() }}`, and what its script asks for."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, jsonify, make_response, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from ..core.model import Member
from ..errors import ChatError, NotLoggedIn
from ..storage import polls
from . import csp, i18n, origins
from .csrf import exempt
from .pages import boot_of, language_context, speech
from .rendering import render

if TYPE_CHECKING:
    from ..state import State

log = logging.getLogger(__name__)

WIDGET = "chat_widget"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' https:; "
    "form-action 'none'"
)


def blueprint(state: State) -> Blueprint:
    widget = Blueprint("legacy_chat_widget", __name__, url_prefix=state.settings.prefix)

    @widget.get("/unread")
    def unread() -> BaseResponse:
        """How many messages wait for whoever asks, in all or in `?room=`; 204 where nobody is logged in."""
        member = _quiet_member(state)
        if member is None:
            return _never_kept(Response(status=204))
        return _never_kept(jsonify(unread=_unread(state, member, request.args.get("room"))))

    @widget.route("/boot", methods=["GET", "POST"])
    def boot() -> BaseResponse:
        """What the panel starts from, for the site's own login or for a token (POST); also for whom it turns away."""
        try:
            member = _member(state)
        except ChatError as error:
            refused = {"code": error.code, **speech(i18n.request_language()), "icons": _icons()}
            return _never_kept(make_response(jsonify(refused), error.status))
        language = i18n.request_language(member.locale)
        return _never_kept(jsonify({**boot_of(state, member, language), "icons": _icons()}))

    @widget.get("/embed")
    def embed() -> BaseResponse:
        """The panel as a page of its own, for a frame in a page of an allowed origin."""
        allowed = list(state.settings.allowed_origins)
        response = make_response(render("chat/embed.html", origins=allowed, **language_context()))
        ancestors = " ".join(["'self'", *allowed])
        response.headers["Content-Security-Policy"] = f"{_POLICY}; frame-ancestors {ancestors}"
        return _never_kept(response)

    exempt(widget)
    return widget


def tag(state: State, room: str | None = None, nonce: str | None = None, **named: Any) -> Markup:
    """`{{ chat_widget(room="support") }}` in a template: nothing for whoever is not logged in.

    What else is named becomes an attribute: `side="left"`, `greeting="…"`. The `nonce` of a Content-Security-Policy is
    found by itself where the site keeps it in one of the usual places.
    """
    if _quiet_member(state) is None:
        return Markup("")
    nonce = nonce or csp.nonce()
    source = {"src": url_for("legacy_chat.static", filename="widget.js"), "nonce": nonce or None}
    script = Markup('<script type="module"{}></script>').format(_attributes(source))
    given = {name.replace("_", "-"): value for name, value in {"room": room, **named}.items()}
    # The script shows it; until then it takes part in no layout of the page.
    return script + Markup("<legacy-chat{} hidden></legacy-chat>").format(_attributes(given))


def _attributes(given: dict[str, Any]) -> Markup:
    pairs = (Markup(' {}="{}"').format(name, value) for name, value in given.items() if value is not None)
    return Markup("").join(pairs)


def install(state: State) -> None:
    """The template function, unless the site has one of that name."""

    def offer() -> dict[str, Any]:  # when a template asks: the site's own Jinja options still count at `init_app`
        return {} if WIDGET in current_app.jinja_env.globals else {WIDGET: partial(tag, state)}

    state.app.context_processor(offer)


def _member(state: State) -> Member:
    if request.method == "POST":
        if not origins.is_own(request.environ, state.settings):
            raise NotLoggedIn("This origin may not ask: list it in CHAT_ALLOWED_ORIGINS.")
        given = _given()
        return state.tokens.verify(str(given.get("token", "")) if isinstance(given, dict) else "")
    member = state.identify(request.environ)
    if member is None:
        raise NotLoggedIn("Log in to the site first.")
    return member


def _given() -> Any:
    """What a POST holds as JSON, None for what is none."""
    try:
        return request.get_json(silent=True)
    except RecursionError:  # thousands of brackets
        return None


def _quiet_member(state: State) -> Member | None:
    """Whom the site keeps out of its chat sees no widget. Nor does anybody where the site's own function that says who
    they are fails: that is in the log, and the page around the widget is none of its business."""
    try:
        return state.identify(request.environ)
    except ChatError:
        return None
    except Exception:
        log.exception("no widget: who asks cannot be told")
        return None


def _unread(state: State, member: Member, room: str | None) -> int:
    headings = state.parts.read(lambda c: polls.headings(c, member.uid))
    return sum(max(0, h.seq - h.read) for h in headings if not room or h.where.gid == room)


def _icons() -> str:
    return render("chat/_icons.html")


def _never_kept(response: BaseResponse) -> BaseResponse:
    response.headers["Cache-Control"] = "no-store"
    return response
