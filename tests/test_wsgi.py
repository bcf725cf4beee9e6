"""Chat mounted into a WSGI site: what is ours, what is the site's, and who is who."""

from __future__ import annotations

import shutil

import pytest
from werkzeug.test import Client

from legacy_chat import Member, SettingsError
from legacy_chat.backplane.contract import Disconnect
from legacy_chat.core import close
from legacy_chat.errors import Forbidden, Unavailable
from legacy_chat.wsgi import mount

PEOPLE = {"session=a": {"uid": 7, "name": "ada"}, "session=b": "9"}


def site(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"the site's {environ['PATH_INFO']}".encode()]


@pytest.fixture
def make(migrated_file, tmp_path):
    """Mounts chat into the site: `make(identify=…, login_url=…, **settings)`."""
    made = []

    def make(app=site, **how):
        shutil.copy(migrated_file, tmp_path / "chat.sqlite")
        given = {"secret_key": "only for tests", "instance_path": tmp_path, **how}
        given.setdefault("identify", lambda environ: PEOPLE.get(environ.get("HTTP_COOKIE")))
        made.append(mount(app, given.pop("prefix", "/chat"), **given))
        return made[-1]

    yield make
    for mounted in made:
        mounted.flask.extensions["legacy_chat"].database.close()


def ask(mounted, path="/chat/", cookie="", **how):
    return Client(mounted, use_cookies=False).get(path, headers={"Cookie": cookie, "User-Agent": "Firefox"}, **how)


@pytest.fixture
def asked(make):
    """`asked(answer)`: the member that comes of a site's answer."""
    answers: list = []
    state = make(identify=lambda environ: answers.pop()).flask.extensions["legacy_chat"]

    def ask(answer):
        answers.append(answer)
        return state.identify({"HTTP_USER_AGENT": "Firefox"})

    return ask


# -- what is whose -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/chatter", "/other/chat/", "/Chat/"])
def test_what_is_not_below_the_prefix_is_the_sites(make, path):
    assert ask(make(), path).text.startswith("the site's ")


def test_the_site_gets_its_requests_as_they_came(make):
    seen = []

    def look(environ, start_response):
        seen.append(environ)
        return site(environ, start_response)

    sent = {"PATH_INFO": "/shop", "SCRIPT_NAME": "/eu", "wsgi.input": object()}
    list(make(look)(sent, lambda *_: None))
    assert seen[0] is sent


def test_what_is_below_the_prefix_is_the_chats(make):
    mounted = make()
    assert ask(mounted, "/chat").status_code == 308
    assert "chat-boot" in ask(mounted, "/chat/", "session=a").text
    assert ask(mounted, "/chat/static/client.js").status_code == 200
    assert ask(mounted, "/chat/nothing").status_code == 404
    assert ask(mounted, "/chat/ws").status_code == 426


def test_the_prefix_may_be_another(make):
    mounted = make(prefix="/talk")
    assert '"/talk/ws"' in ask(mounted, "/talk/", "session=a").text
    assert ask(mounted, "/chat/").text == "the site's /chat/"


def test_a_site_below_a_path_has_its_chat_there(make):
    page = ask(make(), "/chat/", "session=a", environ_overrides={"SCRIPT_NAME": "/shop"}).text
    assert '"/shop/chat/ws"' in page
    assert 'src="/shop/chat/static/' in page


def test_settings_are_named_as_in_the_reference(make):
    mounted = make(default_rooms="help,sales", welcome="hi")
    settings = mounted.flask.extensions["legacy_chat"].settings
    assert (settings.default_rooms, settings.welcome, settings.prefix) == (("help", "sales"), "hi", "/chat")


@pytest.mark.parametrize("wrong", [{"replay": "many"}, {"replays": 3}, {"secret_key": ""}, {"prefix": "chat"}])
def test_a_mistake_in_the_settings_stops_the_start(make, wrong):
    with pytest.raises(SettingsError):
        make(**wrong)


def test_the_history_is_a_file_in_the_instance_folder(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(instance_path="data")
    assert (tmp_path / "data" / "chat.sqlite").exists()


# -- who is who ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "member"),
    [
        ("7", ("7", "7")),
        (7, ("7", "7")),
        ({"uid": 7, "name": "ada"}, ("7", "ada")),
        ({"uid": "7", "name": None}, ("7", "7")),
        (Member("7", "ada", "elsewhere"), ("7", "ada")),
    ],
)
def test_a_person_is_a_uid_a_dict_or_a_member(asked, answer, member):
    found = asked(answer)
    assert (found.uid, found.name) == member
    assert found.device


def test_a_person_has_an_avatar_roles_and_a_locale(asked):
    found = asked({"uid": 7, "avatar": "/ada.png", "roles": ["agent"], "locale": "zh"})
    assert (found.avatar, found.roles, found.locale) == ("/ada.png", ("agent",), "zh")


@pytest.mark.parametrize("nobody", [None, False])
def test_nobody_is_none(asked, nobody):
    assert asked(nobody) is None


@pytest.mark.parametrize("wrong", [True, object(), {"uid": 7, "email": "a@b"}, ["7"], 1.5])
def test_an_answer_that_is_none_is_in_the_log_and_the_visitor_may_try_again(asked, wrong, caplog):
    with pytest.raises(Unavailable):
        asked(wrong)
    assert "identify failed" in caplog.text
    assert "identify answered" in caplog.text
    assert "member_loader" not in caplog.text


@pytest.mark.parametrize(
    ("identify", "says"),
    [(None, "None is no function"), ("7", "'7' is no function"), (lambda: "7", r"cannot be called with \(environ\)")],
)
def test_what_cannot_be_asked_is_refused_where_it_is_written(make, identify, says):
    with pytest.raises(TypeError, match=says):
        make(identify=identify)


@pytest.mark.parametrize("unfit", [{}, "", {"uid": None, "name": "ada"}, "a" * 65, "a\nb"])
def test_a_uid_that_cannot_stand_in_a_chat_stays_outside(asked, unfit):
    with pytest.raises(Forbidden):
        asked(unfit)


def test_a_site_that_fails_is_in_the_log_and_the_visitor_may_try_again(make, caplog):
    def fail(environ):
        raise OSError("the database is away")

    mounted = make(identify=fail)
    answer = ask(mounted)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "database" not in answer.text
    assert "the database is away" in caplog.text
    assert ask(mounted, "/").text == "the site's /"


def test_the_question_is_asked_with_headers_and_without_a_body(make):
    seen = []

    def look(environ):
        seen.append((environ["HTTP_COOKIE"], environ["wsgi.input"].read()))
        environ["framework.request"] = "kept"

    mounted = make(identify=look)
    body = b'{"cursor":null,"frames":[{"type":"login"}],"wait":0}'
    client, headers = Client(mounted, use_cookies=False), {"Cookie": "a=b"}
    answer = client.post("/chat/poll", data=body, content_type="application/json", headers=headers)
    assert seen == [("a=b", b"")]
    assert answer.json["frames"][-1]["code"] == "not_logged_in"


def test_a_poll_is_asked_once(make):
    seen = []

    def look(environ):
        seen.append(environ["PATH_INFO"])
        return "7"

    client = Client(make(identify=look))
    first = client.post("/chat/poll", json={"cursor": None, "frames": [{"type": "login"}], "wait": 0}).json
    client.post("/chat/poll", json={"cursor": first["cursor"], "frames": [], "wait": 0})
    assert seen == ["/chat/poll"]
    assert [frame["uid"] for frame in first["frames"] if frame["type"] == "login"] == ["7"]


# -- nobody --------------------------------------------------------------------------------------------------


def test_without_a_login_page_nobody_is_told_to_log_in(make):
    answer = ask(make())
    assert answer.status_code == 401
    assert "log in to this site first" in answer.text


@pytest.mark.parametrize(
    ("login_url", "location"),
    [("/login", "/login?next=%2Fshop%2Fchat%2F"), ("/?form=login", "/?form=login&next=%2Fshop%2Fchat%2F")],
)
def test_nobody_is_sent_to_the_sites_login(make, login_url, location):
    answer = ask(make(login_url=login_url), environ_overrides={"SCRIPT_NAME": "/shop"})
    assert (answer.status_code, answer.headers["Location"]) == (302, location)


# -- what the site says --------------------------------------------------------------------------------------


@pytest.fixture
def heard(make):
    mounted = make()
    notices: list = []
    backplane = mounted.flask.extensions["legacy_chat"].parts.backplane
    backplane.subscribe(lambda notice: notices.append(notice) if isinstance(notice, Disconnect) else None)
    return mounted, notices


def test_a_logout_ends_all_of_ada(heard):
    mounted, notices = heard
    mounted.logged_out({"HTTP_USER_AGENT": "Firefox"}, 7)
    assert [(n.uid, n.code, n.device) for n in notices] == [("7", close.SESSION_ENDED, None)]


def test_or_that_browsers_sockets_where_the_site_wants_it_so(make):
    mounted, notices = make(logout_everywhere=False), []
    mounted.flask.extensions["legacy_chat"].parts.backplane.subscribe(notices.append)
    asked = {"HTTP_COOKIE": "session=a", "HTTP_USER_AGENT": "Firefox"}
    member = mounted.flask.extensions["legacy_chat"].identify(asked)
    mounted.logged_out({"HTTP_USER_AGENT": "Firefox"}, 7)
    (notice,) = (notice for notice in notices if isinstance(notice, Disconnect))
    assert (notice.uid, notice.device) == ("7", member.device)


def test_the_calls_of_chat_need_no_context(heard):
    mounted, notices = heard
    mounted.chat.disconnect("7")
    mounted.chat.room("order-42", members=("7",))
    assert mounted.chat.post("order-42", "hello").stored == 1
    assert mounted.flask.extensions["legacy_chat"].tokens.verify(mounted.chat.token("7", "ada")).name == "ada"
    assert notices[0].uid == "7"
    assert mounted.chat.push.__doc__


def test_hooks_are_given_as_in_flask(make):
    mounted, came = make(), []
    assert mounted.chat.on_online(came.append) == came.append
    mounted.flask.extensions["legacy_chat"].presence.call_back("7", True)
    assert came == ["7"]


def test_the_commands_work_on_the_app_below_the_prefix(make):
    runner = make().flask.test_cli_runner()
    assert "order-42 created" in runner.invoke(args=["chat", "room", "order-42"]).output
