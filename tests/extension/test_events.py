"""The event library as a site uses it, with people who have no sockets."""

from __future__ import annotations

import pytest
from flask import Flask, current_app, request
from flask_login import LoginManager, UserMixin, current_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.pool import QueuePool

from legacy_chat import Chat, Refused, current, emit, join_room, leave_room, rooms, send
from legacy_chat.core.push import Pushed
from legacy_chat.errors import BadShape, Internal, Unavailable, UnknownRoom


class User(UserMixin):
    def __init__(self, uid: str):
        self.id = uid


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
def app(chat, tmp_path):
    app = Flask("shop", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="only for tests", SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'shop.db'}")
    LoginManager(app).user_loader(lambda uid: User(uid) if uid != "guest" else None)
    chat.init_app(app)
    with app.app_context():
        yield app
        app.extensions["legacy_chat"].database.close()


def test_a_handler_works_with_what_the_site_works_with(app, chat):
    @chat.on("who")
    def who(data):
        return [current.member.uid, current_user.get_id(), current_app.name, request.path, data]

    assert chat.test_client("7", "ada").emit("who", 1) == ["7", "7", "shop", "/chat/ws", 1]


def test_a_member_loader_takes_nobody_their_user(app, chat):
    chat.member_loader(lambda user: {"uid": user.id, "name": "Ada of the shop"})
    chat.on("who")(lambda: current_user.get_id())
    assert chat.test_client("7", "ada").emit("who") == "7"
    assert chat.test_client("guest").emit("who") is None


def test_handlers_may_be_given_after_the_app(app, chat):
    ada = chat.test_client("7")
    chat.on("late")(lambda data: "yes")
    assert ada.emit("late") == "yes"


def test_two_chats_know_nothing_of_each_others_handlers(app, chat):
    Chat().on("move")(lambda data: 1)
    chat.on("move")(lambda data: 2)
    assert chat.test_client("7").emit("move") == 2


def test_the_sites_session_works_and_is_removed_after_each_call(app, chat):
    pool = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": 0.1}
    db = SQLAlchemy(app, engine_options=pool)

    class Move(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        to = db.Column(db.String(2))

    db.create_all()
    db.session.remove()
    sessions = []

    @chat.on("move")
    def move(to):
        sessions.append(db.session())
        db.session.add(Move(to=to))
        db.session.commit()
        return Move.query.count()

    @chat.on("fail")
    def fail(to):
        db.session.add(Move(to=to))
        db.session.flush()
        raise Refused("no")

    people = [chat.test_client(str(uid)) for uid in range(50)]
    assert [person.emit("move", "e4") for person in people] == list(range(1, 51))
    with pytest.raises(Refused):
        people[0].emit("fail", "e5")
    assert people[0].emit("move", "e6") == 51
    assert not any(session.in_transaction() for session in sessions)
    assert db.engine.pool.checkedout() == 0
    db.engine.dispose()


def test_rooms_and_answers_as_in_flask_socketio(app, chat):
    @chat.on("join")
    def on_join(data):
        join_room(data["room"])
        send(f"{current.member.name} has entered", to=data["room"])
        return rooms()

    @chat.on("leave")
    def on_leave(data):
        leave_room(data["room"])
        emit("bye", to=data["room"])

    ada, ben = chat.test_client("7", "ada"), chat.test_client("9", "ben")
    assert ada.emit("join", {"room": "chess"}) == ["chess"]
    ben.emit("join", {"room": "chess"})
    assert [event["data"] for event in ada.get_received("message")] == ["ada has entered", "ben has entered"]
    ada.emit("leave", {"room": "chess"})
    assert (ada.get_received("bye"), len(ben.get_received("bye"))) == ([], 1)


def test_a_connect_handler_may_refuse(app, chat):
    @chat.on("connect")
    def connect(member):
        if member.uid == "6":
            raise Refused("You are banned.")
        emit("welcome", member.name)

    assert chat.test_client("7", "ada").get_received() == [{"name": "welcome", "data": "ada"}]
    assert chat.test_client("6", "mallory").closed == 4403


def test_emit_and_broadcast_count_whom_they_reached(app, chat):
    chat.on("join")(join_room)
    ada, tab, ben = chat.test_client("7", "ada"), chat.test_client("7", "ada"), chat.test_client("9", "ben")
    ada.emit("join", "chess")
    assert chat.emit("price", "7", {"EUR": 1}) == Pushed(1, 2, 0)
    assert chat.emit("price", 9) == Pushed(1, 1, 0)
    assert chat.emit("price", "5") == Pushed(0, 0, 0)
    assert chat.broadcast("news", 1) == Pushed(2, 3, 0)
    assert chat.broadcast("news", 2, "lobby") == Pushed(2, 3, 0)
    assert chat.broadcast("news", 3, to="chess") == Pushed(1, 1, 0)
    assert chat.broadcast("news", 4, to="nobody here") == Pushed(0, 0, 0)
    assert ada.get_received("price") == [{"name": "price", "data": {"EUR": 1}}]
    assert [event["data"] for event in ada.get_received("news")] == [1, 2, 3]
    assert [event["data"] for event in tab.get_received("news")] == [1, 2]
    assert [event["data"] for event in ben.get_received("news")] == [1, 2]


def test_to_nobody_in_particular_is_an_error(app, chat):
    chat.test_client("7")
    with pytest.raises(BadShape, match=r"chat\.broadcast"):
        chat.emit("price", {"EUR": 1})
    with pytest.raises(UnknownRoom):
        chat.broadcast("price", 1, room="attic")
    with pytest.raises(BadShape):
        chat.broadcast("no spaces")
    with pytest.raises(BadShape):
        chat.broadcast("price", 1, room="lobby", to="chess")


def test_a_name_under_which_no_page_would_hear_it_is_refused(app, chat):
    ada = chat.test_client("7")
    for call in (
        lambda: chat.emit("state", "7"),
        lambda: chat.broadcast("join"),
        lambda: chat.broadcast("join", to="chess"),
        lambda: chat.push("7", name="disconnect"),
    ):
        with pytest.raises(BadShape, match=r"pages keep it for others: ack, .*, transport, typing"):
            call()
    assert ada.get_received() == []
    chat.push("7", "hello")
    chat.emit("message", "7")
    assert [event["name"] for event in ada.get_received()] == ["push", "message"]


def test_in_a_handler_such_a_name_is_a_bug_of_the_handler(app, chat, caplog):
    chat.on("join")(lambda: emit("state", 1))
    with pytest.raises(Internal):
        chat.test_client("7").emit("join")
    assert "ValueError: 'state' is no name for an event of yours" in caplog.text


def test_where_nobody_serves_the_chat_an_event_is_an_error(app, chat):
    for call in (lambda: chat.emit("x", "7"), lambda: chat.broadcast("x"), lambda: chat.broadcast("x", to="chess")):
        with pytest.raises(Unavailable):
            call()


def test_a_bug_of_a_handler_is_raised_as_the_page_sees_it(app, chat, caplog):
    chat.on("fail")(lambda data: 1 // 0)
    with pytest.raises(Internal):
        chat.test_client("7").emit("fail")
    assert "ZeroDivisionError" in caplog.text


def test_what_no_handler_can_be_is_refused_where_it_is_written(chat):
    chat.on("move")(lambda data: 1)
    with pytest.raises(ValueError, match="already"):
        chat.on("move")(lambda data: 2)
    with pytest.raises(TypeError):
        chat.on("two")(lambda member, data: 1)


def test_without_parentheses_nothing_is_registered_and_that_is_said(chat):
    def move(data):
        return data

    for name in (move, 5, None):
        with pytest.raises(TypeError, match=r'write @chat\.on\("name"\)'):
            chat.on(name)
