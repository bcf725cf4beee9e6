"""A host with Flask-WTF's CSRF protection: its own forms stay guarded, keyed addresses pass."""

import pytest
from flask import Flask
from flask_login import LoginManager
from flask_wtf import CSRFProtect

from legacy_chat import Chat


def guard(app):
    CSRFProtect(app)


@pytest.fixture(params=[(guard, Chat), (Chat, guard)], ids=["guarded first", "chat first"])
def client(request, tmp_path):
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="only for tests")
    LoginManager(app)
    app.add_url_rule("/buy", "buy", lambda: "bought", methods=["POST"])
    for add in request.param:
        add(app)
    client = app.test_client()
    client.key = app.test_cli_runner().invoke(args=["chat", "key", "shop"]).output.strip()
    yield client
    app.extensions["legacy_chat"].database.close()


def test_the_api_and_the_push_door_need_no_csrf_token(client):
    keyed = {"Authorization": f"Bearer {client.key}"}
    assert client.post("/chat/api/v1/rooms", json={"gid": "annex"}, headers=keyed).status_code == 201
    assert client.post("/chat/push", data={"type": "publish", "content": "x"}).status_code == 401


def test_the_hosts_own_forms_stay_guarded(client):
    assert client.post("/buy").status_code == 400
