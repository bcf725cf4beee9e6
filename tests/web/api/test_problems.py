import pytest
from werkzeug.exceptions import BadRequest, HTTPException, ImATeapot, MethodNotAllowed

from legacy_chat.errors import Exists, RateLimited
from legacy_chat.web.api.problems import from_chat, from_http


def test_an_error_of_ours_has_its_code_and_its_words():
    assert from_chat(Exists("Taken.")).json == {
        "type": "about:blank", "title": "Conflict", "status": 409, "detail": "Taken.", "code": "exists",
    }  # fmt: skip


@pytest.mark.parametrize(("wait", "header"), [(0.001, "1"), (1.5, "2"), (7.0, "7")])
def test_who_is_to_wait_is_told_how_long(wait, header):
    answer = from_chat(RateLimited("Wait.", retry_after=wait))
    assert (answer.headers["Retry-After"], answer.json["retry_after"]) == (header, wait)


@pytest.mark.parametrize("error", [BadRequest(), ImATeapot()])
def test_what_the_site_refuses_before_us_is_a_problem_too(error):
    answer = from_http(error)
    assert (answer.status_code, answer.json["code"]) == (error.code, "http_error")


def test_the_methods_that_there_are_stay_in_their_header():
    assert from_http(MethodNotAllowed(["GET"])).headers["Allow"] == "GET"


def test_an_answer_that_the_site_made_itself_goes_through(host):
    theirs = host.response_class("Closed on Sundays", 503)
    assert from_http(HTTPException(response=theirs)) is theirs
