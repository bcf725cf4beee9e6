"""From a request to its answer: key, body, query, and whether it was asked before."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Request, Response
from werkzeug.exceptions import UnsupportedMediaType

from ...actions.answers import request_id
from ...core.api import decode, decode_query, encode
from ...errors import BadRequest, NotFound, TooLarge
from ..services import Services
from .operation import MOST_ID, Call, Operation

# Bytes of a body: ten thousand uids fit.
MOST = 1024 * 1024
_LARGE = 32 * 1024


def bearer(request: Request) -> str | None:
    """The key of the Authorization header; cookies are nobody's key."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def carry_out(services: Services, operation: Operation, path: dict[str, Any], request: Request) -> Response:
    key = services.keys.check(bearer(request), operation.scope)
    if any(isinstance(value, int) and value > MOST_ID for value in path.values()):
        raise NotFound("No id is that large.")
    raw = read_body(request)
    call = Call(services, key, path)
    if operation.body is not None:
        _check_media_type(request)
        call.body = _decode(services, operation.body, raw)
    elif raw:
        raise BadRequest("This operation takes no body.")
    call.query = _query(operation, request)
    once = idempotency_key(request) if operation.method == "POST" else None
    if once is None:
        return _response(*_run(operation, call))
    return _answer_once(services, operation, call, once, raw)


def _decode(services: Services, model: type, raw: bytes) -> Any:
    """A large body is read in a native thread, so that others get their turns around it."""
    most_data = services.parts.settings.max_message_bytes
    if len(raw) < _LARGE:
        return decode(model, raw, most_data)
    return services.parts.offload.call(lambda: decode(model, raw, most_data))


def _answer_once(services: Services, operation: Operation, call: Call, once: str, raw: bytes) -> Response:
    if not operation.once:
        raise BadRequest("No Idempotency-Key here: the answer holds a secret, which is not kept.")
    call.request_id = request_id(call.key.id, once)
    asked = repr((operation.name, sorted(call.path.items()))).encode() + b"\0" + raw
    status, body, replayed = services.answers.once(
        call.key.id, once, hashlib.sha256(asked).hexdigest(), lambda: _run(operation, call)
    )
    response = _response(status, body)
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _run(operation: Operation, call: Call) -> tuple[int, str]:
    answer = operation.run(call)
    return operation.status, "" if operation.answer is None else encode(answer).decode()


def _response(status: int, body: str) -> Response:
    response = Response(body, status, mimetype="application/json")
    if not body:
        del response.headers["Content-Type"]
    return response


def read_body(request: Request) -> bytes:
    """Raises `TooLarge`, by the header alone where there is one."""
    if (request.content_length or 0) > MOST:
        raise TooLarge(f"A body has at most {MOST} bytes.")
    raw: bytes = request.stream.read(MOST + 1)
    if len(raw) > MOST:
        raise TooLarge(f"A body has at most {MOST} bytes.")
    return raw


def _check_media_type(request: Request) -> None:
    if request.mimetype and not request.is_json:
        raise UnsupportedMediaType("Send JSON, with `Content-Type: application/json`.")


def _query(operation: Operation, request: Request) -> Any:
    given = request.args.to_dict(flat=False)
    if operation.query is not None:
        return decode_query(operation.query, given)
    if given:
        raise BadRequest(f"This operation takes no query: {', '.join(sorted(given))}.")
    return None


def idempotency_key(request: Request) -> str | None:
    once = request.headers.get("Idempotency-Key")
    if once is not None and not (0 < len(once) <= 255 and once.isascii() and once.isprintable()):
        raise BadRequest("An Idempotency-Key has 1 to 255 printable ASCII characters.")
    return once
