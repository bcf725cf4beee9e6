import pytest
from flask import Flask, g, request

from legacy_chat.web import csp


@pytest.fixture
def app():
    return Flask("site")


def test_a_site_without_a_policy_has_no_nonce(app):
    with app.test_request_context():
        assert csp.nonce() is None


@pytest.mark.parametrize("kept", [lambda: "abc", "abc"])
def test_the_nonce_is_where_flask_talisman_has_it(app, kept):
    app.jinja_env.globals["csp_nonce"] = kept
    with app.test_request_context():
        assert csp.nonce() == "abc"


def test_the_nonce_is_where_sites_keep_it_themselves(app):
    with app.test_request_context():
        request.csp_nonce = "of the request"
        assert csp.nonce() == "of the request"
        g.csp_nonce = "of g"
        assert csp.nonce() == "of g"
