import pytest
from flask import Flask, render_template
from jinja2 import StrictUndefined

from legacy_chat import Chat
from legacy_chat.web.pages import language_context
from legacy_chat.web.rendering import render, shipped


@pytest.fixture
def odd(tmp_path):
    """A site with a template of our name, delimiters of its own, and no patience with what is undefined."""
    folder = tmp_path / "templates" / "chat"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("the site's own [[ 1 + 1 ]]")
    app = Flask("odd", instance_path=str(tmp_path), template_folder=str(tmp_path / "templates"))
    app.secret_key = "only for tests"
    app.jinja_options = {"variable_start_string": "[[", "variable_end_string": "]]", "undefined": StrictUndefined}
    Chat(app)
    yield app
    app.extensions["legacy_chat"].database.close()


def page(app: Flask) -> str:
    with app.test_request_context("/chat/"):
        return render("chat/index.html", boot={"name": "<b>"}, **language_context())


def test_our_page_and_the_sites_page_of_the_same_name_are_two(odd):
    assert 'id="chat-boot"' in page(odd)
    with odd.test_request_context():
        assert render_template("chat/index.html") == "the site's own 2"


def test_what_people_are_called_is_escaped(host):
    assert r"\u003cb\u003e" in page(host)


def test_scripts_and_styles_bear_the_sites_nonce(host):
    assert "nonce" not in page(host)
    host.jinja_env.globals["csp_nonce"] = lambda: 'a"b'
    html = page(host)
    assert html.count('nonce="a&#34;b"') == html.count("<script ") - 1 + html.count('rel="stylesheet"')


@pytest.mark.parametrize("folder", ["templates", "static"])
def test_pages_are_found_in_a_checkout_and_in_a_wheel(folder):
    assert (shipped(folder) / "chat").is_dir()
