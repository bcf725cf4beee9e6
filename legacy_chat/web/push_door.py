"""`/chat/push`: a push in one line, for scripts that speak no JSON. It answers `ok`, `offline` or `fail`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from ..actions.push import make_push
from ..errors import BadRequest, ChatError, whole_seconds
from .api.dispatch import bearer
from .csrf import exempt
from .services import Services

PUSH_PATH = "/push"

# Fields of a form, with room: a stranger's with ten thousand of them would take long to read.
_MOST_FIELDS = 100


def blueprint(services: Services) -> Blueprint:
    door = Blueprint("legacy_chat_push", __name__, url_prefix=services.state.settings.prefix)

    @door.route(PUSH_PATH, methods=["GET", "POST"])
    def push() -> Response:
        if request.method == "HEAD":  # whoever only looks pushes nothing
            return _text("fail", 405)
        try:
            return _text(_push(services))
        except ChatError as error:
            return _text("fail", error.status, error.retry_after)

    exempt(door)
    return door


def _push(services: Services) -> str:
    if request.get_data().count(b"&") > _MOST_FIELDS:
        raise BadRequest("A push has four fields.")
    services.keys.check(request.values.get("key") or bearer(request), "push")
    if request.values.get("type") != "publish":
        raise BadRequest("`type` must be `publish`.")
    to, content = request.values.get("to"), request.values.get("content", "")
    target: dict[str, Any] = {"uid": to} if to else {"all": True}
    pushed = services.pushes.push(make_push(content=content, **target))
    return "ok" if pushed.users else "offline"


def _text(word: str, status: int = 200, retry_after: float | None = None) -> Response:
    response = Response(word, status, mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    if retry_after is not None:
        response.headers["Retry-After"] = whole_seconds(retry_after)
    return response
