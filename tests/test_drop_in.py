"""Chat in sites of all sorts: it works there, and nothing of the site is other than before."""

from __future__ import annotations

import json
import logging
import re
import shutil
from datetime import timedelta

import click
import pytest
from babels import add_babel
from flask import Blueprint, Flask, redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user, user_logged_out
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from legacy_chat import Chat
from legacy_chat.actions.keys import Keys
from legacy_chat.core.model import Submission


class User(UserMixin):
    def __init__(self, uid: str, name: str):
        self.id, self.name = uid, name


@pytest.fixture
def build(migrated_file, tmp_path):
    """Builds sites: `before(app)` runs before chat is added, `after(app)` behind it, as in any order of a factory."""
    made: list[Flask] = []

    def make(before=None, after=None, chat: Chat | None = None, kind=Flask, **config) -> Flask:
        folder = tmp_path / f"site-{len(made)}"
        folder.mkdir()
        shutil.copy(migrated_file, folder / "chat.sqlite")
        app = kind("site", instance_path=str(folder))
        app.config.update({"SECRET_KEY": "only for tests", **config})
        add_pages(app)
        for add in (before, (chat or Chat()).init_app, after):
            if add:
                add(app)
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["legacy_chat"].database.close()


def add_pages(app: Flask) -> None:
    manager = LoginManager(app)
    users = {"7": User("7", "ada"), "9": User("9", "ben")}
    manager.user_loader(users.get)
    manager.login_view = "sign_in"
    app.add_url_rule("/", "home", lambda: f"Hello {getattr(current_user, 'name', 'you')}")
    app.add_url_rule("/sign-in", "sign_in", lambda: "Who are you?")
    app.add_url_rule("/enter/<uid>", "enter", lambda uid: str(login_user(users[uid])))
    app.add_url_rule("/exit", "exit", lambda: str(logout_user()))
    app.add_url_rule("/bug", "bug", lambda: 1 / 0)


def boot(page) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="chat-boot">(.*?)</script>', page.text, re.S)[1])


def keyed(app: Flask) -> dict[str, str]:
    """The header of a back end with a key."""
    _, secret = Keys(app.extensions["legacy_chat"].parts).create("a back end", ["all"])
    return {"Authorization": f"Bearer {secret}"}


def token(app: Flask) -> str:
    return app.extensions["legacy_chat"].tokens.mint("7", "ada").token


def poll(client, app: Flask):
    """The first poll of somebody who comes with a token."""
    return client.post("/chat/poll", json={"cursor": None, "frames": [{"type": "login", "token": token(app)}]})


def ada(app: Flask, base: str | None = None):
    client = app.test_client()
    client.get("/enter/7", base_url=base)
    return client


# -- how it is added -----------------------------------------------------------------------------------------


def test_one_chat_serves_two_sites_of_a_factory_which_share_its_rules_and_nothing_else(build):
    chat = Chat()
    one, other = build(chat=chat), build(chat=chat, CHAT_PREFIX="/talk")
    chat.before_message(lambda message: message.content.upper())
    for app in (one, other):
        state = app.extensions["legacy_chat"]
        member = state.tokens.verify(token(app))
        assert state.parts.rules.passed(Submission(member, "hi", gid="lobby")) == "HI"
    with one.app_context():
        chat.room("board")
    assert [r["gid"] for r in one.test_client().get("/chat/api/v1/rooms", headers=keyed(one)).json["rooms"]] == [
        "lobby",
        "board",
    ]
    rooms = other.test_client().get("/talk/api/v1/rooms", headers=keyed(other)).json["rooms"]
    assert [room["gid"] for room in rooms] == ["lobby"]


@pytest.mark.parametrize("prefix", ["/chat", "/talk"])
def test_two_sites_with_chat_are_mounted_in_one_server(build, prefix):
    shop, admin = build(), build(CHAT_PREFIX=prefix, SESSION_COOKIE_NAME="admin")
    server = Client(DispatcherMiddleware(shop, {"/admin": admin}))
    server.get("/enter/7")
    server.get("/admin/enter/9")
    at_shop, at_admin = boot(server.get("/chat/")), boot(server.get(f"/admin{prefix}/"))
    assert (at_shop["socket"], at_shop["name"]) == ("/chat/ws", "ada")
    assert (at_admin["socket"], at_admin["name"]) == (f"/admin{prefix}/ws", "ben")
    assert server.get(f"/admin{prefix}/ws").status_code == server.get("/chat/ws").status_code == 426
    assert server.get(f"/admin{prefix}/static/client.js").status_code == 200


def test_two_sites_with_one_history_hear_each_other(build, tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    one, other, third = build(CHAT_DATABASE_URL=url), build(CHAT_DATABASE_URL=url), build()
    heard: list[str] = []
    for name, app in (("one", one), ("other", other), ("third", third)):
        app.extensions["legacy_chat"].parts.backplane.subscribe(lambda _, name=name: heard.append(name))
    with one.app_context():
        Chat().post("lobby", "hello")
    assert set(heard) == {"one", "other"}


def test_blueprints_of_the_site_keep_their_addresses_and_templates(build):
    def add(app):
        shop = Blueprint("shop", __name__, url_prefix="/shop")
        shop.add_url_rule("/chat/", "chat", lambda: "the shop's own chat")
        shop.add_url_rule("/links", "links", lambda: f"{url_for('.chat')} {url_for('legacy_chat.page')}")
        app.register_blueprint(shop)

    client = build(after=add).test_client()
    assert client.get("/shop/chat/").text == "the shop's own chat"
    assert client.get("/shop/links").text == "/shop/chat/ /chat/"


# -- where the site stands -----------------------------------------------------------------------------------


class Below:
    """The middleware of many old sites: nginx names the folder in a header and passes the whole path on."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        folder = environ.get("HTTP_X_SCRIPT_NAME", "")
        if folder and environ["PATH_INFO"].startswith(folder):
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = folder, environ["PATH_INFO"][len(folder) :]
        return self.app(environ, start_response)


def wrap(middleware):
    def add(app):
        app.wsgi_app = middleware(app.wsgi_app)

    return add


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_site_below_a_folder_by_a_middleware_of_its_own(build, order):
    client = build(**{order: wrap(Below)}).test_client()
    below = {"X-Script-Name": "/shop"}
    client.get("/shop/enter/7", headers=below)
    told = boot(client.get("/shop/chat/", headers=below))
    assert (told["socket"], told["name"]) == ("/shop/chat/ws", "ada")
    assert client.get("/shop/chat/ws", headers=below).status_code == 426
    assert client.get("/shop/chat/static/page.js", headers=below).status_code == 200


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_site_below_a_folder_by_proxy_fix(build, order):
    client = build(**{order: wrap(lambda app: ProxyFix(app, x_prefix=1))}).test_client()
    below = {"X-Forwarded-Prefix": "/shop"}
    client.get("/enter/7", headers=below)
    assert boot(client.get("/chat/", headers=below))["socket"] == "/shop/chat/ws"


def test_a_site_with_an_application_root(build):
    app = build(APPLICATION_ROOT="/shop")
    server = Client(DispatcherMiddleware(Flask("nothing"), {"/shop": app}))
    server.get("/shop/enter/7")
    assert boot(server.get("/shop/chat/"))["name"] == "ada"


def test_a_site_with_a_server_name(build):
    app = build(SERVER_NAME="shop.example")
    assert boot(ada(app, "http://shop.example").get("/chat/", base_url="http://shop.example"))["name"] == "ada"
    with app.app_context():
        assert Chat().url_for_room("order-42") == "http://shop.example/chat/#g:order-42"


def test_a_site_that_tells_subdomains_apart(build):
    def domains(name, **more):
        return Flask(name, subdomain_matching=True, **more)

    def add(app):
        app.add_url_rule("/", "desk", lambda: "the help desk", subdomain="help")

    app = build(after=add, kind=domains, SERVER_NAME="shop.example", SESSION_COOKIE_DOMAIN="shop.example")
    main, other = "http://shop.example", "http://help.shop.example"
    client = ada(app, main)
    assert client.get("/", base_url=other).text == "the help desk"
    assert client.get("/", base_url=main).text == "Hello ada"
    assert boot(client.get("/chat/", base_url=main))["socket"] == "/chat/ws"
    assert client.get("/chat/", base_url=other).status_code == 404
    for base in (main, other):  # the socket is found wherever the page that opens it stands
        assert client.get("/chat/ws", base_url=base).status_code == 426
    assert client.get("/chat/api/v1/rooms", base_url=main, headers=keyed(app)).status_code == 200


# -- what the site does with every request -------------------------------------------------------------------


def wall(app):
    """Nobody sees anything without a login."""

    @app.before_request
    def demand_login():
        if not current_user.is_authenticated and request.endpoint not in ("sign_in", "enter", "static"):
            return redirect(url_for("sign_in"))


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_login_that_is_demanded_everywhere_stops_people_but_no_key_token_or_script(build, order):
    app = build(**{order: wall})
    nobody = app.test_client()
    assert nobody.get("/").location == nobody.get("/chat/").location == "/sign-in"
    assert nobody.get("/chat/api/v1/rooms", headers=keyed(app)).json["rooms"][0]["gid"] == "lobby"
    assert nobody.get("/chat/api/v1/rooms").json["code"] == "bad_key"
    assert nobody.get("/chat/push").text == "fail"
    assert nobody.get("/chat/static/client.js").status_code == 200
    assert [frame["type"] for frame in poll(nobody, app).json["frames"]][:2] == ["hello", "login"]
    assert boot(ada(app).get("/chat/"))["name"] == "ada"


def errors(app):
    """Pages of the site's own for whatever goes wrong."""
    app.register_error_handler(404, lambda error: ("nothing here, says the site", 404))
    app.register_error_handler(405, lambda error: ("not so, says the site", 405))
    app.register_error_handler(415, lambda error: ("what is this, says the site", 415))
    app.register_error_handler(500, lambda error: ("sorry, says the site", 500))
    app.register_error_handler(Exception, lambda error: ("oh, says the site", getattr(error, "code", 500)))


@pytest.mark.parametrize("order", ["before", "after"])
def test_the_sites_error_pages_and_our_coded_answers_stay_apart(build, order, monkeypatch):
    app = build(**{order: errors})
    client, key = app.test_client(), keyed(app)
    api = "/chat/api/v1"
    for answer, code in (
        (client.get(f"{api}/rooms/nowhere", headers=key), "unknown_room"),
        (client.get(f"{api}/no/such/address", headers=key), "not_found"),
        (client.delete(f"{api}/push", headers=key), "method_not_allowed"),
        (client.post(f"{api}/push", headers=key, data="a=b", content_type="text/css"), "not_json"),
        (client.get(f"{api}/rooms"), "bad_key"),
    ):
        assert (answer.mimetype, answer.json["code"]) == ("application/problem+json", code)
    monkeypatch.setattr("legacy_chat.web.api.carry_out", lambda *_: 1 / 0)
    assert client.get(f"{api}/rooms", headers=key).json["code"] == "internal"
    assert client.post("/chat/poll", json={"cursor": "?"}).json["frames"][0]["code"] == "bad_cursor"
    assert client.get("/nowhere").text == client.get("/chat/nowhere").text == "nothing here, says the site"
    assert client.get("/bug").text == "oh, says the site"


@pytest.mark.parametrize("order", ["before", "after"])
def test_csrf_protection_of_the_whole_site(build, order):
    def protect(app):
        CSRFProtect(app)
        app.add_url_rule("/buy", "buy", lambda: "bought", methods=["POST"])

    app = build(**{order: protect})
    client = app.test_client()
    assert client.post("/buy").status_code == 400
    assert client.post("/chat/api/v1/push", headers=keyed(app), json={"uid": "7", "content": "hi"}).status_code == 503
    assert client.post("/chat/push").text == "fail"
    assert poll(client, app).status_code == 200


def policy(app):
    """As Flask-Talisman: nothing inline, nothing from elsewhere."""

    @app.after_request
    def add(response):
        response.headers["Content-Security-Policy"] = "default-src 'self'; object-src 'none'"
        return response


@pytest.mark.parametrize("order", ["before", "after"])
def test_under_a_strict_policy_the_page_has_nothing_inline(build, order):
    page = ada(build(**{order: policy})).get("/chat/")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page.text, re.S)
    assert scripts
    assert all("src=" in attributes or 'type="application/json"' in attributes for attributes, _ in scripts)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page.text)
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert all(address.startswith("/chat/") for address in addresses)


@pytest.mark.parametrize(("spoken", "lang"), [("zh", "zh"), ("zh_Hans_CN", "zh"), ("en_GB", "en"), ("fr", "en")])
def test_the_page_speaks_the_language_of_the_site(build, spoken, lang):
    client = ada(build(after=lambda app: add_babel(app, lambda: spoken)))
    english = {"Accept-Language": "en"}
    assert boot(client.get("/chat/", headers=english))["lang"] == lang
    assert boot(client.get("/chat/?lang=en", headers=english))["lang"] == "en"  # a wish comes first


def test_the_page_speaks_the_language_of_the_person_where_the_site_has_none(build):
    chat = Chat()
    chat.member_loader(lambda user: {"name": user.name, "locale": "zh-CN"})
    assert boot(ada(build(chat=chat)).get("/chat/", headers={"Accept-Language": "en"}))["lang"] == "zh"


# -- what the site is, before and after ----------------------------------------------------------------------


def likeness(app: Flask) -> dict:
    """All that an extension could have changed."""
    own = [rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("legacy_chat")]
    return {
        "rules": sorted((str(rule), rule.endpoint, sorted(rule.methods)) for rule in own),
        # Flask 2.2 itself settles the domain with the first session.
        "config": {name: value for name, value in app.config.items() if name != "SESSION_COOKIE_DOMAIN"},
        "globals": sorted(set(app.jinja_env.globals) - {"chat_widget"}),
        "filters": sorted(app.jinja_env.filters),
        "tests": sorted(app.jinja_env.tests),
        "templates": app.jinja_env.list_templates(),
        # Beside ours, which gives templates `chat_widget`.
        "context": [f.__qualname__ for f in app.template_context_processors[None] if "legacy_chat" not in f.__module__],
        "errors": {code: dict(found) for code, found in app.error_handler_spec[None].items()},
        "before": list(app.before_request_funcs[None]),
        "after": list(app.after_request_funcs[None]),
        "teardown": [list(app.teardown_request_funcs[None]), list(app.teardown_appcontext_funcs)],
        "session": type(app.session_interface),
        "json": type(app.json),
        "classes": (app.request_class, app.response_class, app.url_rule_class, app.test_client_class),
        "static": (app.static_folder, app.static_url_path),
        "commands": sorted(set(app.cli.commands) - {"chat"}),
        "log": (app.logger.level, list(app.logger.handlers), list(app.logger.filters)),
        "login": (app.login_manager.login_view, app.login_manager._user_callback is not None),
        "defaults": [dict(app.url_default_functions), dict(app.url_value_preprocessors)],
    }


def test_nothing_of_the_site_is_touched(build):
    before: dict = {}
    root = logging.getLogger()
    log = root.level, list(root.handlers), list(root.filters)
    config = {"CHAT_WELCOME": "hi"}
    app = build(before=lambda app: before.update(likeness(app)), **config)
    assert likeness(app) == before
    assert (root.level, root.handlers, root.filters) == log
    ada(app).get("/chat/")
    assert likeness(app) == before
    assert (root.level, root.handlers, root.filters) == log


def test_pages_of_the_site_are_the_same_to_the_letter(build, tmp_path):
    plain = Flask("site", instance_path=str(tmp_path / "plain"))
    plain.config["SECRET_KEY"] = "only for tests"
    add_pages(plain)
    one, other = plain.test_client(), build().test_client()
    for path in ("/", "/sign-in", "/enter/7", "/", "/nowhere", "/exit", "/", "/static/nothing.css", "/bug"):
        was, now = one.get(path), other.get(path)
        assert (was.status, was.headers, was.data) == (now.status, now.headers, now.data), path


def test_no_answer_of_ours_sets_a_cookie_but_for_a_language_that_was_chosen(build):
    app = build()
    nobody, member = app.test_client(), ada(app)
    for answer in (
        nobody.get("/chat/ws"),
        nobody.get("/chat/static/page.js"),
        nobody.get("/chat/api/v1/rooms", headers=keyed(app)),
        nobody.get("/chat/push"),
        poll(nobody, app),
        member.get("/chat/"),
        member.get("/chat/vendor/lit-html/lit-html.js"),
    ):
        assert "Set-Cookie" not in answer.headers, answer.request.path
    assert "legacy_chat_lang=zh" in member.get("/chat/?lang=zh").headers["Set-Cookie"]


def test_a_session_that_lives_with_every_page_is_not_kept_alive_by_scripts_and_polls(build):
    def add(app):
        app.permanent_session_lifetime = timedelta(minutes=5)
        app.add_url_rule("/keep", "keep", lambda: str(setattr(session, "permanent", True)))

    app = build(after=add)
    member = ada(app)
    member.get("/keep")
    assert "Set-Cookie" in member.get("/").headers
    for answer in (
        member.get("/chat/static/page.js"),
        member.get("/chat/api/v1/rooms", headers=keyed(app)),
        member.get("/chat/ws"),
        poll(member, app),
    ):
        assert "Set-Cookie" not in answer.headers, answer.request.path


def test_the_page_leaves_the_session_as_it_is(build):
    member = ada(build())
    with member.session_transaction() as kept:
        before = dict(kept)
    member.get("/chat/")
    with member.session_transaction() as kept:
        assert dict(kept) == before


def test_a_command_of_the_sites_own_stays(build):
    def add(app):
        app.cli.add_command(click.Command("chat", callback=lambda: click.echo("the site's own")))

    runner = build(before=add).test_cli_runner()
    assert runner.invoke(args=["chat"]).output == "the site's own\n"
    assert runner.invoke(args=["legacy-chat", "room", "board"]).output == "board created\n"


def test_signals_reach_the_site_as_before(build):
    app, heard = build(), []

    def hear(sender, user):
        heard.append(user.name)

    with user_logged_out.connected_to(hear, app):
        member = ada(app)
        member.get("/exit")
    assert heard == ["ada"]


def test_every_context_that_was_opened_is_closed(build):
    ended = []

    def add(app):
        app.teardown_request(lambda _: ended.append("request"))
        app.teardown_appcontext(lambda _: ended.append("app"))

    app = build(after=add)
    client = app.test_client()
    for path in ("/chat/", "/chat/static/page.js", "/chat/api/v1/rooms"):
        ended.clear()
        client.get(path)
        assert ended == ["request", "app"], path


# -- whom the site lets in -----------------------------------------------------------------------------------


def test_whom_the_site_keeps_out_sees_the_sites_own_page_for_that(build):
    chat = Chat()
    chat.member_loader(lambda user: None if user.name == "ben" else {"name": user.name})
    app = build(after=lambda app: app.register_error_handler(403, lambda e: (f"no: {e.description}", 403)), chat=chat)
    assert boot(ada(app).get("/chat/"))["name"] == "ada"
    ben = app.test_client()
    ben.get("/enter/9")
    assert ben.get("/chat/").text == "no: The site does not let you into its chat."
    refused = ben.post("/chat/poll", json={"cursor": None, "frames": [{"type": "login"}]})
    assert (refused.status_code, refused.json["close"]) == (403, 4403)


def test_an_account_that_was_switched_off_or_removed_is_let_in_no_more(build, monkeypatch):
    app = build()
    member = ada(app)
    monkeypatch.setattr(User, "is_active", False)
    assert member.get("/chat/").location.startswith("/sign-in")
    monkeypatch.undo()
    assert boot(member.get("/chat/"))["name"] == "ada"
    app.login_manager.user_loader(lambda uid: None)
    assert member.get("/chat/").location.startswith("/sign-in")


def test_a_site_without_flask_login_says_itself_who_asks(migrated_file, tmp_path):
    shutil.copy(migrated_file, tmp_path / "chat.sqlite")
    app, chat = Flask("old", instance_path=str(tmp_path)), Chat()
    app.secret_key = "only for tests"
    app.add_url_rule("/enter", "enter", lambda: session.update(who="ada") or "")
    chat.init_app(app)

    @chat.member_loader
    def load(user):
        assert user is None
        return {"uid": session["who"], "name": "Ada"} if "who" in session else None

    client = app.test_client()
    assert client.get("/chat/").status_code == 401
    client.get("/enter")
    assert boot(client.get("/chat/"))["uid"] == "ada"
    app.extensions["legacy_chat"].database.close()


def test_a_site_that_cannot_say_who_asks_shows_its_own_page_and_a_poll_comes_again(build):
    app = build(after=lambda app: app.register_error_handler(500, lambda error: ("sorry, says the site", 500)))
    member = ada(app)
    app.login_manager.user_loader(lambda uid: 1 / 0)
    assert member.get("/chat/").text == "sorry, says the site"
    answer = member.post("/chat/poll", json={"cursor": None, "frames": [{"type": "login"}]})
    assert (answer.status_code, answer.json["frames"][0]["code"], "close" in answer.json) == (503, "unavailable", False)
