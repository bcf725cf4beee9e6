"""Whatever the document allows, and much that it does not: no answer is our fault, and each is as described."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)

from legacy_chat.web.api import OPERATIONS
from legacy_chat.web.api.openapi import path_of

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
)
EVERY = [f"{operation.method} {path_of(operation)}" for operation in OPERATIONS]


@pytest.fixture
def host(make_host):
    return make_host(CHAT_API_RATE="0")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "not allowed"])
@pytest.mark.parametrize("name", EVERY)
def test_no_request_that_can_be_thought_of_is_our_fault(host, back_end, told, name, mode):
    """A worker takes the pushes; whoever revokes the key that asks is given another one."""
    method, path = name.split()
    operation = schemathesis.openapi.from_wsgi("/chat/api/v1/openapi.json", host)[path][method]
    asked = []

    @settings(max_examples=30, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        key = back_end("all").secret if path == "/keys/{id}" or not asked else asked[-1]
        asked.append(key)
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)

    ask()
    assert asked
