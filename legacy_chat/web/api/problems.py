"""Errors as problem+json (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException

from ...core.api import UNSET, Problem, encode
from ...errors import BadKey, ChatError, Internal, whole_seconds

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# What werkzeug says, in our words.
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "not_json"}


def from_chat(error: ChatError) -> Response:
    response = _response(error.status, error.code, error.message, error.retry_after)
    if isinstance(error, BadKey):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def from_http(error: HTTPException) -> Any:
    """What routing, a limit of the host or one of its hooks refused."""
    if error.response is not None:  # the host has an answer of its own
        return error.response
    status = error.code or 500
    response = _response(status, _CODES.get(status, "http_error"), error.description or HTTPStatus(status).phrase)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def from_bug(error: Exception) -> Response:
    log.error("a request of the HTTP API failed", exc_info=error)
    return from_chat(Internal("Something went wrong here; it is in the server's log."))


def _response(status: int, code: str, detail: str, retry_after: float | None = None) -> Response:
    problem = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        retry_after=UNSET if retry_after is None else retry_after,
    )
    response = Response(encode(problem), status, mimetype=MEDIA_TYPE)
    if retry_after is not None:
        response.headers["Retry-After"] = whole_seconds(retry_after)
    return response
