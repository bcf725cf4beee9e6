import pytest
from flask import Flask, Response, abort, redirect, request
from werkzeug.test import Client

from legacy_chat.web.open_door import OpenDoor


@pytest.fixture
def site():
    """A site with a wall in front of everything, and its own page for what is missing."""
    app = Flask("site")
    app.secret_key = "only for tests"
    app.before_request(lambda: redirect("/sign-in"))
    app.register_error_handler(404, lambda error: ("the site's own page", 404))
    app.add_url_rule("/api/<name>", "answer", _answer, methods=["GET", "POST"])
    app.after_request(_sign)
    return app


def _answer(name):
    if name == "bug":
        raise ZeroDivisionError
    if name == "nothing":
        abort(404)
    return f"{request.method} {name}"


def _sign(response: Response) -> Response:
    response.headers["X-Site"] = "was here"
    return response


@pytest.fixture
def client(site):
    return Client(OpenDoor(site, ["/api/", "/push"]))


@pytest.mark.parametrize("path", ["/api/", "/api/x", "/api/x/y", "/push"])
def test_these_addresses_are_answered(site, path):
    assert OpenDoor(site, ["/api/", "/push"]).answers(path)


@pytest.mark.parametrize("path", ["/", "/api", "/apis", "/pushes", "/push/x", "/x/api/y"])
def test_all_others_are_the_sites(site, path):
    assert not OpenDoor(site, ["/api/", "/push"]).answers(path)


def test_a_view_is_called_around_the_sites_hooks(client):
    answer = client.post("/api/hello")
    assert (answer.status_code, answer.text) == (200, "POST hello")
    assert "X-Site" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_what_is_missing_is_no_page_of_the_site(client):
    for path in ("/api/nothing", "/api/no/such"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "own page" not in answer.text


def test_a_method_that_is_not_there_and_the_question_for_those_that_are(client):
    assert client.delete("/api/hello").status_code == 405
    assert client.options("/api/hello").headers["Allow"]


def test_a_bug_is_a_500_and_in_the_log(client, caplog):
    assert client.get("/api/bug").status_code == 500
    assert "ZeroDivisionError" in caplog.text


def test_the_context_ends_with_the_answer(site, client):
    ended = []
    site.teardown_request(lambda _: ended.append("request"))
    client.get("/api/hello")
    assert ended == ["request"]
