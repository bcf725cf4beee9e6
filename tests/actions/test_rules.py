from contextlib import contextmanager

import pytest
from gevent import Timeout

from legacy_chat.actions.hooks import Hooks
from legacy_chat.actions.login import Login
from legacy_chat.actions.messages import Messages
from legacy_chat.actions.rooms import Rooms
from legacy_chat.actions.rules import Rules
from legacy_chat.core.model import Room, Submission
from legacy_chat.errors import Forbidden, Internal, RateLimited, Refused, TooLong, UnknownRoom

BOARD = Room(1, "board", "Board", False, 0, 0)
TEA = Room(2, "tea", "Tea", False, 0, 0, founder="7")


@pytest.fixture
def hooks() -> Hooks:
    return Hooks()


@pytest.fixture
def rules(hooks) -> Rules:
    return Rules(hooks)


@pytest.fixture
def ruled(parts, rules):
    """The parts of an app with these rules."""
    parts.rules = rules
    return parts


def said(member, content="hello", **where) -> Submission:
    return Submission(member, content, **(where or {"gid": "board"}))


# -- what a rule answers -------------------------------------------------------------------------------------


def test_without_rules_everything_is_allowed_and_no_context_is_opened(ada):
    rules = Rules(Hooks(), context=lambda: pytest.fail("asked"))
    rules.check_join(ada, BOARD)
    rules.check_invite(ada, TEA, "9")
    rules.check_post(ada, BOARD)
    rules.check_message(ada, "9")
    assert rules.passed(said(ada)) == "hello"
    assert [rules.for_joining, rules.for_messages(True), rules.for_messages(False)] == [False, False, False]


@pytest.mark.parametrize(("answer", "kind"), [(1, "int"), (None, "NoneType"), ("yes", "str")])
def test_a_rule_that_says_neither_yes_nor_no_is_in_the_log_once(hooks, rules, ada, caplog, answer, kind):
    def buyers(member, room):
        return answer

    hooks.can_join.append(buyers)
    hooks.can_post.append(lambda member, room: answer)
    for _ in range(2):
        assert rules.joinable(ada, [BOARD]) == []
        for ask in (rules.check_join, rules.check_post):
            with pytest.raises(Forbidden):
                ask(ada, BOARD)
    first, second = [record.getMessage() for record in caplog.records]
    assert "buyers answered " + kind in first
    assert "lambda" in second


def test_a_no_is_nothing_for_the_log(hooks, rules, ada, caplog):
    hooks.can_join.append(lambda *_: False)
    with pytest.raises(Forbidden):
        rules.check_join(ada, BOARD)
    assert caplog.records == []


@pytest.mark.parametrize("answer", [False, None, 0, "", "yes", 1])
def test_only_true_is_a_yes(hooks, rules, ada, answer):
    for asked in (hooks.can_join, hooks.can_invite, hooks.can_post, hooks.can_message):
        asked.append(lambda *_: answer)
    for ask in (
        lambda: rules.check_join(ada, BOARD),
        lambda: rules.check_invite(ada, BOARD, "9"),
        lambda: rules.check_invite(ada, TEA, "9"),
        lambda: rules.check_post(ada, BOARD),
        lambda: rules.check_message(ada, "9"),
    ):
        with pytest.raises(Forbidden):
            ask()


def test_rules_are_asked_in_order_until_one_says_no(hooks, rules, ada):
    asked = []
    for number, answer in enumerate((True, False, True)):
        hooks.can_join.append(lambda member, room, n=number, a=answer: asked.append((n, member, room)) or a)
    with pytest.raises(Forbidden):
        rules.check_join(ada, BOARD)
    assert asked == [(0, ada, BOARD), (1, ada, BOARD)]


@pytest.mark.parametrize("error", [Refused("not today"), RateLimited("slowly", retry_after=3.0)])
def test_what_a_rule_raises_to_the_person_reaches_the_person(hooks, rules, ada, error):
    def refuse(*_):
        raise error

    hooks.can_post.append(refuse)
    hooks.before_message.append(refuse)
    for ask in (lambda: rules.check_post(ada, BOARD), lambda: rules.passed(said(ada))):
        with pytest.raises(type(error)) as raised:
            ask()
        assert raised.value is error


def test_a_rule_with_a_bug_refuses_and_is_in_the_log(hooks, rules, ada, caplog):
    hooks.can_post.append(lambda member, room: 1 / 0)
    with pytest.raises(Internal) as raised:
        rules.check_post(ada, BOARD)
    assert "ZeroDivisionError" in caplog.text
    assert "division" not in raised.value.message


def test_the_log_names_the_rule_that_failed(hooks, rules, ada, caplog):
    def first(*_):
        return True

    def second(*_):
        return 1 / 0

    def third(*_):
        return 5

    hooks.can_join += [first, second]
    hooks.can_post += [first, second]
    hooks.before_message += [first, third]
    for ask, name in (
        (lambda: rules.check_post(ada, BOARD), "second"),
        (lambda: rules.joinable(ada, [BOARD]), "second"),
        (lambda: rules.passed(said(ada)), "third"),
    ):
        caplog.clear()
        with pytest.raises(Internal):
            ask()
        assert [record.getMessage().rpartition(".")[2] for record in caplog.records] == [f"{name} of this site failed"]


@pytest.mark.parametrize("end", [Timeout, SystemExit])
def test_a_rule_that_would_end_the_greenlet_or_the_process_refuses(hooks, rules, ada, end):
    def late(member, room):
        raise end()

    hooks.can_post.append(late)
    with pytest.raises(Internal):
        rules.check_post(ada, BOARD)


@pytest.mark.parametrize("answer", [None, True, "hello"])
def test_a_message_passes(hooks, rules, ada, answer):
    hooks.before_message.append(lambda message: answer)
    assert rules.passed(said(ada)) == "hello"


def test_each_rule_gets_what_the_one_before_made_of_the_text(hooks, rules, ada):
    hooks.before_message += [lambda m: m.content.upper(), lambda m: None, lambda m: f"{m.content}! ({m.member.name})"]
    assert rules.passed(said(ada)) == "HELLO! (ada)"


@pytest.mark.parametrize("answer", [5, b"hello", ("hello",)])
def test_an_answer_that_means_nothing_is_a_bug(hooks, rules, ada, answer, caplog):
    hooks.before_message.append(lambda message: answer)
    with pytest.raises(Internal):
        rules.passed(said(ada))
    assert f"before_message answered with {type(answer).__name__}:" in caplog.text
    assert "hello" not in caplog.text


def test_all_rules_about_one_thing_share_a_context_which_ends_with_it(hooks, ada):
    life = []

    @contextmanager
    def context():
        life.append("begins")
        yield
        life.append("ends")

    hooks.before_message += [lambda m: life.append(1), lambda m: life.append(2)]
    Rules(hooks, context).passed(said(ada))
    assert life == ["begins", 1, 2, "ends"]


def test_a_context_that_fails_at_its_end_refuses_as_well(hooks, ada):
    @contextmanager
    def context():
        yield
        raise OSError("the database is gone")

    hooks.before_message.append(lambda m: None)
    with pytest.raises(Internal):
        Rules(hooks, context).passed(said(ada))


# -- where they are asked ------------------------------------------------------------------------------------


@pytest.fixture
def rooms(ruled):
    rooms = Rooms(ruled)
    rooms.create("board", "Board")
    rooms.create("hall", "Hall")
    return rooms


def test_a_room_that_one_may_not_join_is_not_listed_and_not_joined(rooms, hooks, ada, ruled):
    hooks.can_join.append(lambda member, room: room.gid == "hall")
    assert [room.gid for room in rooms.public(ada)] == ["hall"]
    rooms.join(ada, "hall")
    with pytest.raises(Forbidden):
        rooms.join(ada, "board")
    assert [m.uid for m in rooms.members(rooms.find(ada, "hall"))] == ["7"]


def test_a_rule_that_raises_hides_the_room_too(rooms, hooks, ada):
    def no_board(member, room):
        if room.gid == "board":
            raise Refused("by invitation of the board")
        return True

    hooks.can_join.append(no_board)
    assert [room.gid for room in rooms.public(ada)] == ["hall"]


def test_whoever_belongs_already_stays_and_sees_the_room(rooms, hooks, ada):
    rooms.join(ada, "board")
    hooks.can_join.append(lambda member, room: False)
    assert rooms.join(ada, "board").gid == "board"
    assert [room.gid for room in rooms.public(ada)] == ["board"]


def test_an_invitation_asks_about_the_guest(rooms, hooks, ada):
    rooms.join(ada, "board")
    hooks.can_invite.append(lambda member, room, uid: True)
    asked = []
    hooks.can_join.append(lambda member, room: asked.append((member.uid, room.gid)) or member.uid != "6")
    rooms.invite(ada, "board", "9")
    with pytest.raises(Forbidden):
        rooms.invite(ada, "board", "6")
    assert asked == [("9", "board"), ("6", "board")]


def test_members_bring_others_into_rooms_of_the_site_as_far_as_it_lets_them(rooms, hooks, ada, ben, ruled):
    rooms.join(ada, "board")
    asked = []
    hooks.can_invite.append(lambda member, room, uid: asked.append((member.uid, room.gid, uid)) or uid == "9")
    rooms.invite(ada, "board", "9")
    assert rooms.find(ben, "board").gid == "board"
    with pytest.raises(Forbidden):
        rooms.invite(ada, "board", "6")
    assert asked == [("7", "board", "9"), ("7", "board", "6")]


def test_a_rule_keeps_people_from_inviting_into_their_own_rooms_too(rooms, hooks, ada):
    def staff_alone(member, room, uid):
        if "staff" not in member.roles:
            raise Refused("Ask the staff.")
        return True

    hooks.can_invite.append(staff_alone)
    gid = rooms.found(ada, "Plans", private=True).gid
    with pytest.raises(Refused, match="Ask the staff"):
        rooms.invite(ada, gid, "9")


def test_a_stranger_is_told_the_same_about_inviting_whatever_the_rules(rooms, hooks, ada):
    rooms.create("secret", "Secret", private=True)
    hooks.can_invite.append(lambda member, room, uid: pytest.fail("asked"))
    with pytest.raises(UnknownRoom):
        rooms.invite(ada, "secret", "9")


def test_nobody_opens_a_room_that_they_may_not_be_in(rooms, hooks, ada, ruled):
    hooks.can_join.append(lambda member, room: room.founder is None or room.private)
    with pytest.raises(Forbidden):
        rooms.found(ada, "Order 43", private=False)
    assert [room.gid for room in rooms.public(ada)] == ["board", "hall"]
    assert rooms.found(ada, "Plans", private=True).name == "Plans"


def test_a_stranger_learns_nothing_of_a_private_room_by_its_rules(rooms, hooks, ada):
    rooms.create("secret", "Secret", private=True)
    hooks.can_join.append(lambda member, room: pytest.fail("asked"))
    with pytest.raises(UnknownRoom):
        rooms.join(ada, "secret")


def test_a_newcomer_is_kept_out_of_a_default_room(make_parts, hooks, rules, ada):
    parts = make_parts(CHAT_DEFAULT_ROOMS="lobby,staff")
    parts.rules = rules
    Rooms(parts).ensure_defaults()
    hooks.can_join.append(lambda member, room: room.gid != "staff" or "staff" in member.roles)
    login = Login(parts)
    assert [room.gid for room in login.open(ada, None, lambda _: None).joined] == ["lobby"]
    hooks.can_join.append(lambda member, room: pytest.fail("asked again"))
    assert login.open(ada, None, lambda _: None).joined == []


def test_messages_are_permitted_by_room_by_person_and_by_text(rooms, hooks, ada, ruled):
    messages = Messages(ruled)
    hooks.can_post.append(lambda member, room: room.name == "Hall")
    hooks.can_message.append(lambda member, uid: uid != "6")
    hooks.before_message.append(lambda m: m.content.replace("damn", "d***"))
    assert messages.permitted(said(ada, "damn", gid="hall")) == "d***"
    assert messages.permitted(said(ada, "damn", uid="9")) == "d***"
    for where in ({"gid": "board"}, {"uid": "6"}):
        with pytest.raises(Forbidden):
            messages.permitted(said(ada, **where))


def test_a_rule_sees_only_texts_that_could_be_sent(rooms, hooks, ada, ruled):
    hooks.before_message.append(lambda m: pytest.fail("asked"))
    with pytest.raises(TooLong):
        Messages(ruled).permitted(said(ada, "x" * 5000))


def test_a_repeat_is_not_asked_about_again(rooms, hooks, ada, ruled):
    messages = Messages(ruled)
    hooks.before_message.append(lambda m: False)
    messages.post(rooms_of(rooms, ada), ada, "hello", lambda _: None, "a1")
    assert messages.permitted(said(ada, "hello", gid="hall", id="a1")) == "hello"
    with pytest.raises(Forbidden):
        messages.permitted(said(ada, "hello", gid="hall", id="a2"))


def rooms_of(rooms, ada):
    rooms.add("hall", ada.uid)
    return rooms.find(ada, "hall")
