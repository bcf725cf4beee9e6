"""The document says what is so: it is well formed, complete, and the reference page agrees with it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from legacy_chat.core.api import SCOPES
from legacy_chat.web.api import OPERATIONS, openapi

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "http-api.md").read_text()


@pytest.fixture
def document(stranger) -> dict:
    answer = stranger.get("/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    return answer.json


def test_anybody_may_read_what_the_api_is_like(document):
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "/chat/api/v1"}]
    assert document["security"] == [{"key": []}]


def test_every_reference_leads_somewhere(document):
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert names <= set(document["components"]["schemas"])


def test_every_schema_is_one(document):
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_every_variable_of_a_path_is_described(document):
    for path, operations in document["paths"].items():
        for operation in operations.values():
            described = {part["name"] for part in operation["parameters"] if part["in"] == "path"}
            assert described == set(re.findall(r"{(\w+)}", path)), path


def test_an_operation_names_its_scope_and_the_errors_it_may_answer(document):
    push = document["paths"]["/push"]["post"]
    assert "Scope: `push`." in push["description"]
    assert set(push["responses"]) == {"200", "401", "403", "404", "409", "413", "415", "422", "429", "503"}
    assert "`key_reused`" in push["responses"]["422"]["description"]
    assert "Idempotency-Key" in [part["name"] for part in push["parameters"]]


def test_the_reference_page_has_every_operation_scope_and_code():
    for operation in OPERATIONS:
        assert f"| `{operation.method} {openapi.path_of(operation)}` | `{operation.scope}` |" in PAGE
    assert len(re.findall(r"^\| `(GET|POST|PATCH|DELETE) ", PAGE, re.M)) == len(OPERATIONS)
    assert [scope for scope in SCOPES if f"`{scope}`" not in PAGE] == []
    codes = {error.code for operation in OPERATIONS for error in openapi.errors_of(operation)}
    assert [code for code in codes if f"`{code}`" not in PAGE] == []
