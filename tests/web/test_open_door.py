import io

import pytest
from flask import Blueprint, Flask, Response, abort, redirect, request
from werkzeug.test import Client

from legacy_chat.errors import ChatError
from legacy_chat.web.bodies import MOST
from legacy_chat.web.open_door import OpenDoor

PATHS = {"/api/": MOST, "/push": 100}


@pytest.fixture
def site():
    """A site with a wall in front of everything, and its own page for what is missing."""
    app = Flask("site")
    app.secret_key = "only for tests"
    app.before_request(lambda: redirect("/sign-in"))
    app.register_error_handler(404, lambda error: ("the site's own page", 404))
    ours = Blueprint("legacy_chat_api", __name__)
    ours.add_url_rule("/api/<name>", "answer", _answer, methods=["GET", "POST"])
    ours.add_url_rule("/push", "push", lambda: _answer("body"), methods=["POST"])
    app.register_blueprint(ours)
    app.after_request(_sign)
    return app


def _answer(name):
    if name == "bug":
        raise ZeroDivisionError
    if name == "nothing":
        abort(404)
    if name == "body":
        try:
            return str(len(request.get_data()))
        except ChatError as error:
            return error.code
    return f"{request.method} {name}"


def _sign(response: Response) -> Response:
    response.headers["X-Site"] = "was here"
    return response


@pytest.fixture
def client(site):
    return Client(OpenDoor(site, PATHS, site))


@pytest.mark.parametrize("path", ["/api/", "/api/x", "/api/x/y", "/push"])
def test_these_addresses_are_answered(site, path):
    assert OpenDoor(site, PATHS, site).answers(path)


@pytest.mark.parametrize("path", ["/", "/api", "/apis", "/pushes", "/push/x", "/x/api/y"])
def test_all_others_are_the_sites(site, path):
    assert not OpenDoor(site, PATHS, site).answers(path)


def test_a_view_is_called_around_the_sites_hooks(client):
    answer = client.post("/api/hello")
    assert (answer.status_code, answer.text) == (200, "POST hello")
    assert "X-Site" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/api/../secrets", "/api/a/b"])
def test_a_view_of_the_site_is_never_called_around_its_hooks(site, client, method, path):
    """A rule for all paths fits below ours as well, and what it shows may be above: `/api/../secrets`."""
    shown = []
    site.add_url_rule("/<path:page>", "page", lambda page: shown.append(page) or "secret", methods=["GET", "POST"])
    answer = client.open(path, method=method, data=b"x" * 10 if method == "POST" else None)
    assert (answer.status_code, shown) == (302, [])


def test_the_site_gets_the_body_of_its_own_request_whole(site, client):
    site.before_request_funcs.clear()
    site.add_url_rule("/api/a/b", "upload", lambda: str(len(request.get_data())), methods=["POST"])
    assert client.post("/api/a/b", data=b"x" * 2 * MOST).text == str(2 * MOST)


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


def test_a_body_is_read_up_to_a_limit_whether_it_says_its_length_or_not(client):
    assert client.post("/api/body", data=b"x" * MOST).text == str(MOST)
    assert client.post("/api/body", data=b"x" * (MOST + 1)).text == "too_large"
    assert client.post("/push", data=b"x" * 101).text == "too_large"
    endless = {"input_stream": io.BytesIO(b"x" * 2 * MOST), "environ_overrides": {"wsgi.input_terminated": True}}
    answer = client.post("/api/body", headers={"Transfer-Encoding": "chunked"}, **endless)
    assert answer.text == "too_large"


def test_after_a_body_that_was_cut_off_the_connection_ends(client, caplog):
    class Cut(io.BytesIO):
        def read(self, size=-1):
            raise OSError("unexpected end of file")

    answer = client.post("/api/body", input_stream=Cut(), environ_overrides={"CONTENT_LENGTH": "10"})
    assert (answer.text, answer.headers["Connection"]) == ("bad_request", "close")
    assert caplog.text == ""
