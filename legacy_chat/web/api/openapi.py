"""The OpenAPI 3.1 document, made of the operations and the structs that check their bodies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...core.api import SCOPES, Problem, query_schemas, schemas
from ...errors import BadKey, BadRequest, ChatError, Forbidden, InProgress, KeyReused, RateLimited, TooLarge
from .operation import MOST_ID, Operation

_REF = "#/components/schemas/{name}"
_VARIABLE = re.compile(r"<(?:(\w+)(?:\((.*?)\))?:)?(\w+)>")
_ALWAYS: tuple[type[ChatError], ...] = (BadKey, Forbidden, RateLimited)

DESCRIPTION = f"""The HTTP API for back ends. Send a key with every request: `Authorization: Bearer lc_…`
(`flask chat key NAME` makes one). A key has scopes: {", ".join(f"`{scope}`" for scope in SCOPES)}. Errors are
problem+json with a `code` that never changes. Times are milliseconds since the epoch."""


def path_of(operation: Operation) -> str:
    """`/rooms/{gid}` for werkzeug's `/rooms/<gid>`."""
    return _VARIABLE.sub(r"{\3}", operation.path)


def document(operations: Sequence[Operation], version: str, server: str) -> dict[str, Any]:
    models = {op.body for op in operations} | {op.answer for op in operations} | {Problem}
    _, components = schemas(sorted((m for m in models if m), key=lambda m: m.__name__), _REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(path_of(operation), {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "legacy_chat", "version": version, "description": " ".join(DESCRIPTION.split())},
        "servers": [{"url": server}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"{operation.description} Scope: `{operation.scope}`.".strip(),
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_headers(operation)],
        "responses": _responses(operation),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _json(operation.body)}
    return described


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(kind)}
        for kind, _, name in _VARIABLE.findall(operation.path)
    ]


def _path_schema(kind: str) -> dict[str, Any]:
    if kind == "int":
        return {"type": "integer", "minimum": 0, "maximum": MOST_ID}
    return {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[^/]+$"}


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    return [
        {"name": name, "in": "query", "required": required, "schema": schema}
        for name, required, schema in query_schemas(operation.query)
    ]


def _headers(operation: Operation) -> list[dict[str, Any]]:
    if not operation.once:
        return []
    text = "The same key and body get the same answer for 24 hours, and are carried out once."
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
    return [{"name": "Idempotency-Key", "in": "header", "required": False, "description": text, "schema": schema}]


def _responses(operation: Operation) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done"}
    if operation.answer is not None:
        success["content"] = _json(operation.answer)
    return {str(operation.status): success, **_problems(errors_of(operation))}


def errors_of(operation: Operation) -> list[type[ChatError]]:
    """Every error that an operation may answer."""
    errors = [*_ALWAYS, BadRequest, TooLarge, *operation.errors]
    return [*errors, InProgress, KeyReused] if operation.once else errors


def _problems(errors: Sequence[type[ChatError]]) -> dict[str, Any]:
    codes: dict[int, list[str]] = {}
    for error in errors:
        codes.setdefault(error.status, []).append(f"`{error.code}`")
    if 404 not in codes:
        codes[404] = ["`not_found`"]
    codes[415] = ["`not_json`"]
    content = {"application/problem+json": {"schema": {"$ref": _REF.format(name=Problem.__name__)}}}
    return {str(status): {"description": ", ".join(words), "content": content} for status, words in codes.items()}


def _json(model: type) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(name=model.__name__)}}}
