import json

import pytest

from legacy_chat.actions import login as login_module
from legacy_chat.actions.login import Login
from legacy_chat.actions.messages import Messages
from legacy_chat.actions.rooms import Rooms
from legacy_chat.backplane.contract import Subscribe, ToRoom
from legacy_chat.core.frames import Resume
from legacy_chat.core.model import Conversation, Member
from legacy_chat.storage import people
from legacy_chat.storage import rooms as stored


@pytest.fixture
def lobby(parts) -> Conversation:
    Rooms(parts).ensure_defaults()
    room = parts.database.read(lambda c: stored.find_room(c, "lobby"))
    return Conversation(room.id, gid="lobby")


def log_in(parts, member, resume=None):
    return Login(parts).open(member, resume, lambda _: None)


def say(parts, where, author, *contents):
    for content in contents:
        Messages(parts).post(where, author, content, lambda _: None)


def missed(snapshot) -> dict:
    """What is replayed, by the key a client uses."""
    keys = {m.id: m.client_key for m in snapshot.memberships}
    return {keys[where]: [message.seq for message in page] for where, page in snapshot.missed.items()}


def gaps(snapshot) -> dict:
    keys = {m.id: m.client_key for m in snapshot.memberships}
    return {keys[where]: had for where, had in snapshot.gaps.items()}


# -- the first time ------------------------------------------------------------------------------------------


def test_a_newcomer_joins_the_default_rooms_and_everybody_hears_of_it(parts, lobby, published, ada):
    snapshot = log_in(parts, ada)
    assert [(m.gid, m.unread) for m in snapshot.memberships] == [("lobby", 0)]
    assert published[0] == Subscribe("7", lobby)
    assert isinstance(published[1], ToRoom)
    assert json.loads(published[1].frame) == {
        "type": "join", "gid": "lobby", "uid": "7", "name": "ada", "room": "Lobby",
    }  # fmt: skip
    assert len(published) == 2


def test_the_picture_of_a_login_is_kept_and_a_token_without_one_does_not_take_it_away(parts, lobby, published):
    def picture():
        return parts.database.read(lambda c: people.find_member(c, "7")).avatar

    log_in(parts, Member("7", "ada", "a browser", "/ada.png"))
    assert json.loads(published[1].frame)["avatar"] == "/ada.png"
    log_in(parts, Member("7", "ada"))
    assert picture() == "/ada.png"
    log_in(parts, Member("7", "ada", None, "/other.png"))
    assert picture() == "/other.png"
    log_in(parts, Member("7", "ada", "a browser"))
    assert picture() is None


def test_a_second_login_joins_nothing(parts, lobby, published, ada):
    log_in(parts, ada)
    Rooms(parts).leave(ada, "lobby")
    published.clear()
    assert log_in(parts, ada).memberships == []
    assert published == []


def test_what_was_said_before_is_not_unread_to_a_newcomer(parts, lobby, ada, ben):
    log_in(parts, ada)
    say(parts, lobby, ada, "one", "two")
    assert [(m.seq, m.unread) for m in log_in(parts, ben).memberships] == [(2, 0)]


def test_a_default_room_that_is_gone_keeps_nobody_out(make_parts, ada):
    assert log_in(make_parts(CHAT_DEFAULT_ROOMS="nowhere"), ada).memberships == []


def test_the_name_that_the_site_gave_last_is_kept(parts, lobby, ada):
    log_in(parts, ada)
    log_in(parts, Member("7", "ada lovelace"))
    assert parts.database.read(lambda c: people.find_name(c, "7")) == "ada lovelace"


def test_ada_is_opened_before_anybody_hears_of_her(parts, lobby, published, ada):
    order = []
    parts.backplane.subscribe(lambda notice: order.append(type(notice).__name__))
    Login(parts).open(ada, None, lambda _: order.append("opened"))
    assert order == ["opened", "Subscribe", "ToRoom"]


def test_a_message_that_comes_right_after_the_login_is_in_the_stream_and_not_in_the_snapshot(parts, lobby, ada, ben):
    """`opened` runs between two commits: what was committed before is in the snapshot, all else is heard."""
    log_in(parts, ada)
    log_in(parts, ben)
    heard, snapshots = [], []

    def opened(snapshot):
        snapshots.append(snapshot)
        parts.backplane.subscribe(heard.append)

    say(parts, lobby, ben, "before")
    Login(parts).open(ada, Resume(seqs={"g:lobby": 0}), opened)
    say(parts, lobby, ben, "after")
    assert missed(snapshots[0]) == {"g:lobby": [1]}
    assert [json.loads(notice.frame)["content"] for notice in heard] == ["after"]


# -- coming back ---------------------------------------------------------------------------------------------


@pytest.fixture
def five(parts, lobby, ada, ben) -> Conversation:
    """A lobby with ada and ben and five messages of ben."""
    log_in(parts, ada)
    log_in(parts, ben)
    say(parts, lobby, ben, "1", "2", "3", "4", "5")
    return lobby


@pytest.mark.parametrize(
    ("had", "replayed", "gap"),
    [
        pytest.param(0, [1, 2, 3, 4, 5], None, id="all of it"),
        pytest.param(3, [4, 5], None, id="the rest"),
        pytest.param(5, None, None, id="nothing"),
        pytest.param(6, None, 6, id="more than there is"),
        pytest.param(2**63 - 1, None, 2**63 - 1, id="much more than there is"),
    ],
)
def test_ada_gets_exactly_what_she_missed(parts, five, ada, had, replayed, gap):
    snapshot = log_in(parts, ada, Resume(seqs={"g:lobby": had}))
    assert missed(snapshot) == ({"g:lobby": replayed} if replayed else {})
    assert gaps(snapshot) == ({"g:lobby": gap} if gap else {})


def test_without_resume_nothing_is_replayed(parts, five, ada):
    snapshot = log_in(parts, ada)
    assert (snapshot.missed, snapshot.gaps) == ({}, {})


def test_a_room_that_resume_does_not_name_is_not_replayed(parts, five, ada):
    snapshot = log_in(parts, ada, Resume(seqs={}))
    assert (snapshot.missed, snapshot.gaps) == ({}, {})


def test_a_private_talk_that_resume_does_not_name_began_meanwhile(parts, five, ada, ben):
    say(parts, Messages(parts).private("7", "9"), ben, "psst")
    assert missed(log_in(parts, ada, Resume(seqs={"g:lobby": 5}))) == {"p:9": [1]}


def test_a_room_of_others_is_never_replayed(parts, five, ada, ben):
    board = Rooms(parts).found(ben, "Board", private=True)
    say(parts, Conversation(board.id, gid=board.gid), ben, "secret")
    Messages(parts).private("9", "8")
    snapshot = log_in(parts, ada, Resume(seqs={board.client_key: 0, "p:8": 0, "g:nowhere": 0, "nonsense": 3}))
    assert (snapshot.missed, snapshot.gaps) == ({}, {})


def test_the_epoch_is_that_of_the_store(parts, five, ada):
    epoch = parts.database.read(stored.epoch)
    assert log_in(parts, ada).epoch == epoch
    assert missed(log_in(parts, ada, Resume(epoch, {"g:lobby": 4}))) == {"g:lobby": [5]}


@pytest.mark.parametrize("had", [1, 5, 9])
def test_numbers_of_a_history_that_was_lost_mean_nothing_here(parts, five, ada, had):
    snapshot = log_in(parts, ada, Resume("another", {"g:lobby": had}))
    assert missed(snapshot) == {}
    assert gaps(snapshot) == {"g:lobby": had}


def test_more_than_is_replayed_is_a_gap(make_parts, five, ada):
    parts = make_parts(CHAT_REPLAY=4)
    assert missed(log_in(parts, ada, Resume(seqs={"g:lobby": 1}))) == {"g:lobby": [2, 3, 4, 5]}
    snapshot = log_in(parts, ada, Resume(seqs={"g:lobby": 0}))
    assert (missed(snapshot), gaps(snapshot)) == ({}, {"g:lobby": 0})


def test_the_limit_of_the_replay_counts_for_each_conversation(make_parts, five, ada, ben):
    parts = make_parts(CHAT_REPLAY=4)
    say(parts, Messages(parts).private("7", "9"), ben, "1", "2", "3")
    snapshot = log_in(parts, ada, Resume(seqs={"g:lobby": 0, "p:9": 0}))
    assert missed(snapshot) == {"p:9": [1, 2, 3]}
    assert gaps(snapshot) == {"g:lobby": 0}


def test_a_replay_that_would_fill_the_outbox_is_a_gap(parts, five, ada, ben, monkeypatch):
    monkeypatch.setattr(login_module, "_REPLAY_BYTES", 1000)
    say(parts, five, ben, "好" * 300)
    assert gaps(log_in(parts, ada, Resume(seqs={"g:lobby": 5}))) == {"g:lobby": 5}
    monkeypatch.setattr(login_module, "_REPLAY_BYTES", 1100)
    assert missed(log_in(parts, ada, Resume(seqs={"g:lobby": 5}))) == {"g:lobby": [6]}
