import sys
from types import SimpleNamespace

import pytest

from legacy_chat.actions.keys import Keys
from legacy_chat.cli.doctor import served_as
from legacy_chat.core.model import Member
from legacy_chat.storage import people, rooms, schedule


@pytest.fixture
def chat(host):
    """`flask chat …`: the lines it prints; fails where the exit code is not the one expected."""

    def run(*arguments, code=0) -> list[str]:
        result = host.test_cli_runner().invoke(args=["chat", *arguments])
        assert result.exit_code == code, result.output
        return result.output.splitlines()

    return run


@pytest.fixture
def state(host):
    return host.extensions["legacy_chat"]


def test_init_db_may_be_run_again_and_again(chat, state):
    before = state.database.read(rooms.epoch)
    assert chat("init-db") == chat("init-db")
    assert state.database.read(rooms.epoch) == before


def test_one_token_a_line(chat, state):
    lines = chat("token", "7", "9")
    assert [state.tokens.verify(line) for line in lines] == [Member("7", "7"), Member("9", "9")]


def test_a_token_carries_the_name_that_was_last_seen(chat, state):
    state.database.run(lambda c: people.remember(c, "7", "ada", 0))
    assert state.tokens.verify(*chat("token", "7")).name == "ada"
    assert state.tokens.verify(*chat("token", "7", "--name", "Ada Lovelace")).name == "Ada Lovelace"


def test_a_uid_that_cannot_stand_in_a_chat_is_refused_in_words(chat):
    assert "uid" in chat("token", "a" * 65, code=1)[-1]


def test_rooms_are_made_by_their_keys(chat, state):
    assert chat("room", "order-41", "order-42") == ["order-41 created", "order-42 created"]
    found = state.database.read(lambda c: rooms.find_room(c, "order-42"))
    assert (found.name, found.private) == ("order-42", False)


def test_a_private_room_with_a_name_and_members(chat, state):
    chat("room", "board", "--name", "Board", "--private", "--member", "7", "--member", "9")
    found = state.database.read(lambda c: rooms.find_room(c, "board"))
    assert (found.name, found.private) == ("Board", True)
    assert all(state.database.read(lambda c, u=uid: rooms.is_member(c, found.id, u)) for uid in ("7", "9"))


def test_a_room_that_exists_stays_as_it_is_and_the_others_are_made(chat, state):
    chat("room", "board", "--name", "Board")
    assert chat("room", "board", "annex", "--name", "Other") == ["board exists already", "annex created"]
    assert state.database.read(lambda c: rooms.find_room(c, "board")).name == "Board"


def test_a_key_that_cannot_be_is_refused_in_words(chat):
    assert "letters" in chat("room", "a b", code=1)[-1]


def test_a_key_is_printed_once_and_listed_by_its_beginning(chat, state):
    [secret] = chat("key", "shop", "--scope", "push", "--scope", "rooms")
    assert Keys(state.parts).check(secret, "push").scopes == ["push", "rooms"]
    [line] = chat("key", "--list")
    assert line.startswith(f"1  {secret[:7]}…  push,rooms  used ")
    assert line.endswith("shop")
    assert secret not in line


def test_a_key_without_scopes_is_for_all(chat, state):
    assert Keys(state.parts).check(*chat("key", "shop"), "webhooks")


def test_a_revoked_key_says_so(chat):
    chat("key", "shop")
    assert "never used" in chat("key", "--list")[0]
    assert chat("key", "--revoke", "1") == ["shop is revoked"]
    assert "revoked" in chat("key", "--list")[0]
    assert "no key 404" in chat("key", "--revoke", "404", code=1)[-1]


def test_a_scope_that_is_none_is_refused_in_words(chat):
    assert "webhooks" in chat("key", "shop", "--scope", "root", code=2)[-1]


@pytest.mark.parametrize("command", ["token", "room", "key", "push"])
def test_a_command_without_its_words_says_what_is_missing(chat, command):
    assert any("Missing argument" in line for line in chat(command, code=2))


def test_a_durable_push_is_stored_where_no_server_runs_and_the_counts_are_printed(chat, state):
    assert chat("push", "7", "your order left", "--durable") == ["users 0, connections 0, stored 1"]
    assert chat("push", "--room", "lobby", "closing soon", "--durable") == ["users 0, connections 0, stored 1"]
    assert state.database.read(lambda c: [m.seq for m in rooms.memberships(c, "7")]) == [1]


@pytest.mark.parametrize("to", [["7"], ["--all"], ["--room", "lobby"]])
def test_a_push_that_nobody_can_take_fails_in_words(chat, to):
    assert "No chat worker" in chat("push", *to, "hello", code=1)[-1]


def test_a_push_for_later_is_kept_and_named(chat, state):
    first, second = chat("push", "7", "happy new year", "--at", "2030-01-01", "--every", "60")
    (row,) = state.database.read(lambda c: schedule.due(c, 2**52))
    assert (first, second) == ("users 0, connections 0, stored 0", f"planned as {row.id}")
    assert row.every == 60_000


@pytest.mark.parametrize("words", [["hello"], ["7", "9", "hello"], ["7", "--all", "hello"]])
def test_a_push_goes_to_one_person_to_a_room_or_to_all(chat, words):
    assert "Name one" in chat("push", *words, code=2)[-1]


def test_a_push_to_a_room_that_is_not_there_is_refused_in_words(chat):
    [line] = chat("push", "--room", "nowhere", "hello", code=1)
    assert line == "Error: There is no room 'nowhere': flask chat room nowhere makes it."


@pytest.mark.parametrize("seconds", ["0.1", "0", "-5", "nan", "inf", "1e9"])
def test_a_round_of_a_push_is_told_in_seconds(chat, seconds):
    assert "--every: from 1 second to 366 days" in chat("push", "7", "hi", "--every", seconds, code=2)[-1]


def test_a_push_for_a_time_that_is_over_is_refused_in_words(chat):
    [line] = chat("push", "7", "hi", "--at", "2020-01-01", code=1)
    assert "in the past" in line


def test_a_command_leaves_no_connection_open(chat, state):
    chat("room", "board")
    chat("token", "7")
    assert len(state.database._writers._idle) <= 1
    assert len(state.database._readers._idle) <= 1


@pytest.mark.parametrize(
    ("named", "app"),
    [
        ("shop", "shop:application"),
        ("shop.py", "shop:application"),
        ("shop:other", "shop:other"),
        ("shop:make", "shop:make()"),
        ("shop:make('test')", "shop:make('test')"),
        ("factory", "factory:create_app()"),
        ("unknown", "unknown:app"),
        ("src/shop.py", "wsgi:app"),
    ],
)
def test_the_doctor_calls_the_app_as_gunicorn_does(host, monkeypatch, named, app):
    shop = SimpleNamespace(app=host, application=host.wsgi_app, other=host, make=lambda *_: host)
    monkeypatch.setitem(sys.modules, "shop", shop)
    monkeypatch.setitem(sys.modules, "factory", SimpleNamespace(create_app=lambda: host))
    assert served_as(named) == app
