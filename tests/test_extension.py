import pytest
from flask import Flask, current_app
from flask_login import logout_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

import legacy_chat
from legacy_chat import Chat, SettingsError
from legacy_chat.backplane.contract import Disconnect, Posted, Subscribe
from legacy_chat.core import close
from legacy_chat.core.push import Pushed
from legacy_chat.errors import BadShape, BadText, Unavailable, UnknownRoom
from legacy_chat.storage import people, rooms
from legacy_chat.web.identity import device_of_request


@pytest.fixture
def chat(host):
    """The extension as a host site calls it: within a context of its app."""
    with host.app_context():
        yield Chat()


@pytest.fixture
def state(host):
    return host.extensions["legacy_chat"]


@pytest.fixture
def heard(state) -> list:
    """What connections are told; that something lies ready for those who poll is left out."""
    notices: list = []
    state.parts.backplane.subscribe(lambda notice: None if isinstance(notice, Posted) else notices.append(notice))
    return notices


def test_the_public_names_are_there():
    assert all(hasattr(legacy_chat, name) for name in legacy_chat.__all__)


# -- how it is added -----------------------------------------------------------------------------------------


def test_a_site_that_has_chat_has_its_table_and_its_lobby_at_once(host, state):
    assert state.database.read(lambda c: rooms.find_room(c, "lobby")).name == "Lobby"


def test_the_extension_keeps_no_app_so_two_sites_share_nothing(make_host):
    chat = Chat()
    one, other = make_host(), make_host(CHAT_PREFIX="/talk")
    with one.app_context():
        chat.room("board")
        token = chat.token("7")
    other_state = other.extensions["legacy_chat"]
    assert other_state.database.read(lambda c: rooms.find_room(c, "board")) is None
    assert other_state.settings.prefix == "/talk"
    assert one.extensions["legacy_chat"].settings.prefix == "/chat"
    assert one.extensions["legacy_chat"].tokens.verify(token).uid == "7"
    assert vars(chat) == vars(Chat())


def test_without_a_secret_key_nothing_starts(tmp_path):
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        Chat(Flask("host", instance_path=str(tmp_path)))


def test_wrong_settings_stop_the_start_all_in_one_message(make_host):
    with pytest.raises(SettingsError) as error:
        make_host(CHAT_REPLAY="many", CHAT_PREFIX="chat", CHAT_RATE="fast", CHAT_COLOUR="blue")
    said = str(error.value)
    for words in (
        "CHAT_REPLAY='many'",
        "CHAT_PREFIX='chat': must be a path such as /chat",
        "CHAT_RATE='fast'",
        "CHAT_COLOUR",
    ):
        assert words in said


def test_an_app_whose_pages_belong_to_hosts_is_refused_with_the_reason(tmp_path):
    app = Flask("host", instance_path=str(tmp_path), host_matching=True, static_host="shop.example")
    app.secret_key = "only for tests"
    with pytest.raises(SettingsError, match=r"host_matching=True.*404"):
        Chat(app)


def test_an_app_gets_chat_once(host):
    with pytest.raises(SettingsError, match="already"):
        Chat(host)


def test_settings_come_from_the_environment_too(make_host, monkeypatch):
    monkeypatch.setenv("CHAT_WELCOME", "hi")
    assert make_host().extensions["legacy_chat"].settings.welcome == "hi"


def test_the_default_rooms_of_the_settings_are_made(make_host):
    state = make_host(CHAT_DEFAULT_ROOMS="help,sales").extensions["legacy_chat"]
    assert state.database.read(
        lambda c: [rooms.find_room(c, gid) is not None for gid in ("help", "sales", "lobby")]
    ) == [
        True,
        True,
        False,
    ]


def test_the_pages_of_the_site_stay_its_own(host):
    assert host.test_client().get("/sign-in").text == "Who are you?"


def test_the_commands_of_the_stand_alone_site_are_not_in_a_host(host, tmp_path, monkeypatch):
    monkeypatch.setenv("SITE_INSTANCE", str(tmp_path / "site"))
    site = legacy_chat.create_app()
    assert "user" in site.cli.commands["chat"].commands
    assert "user" not in host.cli.commands["chat"].commands


# -- the calls a host site makes -----------------------------------------------------------------------------


def test_a_token_for_ada(chat, state):
    assert state.tokens.verify(chat.token("7", "ada")).name == "ada"
    assert state.tokens.verify(chat.token(7)).uid == "7"


def test_a_room_for_an_order_with_those_who_care_for_it(chat, state, heard):
    made = chat.room("order-42", private=True, members=("7", 9))
    assert (made.gid, made.name, made.private) == ("order-42", "order-42", True)
    assert state.database.read(lambda c: rooms.uids_of(c, made.id)) == {"7", "9"}
    assert [notice.uid for notice in heard if isinstance(notice, Subscribe)] == ["7", "9"]
    assert chat.room("order-42") == made
    with pytest.raises(BadText):
        chat.room("order 42")


def test_people_come_into_a_room_and_go_as_the_site_says(chat, state):
    room = chat.room("order-42", "Order 42", private=True)

    def members():
        return state.database.read(lambda c: rooms.uids_of(c, room.id))

    chat.add("order-42", 7, "9")
    assert members() == {"7", "9"}
    chat.remove("order-42", 9, "404")
    assert members() == {"7"}
    chat.set_members("order-42", ["8"])
    assert members() == {"8"}
    for call in (chat.add, chat.remove, chat.set_members):
        with pytest.raises(UnknownRoom):
            call("order-43", "7")


def test_a_template_links_to_a_room(host, chat):
    with host.test_request_context():
        assert chat.url_for_room("order-42") == "/chat/#g:order-42"
        assert chat.url_for_room("客服") == "/chat/#g:%E5%AE%A2%E6%9C%8D"
        assert chat.url_for_room("a", _external=True) == "http://localhost/chat/#g:a"


def test_a_token_says_more_than_a_name(chat, state):
    member = state.tokens.verify(chat.token("7", "ada", avatar="/ada.png", roles=["staff"], locale="zh"))
    assert (member.avatar, member.roles, member.locale) == ("/ada.png", ("staff",), "zh")


def test_a_token_without_a_name_bears_the_one_last_seen(chat, state):
    state.database.run(lambda c: people.remember(c, "7", "ada", 0))
    assert state.tokens.verify(chat.token(7)).name == "ada"


def test_disconnect_ends_all_of_ada_or_one_of_her_devices(chat, heard):
    chat.disconnect("7")
    chat.disconnect("7", "her phone")
    assert heard == [
        Disconnect("7", close.SESSION_ENDED, "logged out"),
        Disconnect("7", close.SESSION_ENDED, "logged out", "her phone"),
    ]


def test_offload_returns_what_the_work_returns_and_raises_what_it_raises(chat):
    assert chat.offload(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        chat.offload(lambda: 1 / 0)


def test_outside_of_an_app_there_is_nothing_to_call():
    with pytest.raises(RuntimeError, match="application context"):
        Chat().token("7")


# -- logging out ---------------------------------------------------------------------------------------------


def log_in_and_out(host, agent="Firefox"):
    browser = host.test_client()
    for path in ("/enter/7", "/exit"):
        browser.get(path, headers={"User-Agent": agent})


def test_a_logout_ends_the_sockets_of_all_devices(host, heard):
    log_in_and_out(host)
    (notice,) = heard
    assert (notice.uid, notice.code, notice.device) == ("7", 4440, None)


def test_a_logout_ends_the_sockets_of_that_browser_alone_where_the_site_wants_it(make_host):
    host, heard = make_host(CHAT_LOGOUT_EVERYWHERE="0"), []
    host.extensions["legacy_chat"].parts.backplane.subscribe(heard.append)
    log_in_and_out(host, "Firefox")
    (notice,) = [notice for notice in heard if isinstance(notice, Disconnect)]
    with host.test_request_context(headers={"User-Agent": "Firefox"}):
        assert (notice.uid, notice.device) == ("7", device_of_request())


def test_a_logout_ends_whom_the_member_loader_makes_of_the_user(host, heard, state):
    state.hooks.member_loader = lambda user: {"uid": f"shop:{user.id}"}
    log_in_and_out(host)
    assert [notice.uid for notice in heard] == ["shop:7"]


def test_a_member_loader_that_fails_does_not_keep_anybody_from_logging_out(host, heard, state):
    state.hooks.member_loader = lambda user: 1 / 0
    log_in_and_out(host)
    assert [notice.uid for notice in heard] == ["7"]


def test_a_logout_of_nobody_ends_nothing(host, heard):
    with host.test_request_context():
        logout_user()
    assert heard == []


def test_a_logout_of_another_site_in_the_process_ends_nothing_here(make_host):
    one, other = make_host(), make_host()
    heard = []
    one.extensions["legacy_chat"].parts.backplane.subscribe(heard.append)
    browser = other.test_client()
    browser.get("/enter/7")
    browser.get("/exit")
    assert heard == []


# -- what a back end says ------------------------------------------------------------------------------------


def test_a_view_pushes_to_one_to_several_to_a_room_and_to_everybody(chat, heard):
    for target in ({"to": "7"}, {"to": 7}, {"to": ["7", 9]}, {"gid": "lobby"}, {"everybody": True}):
        assert chat.push(content="hello", **target) == Pushed(0, 0, 0)
    assert [getattr(notice, "uids", None) for notice in heard] == [("7",), ("7",), ("7", "9"), None, None]


def test_an_event_has_a_name_and_data(chat, heard):
    chat.push("7", name="price", data={"EUR": 1})
    assert heard[0].frame == b'{"type":"event","name":"price","data":{"EUR":1}}'


def test_a_push_to_nobody_or_of_nothing_is_refused(chat, heard):
    one = "Name exactly one of `to` .people., `gid` .a room. and `everybody`"
    for wrong, words in (
        ({"content": "hello"}, one),
        ({"to": None, "content": "hello"}, one),
        ({"to": "7", "content": "hi", "gid": "lobby"}, one),
        ({"to": [], "name": "x"}, "Nobody is named: `to` is empty"),
        ({"to": "7"}, "Give either `content`, or the `name` of an event"),
        ({"to": "7", "name": "no spaces"}, "'no spaces' cannot be an event's name"),
    ):
        with pytest.raises(BadShape, match=words):
            chat.push(**wrong)
    assert heard == []


def test_without_a_worker_an_event_is_an_error_and_a_message_is_stored(chat, state):
    with pytest.raises(Unavailable):
        chat.push("7", "hello")
    assert chat.push("7", "hello", durable=True, sender=("shop", "Shop")) == Pushed(0, 0, 1)
    assert chat.post("lobby", "hello") == Pushed(0, 0, 1)
    assert state.database.read(lambda c: [m.name for m in rooms.memberships(c, "7")]) == ["Shop"]


def test_a_planned_push_can_be_called_off(chat):
    planned = chat.push("7", "hello", at=2**52)
    assert chat.unschedule(planned.id)
    assert not chat.unschedule(planned.id)


def test_a_message_of_a_session_needs_the_sites_database_to_be_known(make_host, tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    app = make_host()
    with app.app_context(), Session(engine) as session:
        with pytest.raises(SettingsError, match="engine"):
            Chat().post("lobby", "order 42", session=session)
        app.extensions["legacy_chat"]._engine = engine
        assert Chat().post("lobby", "order 42", session=session) is None
        session.commit()
        assert app.extensions["legacy_chat"].database.read(lambda c: rooms.find_room(c, "lobby").seq) == 1
    engine.dispose()


def test_the_engine_of_flask_sqlalchemy_is_found_by_itself(make_host, tmp_path):
    app = make_host(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'shop.db'}")
    db = SQLAlchemy(app)
    with app.app_context():
        Chat().post("lobby", "order 42", session=db.session)
        db.session.commit()
        assert app.extensions["legacy_chat"].database.read(lambda c: rooms.find_room(c, "lobby").seq) == 1
        db.engine.dispose()


def test_the_sites_hooks_hear_who_came_and_who_went_with_the_apps_context(tmp_path):
    """Hooks may be given before the app, as with a factory, or after it."""
    heard: list[tuple[str, str, str]] = []
    app, chat = Flask("shop", instance_path=str(tmp_path)), Chat()
    app.secret_key = "only for tests"

    @chat.on_online
    def came(uid: str) -> None:
        heard.append(("came", uid, current_app.name))

    chat.init_app(app)

    @chat.on_offline
    def went(uid: str) -> None:
        heard.append(("went", uid, current_app.name))

    state = app.extensions["legacy_chat"]
    state.presence.call_back("7", True)
    state.presence.call_back("7", False)
    state.database.close()
    assert heard == [("came", "7", "shop"), ("went", "7", "shop")]
