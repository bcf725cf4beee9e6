"""A host site, its back end with a key, and a chat worker that counts whom it would reach."""

from __future__ import annotations

import pytest

from legacy_chat.actions.keys import Keys
from legacy_chat.backplane.contract import Reach, ToPeople


class BackEnd:
    """A program with a key: `ask("POST", "/rooms", json={…})`."""

    def __init__(self, host, secret: str | None):
        self.secret = secret
        self._client = host.test_client()

    def ask(self, method: str, path: str, headers: dict | None = None, **how):
        keyed = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        return self._client.open(f"/chat/api/v1{path}", method=method, headers={**keyed, **(headers or {})}, **how)

    def get(self, path: str, **how):
        return self.ask("GET", path, **how)

    def post(self, path: str, json: object = None, **how):
        return self.ask("POST", path, json=json, **how)


@pytest.fixture
def back_end(host):
    """`back_end("push", "rooms")` has a new key with these scopes."""

    def arrive(*scopes: str) -> BackEnd:
        return BackEnd(host, Keys(host.extensions["legacy_chat"].parts).create("shop", list(scopes))[1])

    return arrive


@pytest.fixture
def shop(back_end) -> BackEnd:
    return back_end("all")


@pytest.fixture
def stranger(host) -> BackEnd:
    return BackEnd(host, None)


@pytest.fixture
def told(host) -> list:
    """What a worker would hand on: ada (7) has two pages open, nobody else is here."""
    notices: list = []

    def count(notice) -> Reach:
        return Reach() if isinstance(notice, ToPeople) and "7" not in notice.uids else Reach(1, 2)

    host.extensions["legacy_chat"].parts.backplane.subscribe(notices.append, count)
    return notices


def check_problem(response, status: int, code: str) -> dict:
    """An answer is the problem that was expected, in the form that all have."""
    assert (response.status_code, response.json["code"]) == (status, code), response.json
    assert response.mimetype == "application/problem+json"
    assert response.json["status"] == status
    assert response.json["detail"]
    return response.json


@pytest.fixture
def problem():
    return check_problem
