import json
import re
from pathlib import Path

import pytest
from flask import render_template_string

STATIC = Path(__file__).parents[2] / "static" / "chat"


@pytest.fixture
def adas(host):
    client = host.test_client()
    client.get("/enter/7")
    return client


PAGES = {
    "/home": "{{ chat_widget(room='support') }}",
    "/all": "{{ chat_widget() }}",
    "/attributes": "{{ chat_widget(room='\"><script>', side='left', greeting='Hi', greeting_after=3) }}",
}


@pytest.fixture
def host(host):
    """A site with the widget on its pages."""
    for path, template in PAGES.items():
        host.add_url_rule(path, path, lambda template=template: render_template_string(template))
    return host


def test_a_page_of_the_site_gets_one_script_and_one_element(adas):
    script = '<script type="module" src="/chat/static/widget.js"></script>'
    assert adas.get("/home").text == script + '<legacy-chat room="support" hidden></legacy-chat>'
    assert adas.get("/all").text == script + "<legacy-chat hidden></legacy-chat>"


def test_whoever_is_not_logged_in_sees_none(host):
    assert host.test_client().get("/home").text == ""


def test_a_site_that_fails_to_say_who_somebody_is_shows_its_page_without_a_widget(host, adas, caplog):
    def load(user):
        raise ZeroDivisionError("the loader's own mistake")

    host.extensions["legacy_chat"].hooks.member_loader = load
    for answer in (load, lambda user: "ada"):
        host.extensions["legacy_chat"].hooks.member_loader = answer
        assert (adas.get("/home").status_code, adas.get("/home").text) == (200, "")
        assert adas.get("/chat/unread").status_code == 204
    assert "the loader's own mistake" in caplog.text
    assert "member_loader answered 'ada'" in caplog.text


def test_the_nonce_of_the_site_is_on_the_script(host, adas):
    host.jinja_env.globals["csp_nonce"] = lambda: "n0nce"
    assert 'nonce="n0nce"' in adas.get("/home").text


def test_what_a_template_gives_is_text_in_an_attribute(adas):
    given = 'room="&#34;&gt;&lt;script&gt;" side="left" greeting="Hi" greeting-after="3"'
    assert f"<legacy-chat {given} hidden>" in adas.get("/attributes").text


def test_a_site_that_has_a_function_of_that_name_keeps_it(tmp_path):
    from flask import Flask

    from legacy_chat import Chat

    app = Flask("host", instance_path=str(tmp_path))
    app.config["SECRET_KEY"] = "only for tests"
    app.jinja_env.globals["chat_widget"] = mine = object()
    Chat(app)
    assert app.jinja_env.globals["chat_widget"] is mine
    app.extensions["legacy_chat"].database.close()


def test_unread_counts_what_others_said(host, adas):
    assert adas.get("/chat/unread").json == {"unread": 0}
    chat = host.extensions["legacy_chat"]
    with host.app_context():
        chat.local.client(member("7", "ada")).connect()
        ben = chat.local.client(member("9", "ben"))
        ben.connect()
        ben.request("group", gid="lobby", content="hi")
        ben.request("pm", uid="7", content="psst")
    answer = adas.get("/chat/unread")
    assert answer.json == {"unread": 2}
    assert answer.headers["Cache-Control"] == "no-store"
    assert adas.get("/chat/unread?room=lobby").json == {"unread": 1}
    assert adas.get("/chat/unread?room=other").json == {"unread": 0}
    assert host.test_client().get("/chat/unread").status_code == 204


def member(uid, name):
    from legacy_chat.core.model import Member

    return Member(uid, name)


def test_the_panel_starts_from_the_sites_login(host, adas):
    boot = adas.get("/chat/boot").json
    assert (boot["uid"], boot["name"], boot["socket"], boot["lang"]) == ("7", "ada", "/chat/ws", "en")
    assert 'id="icon-send"' in boot["icons"]
    refused = host.test_client().get("/chat/boot")
    assert (refused.status_code, refused.json["code"]) == (401, "not_logged_in")
    chinese = host.test_client().get("/chat/boot?lang=zh").json
    assert (chinese["messages"]["Log in"], chinese["login"]) == ("登录", "/chat/")


def test_asking_neither_runs_the_sites_hooks_nor_keeps_its_session_alive(host):
    host.before_request(lambda: "the site's own login page")
    client = host.test_client()
    assert client.get("/chat/unread").status_code == 204
    assert client.get("/chat/embed").status_code == 200
    assert client.get("/chat/boot").status_code == 401


def test_or_from_a_token(host):
    client = host.test_client()
    token = host.extensions["legacy_chat"].tokens.mint("9", "ben").token
    assert client.post("/chat/boot", json={"token": token}).json["name"] == "ben"
    for body in ({"token": "x"}, {}, []):
        assert client.post("/chat/boot", json=body).status_code == 401
    evil = {"Origin": "https://evil.example"}
    assert client.post("/chat/boot", json={"token": token}, headers=evil).status_code == 401


def test_a_token_of_megabytes_is_none(host):
    answer = host.test_client().post("/chat/boot", json={"token": "x" * 2_000_000})
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    deep = host.test_client().post("/chat/boot", data=b"[" * 50_000, content_type="application/json")
    assert (deep.status_code, deep.json["code"]) == (401, "bad_token")


def test_only_allowed_origins_may_frame_the_panel(make_host):
    frame = make_host().test_client().get("/chat/embed")
    assert frame.headers["Content-Security-Policy"].endswith("; frame-ancestors 'self'")
    assert "script-src 'self';" in frame.headers["Content-Security-Policy"]
    other = make_host(CHAT_ALLOWED_ORIGINS="https://shop.example").test_client().get("/chat/embed")
    assert other.headers["Content-Security-Policy"].endswith("; frame-ancestors 'self' https://shop.example")
    assert json.loads(re.search(r'id="embed-boot">(.*?)</script>', other.text)[1]) == {
        "origins": ["https://shop.example"]
    }


def test_before_it_is_opened_the_widget_is_less_than_six_kilobytes_and_imports_nothing():
    script = (STATIC / "widget.js").read_text()
    assert len(script.encode()) < 6000
    assert not re.search(r"^import .* from", script, re.M)
