"""The HTTP API for back ends, `/chat/api/v1`: one Flask route in front of the table of operations."""

from __future__ import annotations

from functools import lru_cache

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, PathConverter, Rule

from ...core.api import encode
from ...errors import ChatError
from ..csrf import exempt
from ..services import Services
from . import keys, messages, people, push, rooms, webhooks
from .dispatch import carry_out
from .openapi import document
from .operation import Operation
from .problems import from_bug, from_chat, from_http

PATH = "/api/v1"
VERSION = "1.0.0"
OPERATIONS: list[Operation] = [
    *push.operations,
    *rooms.operations,
    *messages.operations,
    *people.operations,
    *webhooks.operations,
    *keys.operations,
]
DOCUMENT = "/openapi.json"
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


class AnyPath(PathConverter):
    """As werkzeug's `path`, and with newlines: what is none of our addresses is still ours to answer."""

    regex = "(?s:[^/].*?)"


def blueprint(services: Services) -> Blueprint:
    api = Blueprint("legacy_chat_api", __name__, url_prefix=services.state.settings.prefix + PATH)
    rules = [Rule(op.path, methods=[op.method], endpoint=op) for op in OPERATIONS]
    addresses = Map([*rules, Rule(DOCUMENT, methods=["GET"], endpoint=None)], merge_slashes=False)
    api.record_once(lambda setup: setup.app.url_map.converters.update(legacy_chat_path=AnyPath))

    @api.route("", methods=_METHODS, provide_automatic_options=False)
    @api.route("/", methods=_METHODS, provide_automatic_options=False)
    @api.route("/<legacy_chat_path:path>", methods=_METHODS, provide_automatic_options=False)
    def answer(path: str = "") -> Response:
        # Not left to Flask: a site's own handler of 404 would go before a blueprint's of all errors.
        try:
            return carry_out_at(path)
        except ChatError as error:
            return from_chat(error)
        except HTTPException as error:
            return from_http(error)
        except Exception as error:
            return from_bug(error)

    def carry_out_at(path: str) -> Response:
        # One slash too many is forgiven here, since the routers of werkzeug 2.2 differ in what they forgive.
        operation, values = addresses.bind("").match("/" + path.removesuffix("/"), request.method)
        if operation is None:
            server = _server()
            text = services.parts.offload.call(lambda: _document(server))  # takes some milliseconds the first time
            return Response(text, mimetype="application/json")
        return carry_out(services, operation, dict(values), request)

    @api.after_request
    def keep_private(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response

    api.register_error_handler(ChatError, from_chat)
    api.register_error_handler(HTTPException, from_http)
    api.register_error_handler(Exception, from_bug)
    exempt(api)
    return api


def _server() -> str:
    """The API's own address without its host."""
    own = current_app.url_for("legacy_chat_api.answer").rstrip("/")
    return request.script_root + own.removeprefix(request.script_root)


@lru_cache(maxsize=8)
def _document(server: str) -> bytes:
    return encode(document(OPERATIONS, VERSION, server))
