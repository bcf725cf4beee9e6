import json

import pytest

from legacy_chat.actions.messages import Messages
from legacy_chat.backplane.contract import ToPeople, ToRoom
from legacy_chat.core.model import Conversation
from legacy_chat.errors import BadText, Empty, TooLong, Unavailable
from legacy_chat.storage import rooms as stored


@pytest.fixture
def messages(parts) -> Messages:
    return Messages(parts)


@pytest.fixture
def lobby(parts, ada, ben) -> Conversation:
    def job(connection):
        room = stored.create_room(connection, "lobby", "Lobby", False)
        for member in (ada, ben):
            stored.add_member(connection, room.id, member.uid)
        return room

    return Conversation(parts.database.run(job).id, gid="lobby")


def say(messages, where, author, content="hi", **options):
    answers = []
    messages.post(where, author, content, answers.append, **options)
    return answers[0]


def read_marker(parts, where, member) -> int:
    return parts.database.read(lambda c: stored.membership(c, member.uid, where.id)).read


def peers(parts, member) -> list:
    return [m.uid for m in parts.database.read(lambda c: stored.memberships(c, member.uid))]


# -- saying --------------------------------------------------------------------------------------------------


def test_what_ada_says_is_stored_and_goes_to_the_room(messages, lobby, published, ada, clock):
    message = say(messages, lobby, ada, request_id="r1")
    assert (message.seq, message.content, message.ts) == (1, "hi", clock.now)
    (notice,) = published
    assert (notice.key, notice.skip, notice.droppable) == ("g:lobby", None, False)
    assert json.loads(notice.frame) == {
        "type": "groupPm", "gid": "lobby", "uid": "7", "name": "ada", "content": "hi", "seq": 1, "ts": clock.now,
        "mid": message.mid, "id": "r1",
    }  # fmt: skip


def test_it_is_committed_before_anybody_hears_of_it_and_ada_has_her_answer_last(messages, lobby, parts, ada):
    order = []
    parts.backplane.subscribe(lambda _: order.append(("told", len(messages.history(lobby, None, None, 50)[0]))))
    messages.post(lobby, ada, "hi", lambda message: order.append(("answered", message.seq)))
    assert order == [("told", 1), ("answered", 1)]


def test_a_repeat_of_ben_gets_the_same_answer_and_nobody_hears_it_twice(messages, lobby, published, ben):
    first = say(messages, lobby, ben, request_id="r1")
    repeat = say(messages, lobby, ben, "other words", request_id="r1")
    assert (repeat.mid, repeat.seq, repeat.ts) == (first.mid, first.seq, first.ts)
    assert len(published) == 1
    assert len(messages.history(lobby, None, None, 50)[0]) == 1


def test_a_private_word_goes_to_both_people_but_not_to_the_page_it_came_from(messages, published, ada, ben):
    talk = messages.private("7", "9")
    say(messages, talk, ben, sender=1002)
    (notice,) = published
    assert (notice.uids, notice.skip) == (("7", "9"), 1002)
    frame = json.loads(notice.frame)
    assert (frame["type"], frame["uid"], frame["to"]) == ("pm", "9", "7")


@pytest.mark.parametrize(("content", "error"), [("", Empty), ("a" * 4001, TooLong), ("\x00", BadText)])
def test_a_text_that_may_not_stand_there_is_refused_at_once(messages, lobby, published, ada, content, error):
    with pytest.raises(error):
        say(messages, lobby, ada, content)
    assert published == []


def test_what_could_not_be_stored_is_told_to_nobody_but_the_author(messages, lobby, published, ada, monkeypatch):
    monkeypatch.setattr(messages._parts.writer, "submit", lambda draft, done: done(Unavailable("locked")))
    assert isinstance(say(messages, lobby, ada), Unavailable)
    assert published == []


def test_a_receiver_that_breaks_does_not_take_adas_answer_away(messages, lobby, parts, ada):
    def broken(notice):
        raise RuntimeError("this worker is ill")

    parts.backplane.subscribe(broken)
    assert say(messages, lobby, ada).seq == 1


# -- private talks -------------------------------------------------------------------------------------------


def test_a_talk_is_the_same_from_both_sides(messages):
    talk = messages.private("9", "7")
    assert talk == messages.private("7", "9")
    assert talk.pair == ("7", "9")


def test_a_known_talk_needs_no_look_at_the_store(messages, parts, monkeypatch):
    assert messages.find_private("7", "9").id == 0
    talk = messages.private("7", "9")
    monkeypatch.setattr(parts, "read", None)
    assert messages.find_private("9", "7") == messages.private("9", "7") == talk


def test_the_memory_of_talks_is_bounded_and_a_forgotten_one_is_found_again(messages, monkeypatch):
    monkeypatch.setattr("legacy_chat.actions.messages._REMEMBERED", 3)
    talk = messages.private("7", "9")
    for n in range(10):
        messages.private("7", f"p{n}")
    assert len(messages._private) <= 3
    assert messages.private("7", "9") == talk


@pytest.mark.parametrize("uid", ["\x00", "a\nb", "\u202e"])
def test_nobody_talks_to_a_uid_that_cannot_be_shown(messages, uid):
    with pytest.raises(BadText):
        messages.private("7", uid)


def test_somebody_who_never_came_finds_the_words_at_the_first_login(messages, parts, ada):
    say(messages, messages.private("7", "404"), ada)
    (waiting,) = parts.database.read(lambda c: stored.memberships(c, "404"))
    assert (waiting.uid, waiting.unread) == ("7", 1)


# -- reading -------------------------------------------------------------------------------------------------


def test_history_comes_as_the_frames_that_were_sent(messages, lobby, published, ada):
    say(messages, lobby, ada, "one", request_id="r1")
    say(messages, lobby, ada, "two")
    page, more = messages.history(lobby, None, None, 50)
    assert [frame.content for frame in page] == ["one", "two"]
    assert not more
    assert [(f.id, f.mid) for f in page] == [
        (json.loads(n.frame).get("id"), json.loads(n.frame)["mid"]) for n in published
    ]


def test_what_ben_has_read_in_a_room_is_told_to_his_own_other_pages_alone(messages, lobby, published, parts, ada, ben):
    say(messages, lobby, ada)
    published.clear()
    messages.mark_read(lobby, ben, 1, sender=1002)
    (notice,) = published
    assert isinstance(notice, ToPeople)
    assert (notice.uids, notice.skip) == (("9",), 1002)
    assert json.loads(notice.frame) == {"type": "read", "gid": "lobby", "uid": "9", "name": "ben", "seq": 1}
    assert read_marker(parts, lobby, ben) == 1


def test_in_a_private_talk_the_other_one_hears_of_it_too(messages, published, ada, ben):
    talk = messages.private("7", "9")
    say(messages, talk, ada)
    published.clear()
    messages.mark_read(talk, ben, 1)
    (notice,) = published
    assert notice.uids == ("7", "9")
    assert json.loads(notice.frame) == {"type": "read", "to": "7", "uid": "9", "name": "ben", "seq": 1}


def test_a_marker_that_does_not_move_is_no_news(messages, lobby, published, ada, ben):
    say(messages, lobby, ada)
    messages.mark_read(lobby, ben, 1)
    published.clear()
    messages.mark_read(lobby, ben, 1)
    messages.mark_read(lobby, ben, 0)
    assert published == []


def test_nobody_is_told_that_ben_has_read_what_was_not_said_yet(messages, published, ada, ben):
    talk = messages.private("7", "9")
    say(messages, talk, ada)
    published.clear()
    messages.mark_read(talk, ben, 2**63 - 1)
    assert [json.loads(notice.frame)["seq"] for notice in published] == [1]


def test_nobody_has_read_what_was_not_said_yet(messages, lobby, parts, ada, ben):
    say(messages, lobby, ada)
    messages.mark_read(lobby, ben, 2**63 - 1)
    say(messages, lobby, ada)
    assert parts.database.read(lambda c: stored.membership(c, "9", lobby.id)).unread == 1


# -- typing --------------------------------------------------------------------------------------------------


def test_the_room_sees_ada_type_but_the_page_she_types_in_does_not(messages, lobby, published, ada):
    messages.typing(lobby, ada, sender=1001)
    (notice,) = published
    assert isinstance(notice, ToRoom)
    assert (notice.skip, notice.droppable) == (1001, True)
    assert json.loads(notice.frame) == {"type": "typing", "gid": "lobby", "uid": "7", "name": "ada"}


def test_in_a_private_talk_only_the_other_one_sees_it(messages, published, ada):
    messages.typing(messages.private("7", "9"), ada)
    (notice,) = published
    assert (notice.uids, notice.droppable) == (("9",), True)
    assert json.loads(notice.frame) == {"type": "typing", "to": "9", "uid": "7", "name": "ada"}
