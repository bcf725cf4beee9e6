from __future__ import annotations

import shutil
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legacy_chat.core.model import Draft
from legacy_chat.storage import messages, rooms
from legacy_chat.storage.database import Database


def open_rooms(connection, count: int) -> list[int]:
    return [rooms.create_room(connection, f"room-{n}", f"Room {n}", False).id for n in range(count)]


@pytest.fixture
def lobby(database) -> int:
    return database.run(lambda c: open_rooms(c, 1))[0]


def draft(conversation: int, content: str, uid: str = "7", request_id: str | None = None) -> Draft:
    return Draft(conversation, uid, uid, content, 1000, request_id)


def append(database, *drafts: Draft):
    return database.run(lambda c: messages.append(c, drafts))


def page(database, conversation, before=None, after=None, limit=50):
    found, more = database.read(lambda c: messages.page(c, conversation, before, after, limit))
    return [message.seq for message in found], more


def test_the_first_word_is_number_one_and_the_next_is_two(database, lobby):
    assert [m.seq for m in append(database, draft(lobby, "hi"), draft(lobby, "there"))] == [1, 2]
    assert [m.seq for m in append(database, draft(lobby, "again"))] == [3]
    assert database.read(lambda c: rooms.find_room(c, "room-0")).seq == 3


def test_each_conversation_counts_for_itself(database):
    one, two = database.run(lambda c: open_rooms(c, 2))
    stored = append(database, draft(one, "a"), draft(two, "b"), draft(one, "c"), draft(two, "d"))
    assert [(m.conversation, m.seq) for m in stored] == [(one, 1), (two, 1), (one, 2), (two, 2)]


def test_a_repeat_of_ben_gets_the_same_answer_and_no_second_row(database, lobby):
    first = append(database, draft(lobby, "hi", "9", "r1"))[0]
    repeat = append(database, draft(lobby, "something else", "9", "r1"))[0]
    assert (repeat.mid, repeat.content) == (first.mid, "hi")
    assert (first.repeated, repeat.repeated) == (False, True)
    assert page(database, lobby) == ([1], False)


def test_a_repeat_within_one_commit_is_one_row_too(database, lobby):
    first, repeat, next_one = append(
        database, draft(lobby, "hi", "9", "r1"), draft(lobby, "hi", "9", "r1"), draft(lobby, "ho", "9", "r2")
    )
    assert (first.seq, repeat.seq, next_one.seq) == (1, 1, 2)
    assert [m.repeated for m in (first, repeat, next_one)] == [False, True, False]


def test_a_repeat_in_another_room_is_answered_with_the_first_message(database):
    one, two = database.run(lambda c: open_rooms(c, 2))
    append(database, draft(one, "hi", "9", "r1"))
    assert append(database, draft(two, "hi", "9", "r1"))[0].conversation == one
    assert page(database, two) == ([], False)


def test_the_same_id_of_somebody_else_is_another_message(database, lobby):
    stored = append(database, draft(lobby, "hi", "7", "r1"), draft(lobby, "hi", "9", "r1"))
    assert [(m.seq, m.repeated) for m in stored] == [(1, False), (2, False)]


def test_messages_without_an_id_are_never_repeats(database, lobby):
    assert [m.seq for m in append(database, *[draft(lobby, "hi")] * 3)] == [1, 2, 3]


def test_a_commit_that_fails_takes_no_number(database, lobby):
    def fail(connection):
        messages.append(connection, [draft(lobby, "lost", request_id="r1")])
        raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError):
        database.run(fail)
    assert append(database, draft(lobby, "kept", request_id="r1"))[0].seq == 1


drafts = st.builds(
    lambda where, uid, request_id: (where, uid, request_id),
    st.integers(0, 2),
    st.sampled_from(["7", "9"]),
    st.none() | st.sampled_from(["r1", "r2", "r3"]),
)


class Undo(Exception):
    pass


@given(st.lists(st.lists(drafts, max_size=8), max_size=6))
@settings(max_examples=60)
def test_any_interleaving_numbers_each_conversation_without_a_hole(interleaved_store, batches):
    interleaved_store(batches)


@pytest.fixture(scope="module")
def interleaved_store(migrated_file, tmp_path_factory):
    """Appends batches to a store that is empty again afterwards, and checks what it holds then."""
    path = tmp_path_factory.mktemp("interleaved") / "store.sqlite"
    shutil.copy(migrated_file, path)
    database = Database(f"sqlite:///{path}")

    def check(batches):
        def work(connection):
            ids = open_rooms(connection, 3)
            sent = [[draft(ids[where], "hi", uid, rid) for where, uid, rid in batch] for batch in batches]
            answers = [messages.append(connection, batch) for batch in sent]
            check_history(connection, ids, list(chain(*sent)), list(chain(*answers)))
            raise Undo

        with pytest.raises(Undo):
            database.run(work)

    yield check
    database.close()


def check_history(connection, conversations, sent, answered):
    history = [message for where in conversations for message in messages.since(connection, where, 0)]
    for where in conversations:
        seqs = [message.seq for message in history if message.conversation == where]
        assert seqs == list(range(1, len(seqs) + 1))
    once = [(message.uid, message.request_id) for message in history if message.request_id]
    assert len(once) == len(set(once))
    assert {(d.uid, d.request_id) for d in sent} == {(m.uid, m.request_id) for m in history}
    new = [message.mid for message in answered if not message.repeated]
    assert sorted(new) == sorted(message.mid for message in history)
    by_request = {(message.uid, message.request_id): message.mid for message in history}
    for one, message in zip(sent, answered, strict=True):
        assert one.request_id is None or message.mid == by_request[one.uid, one.request_id]


# -- pages ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ten(database, lobby):
    append(database, *[draft(lobby, f"message {n}") for n in range(1, 11)])
    return lobby


@pytest.mark.parametrize(
    ("asked", "seqs", "more"),
    [
        ({}, range(1, 11), False),
        ({"limit": 10}, range(1, 11), False),
        ({"limit": 9}, range(2, 11), True),
        ({"limit": 1}, [10], True),
        ({"before": 5, "limit": 2}, [3, 4], True),
        ({"before": 3, "limit": 2}, [1, 2], False),
        ({"before": 1}, [], False),
        ({"before": 0}, [], False),
        ({"before": 99, "limit": 2}, [9, 10], True),
        ({"after": 5, "limit": 2}, [6, 7], True),
        ({"after": 8, "limit": 2}, [9, 10], False),
        ({"after": 10}, [], False),
        ({"after": 2**63 - 1}, [], False),
        ({"after": 0, "limit": 1}, [1], True),
    ],
)
def test_a_page_ascends_and_says_whether_there_is_more(database, ten, asked, seqs, more):
    assert page(database, ten, **asked) == (list(seqs), more)


def test_a_page_shows_its_own_conversation_only(database, ten):
    empty = database.run(lambda c: rooms.open_private(c, "7", "9"))
    assert page(database, empty) == ([], False)


def test_since_is_everything_after_a_number(database, ten):
    assert [m.seq for m in database.read(lambda c: messages.since(c, ten, 7))] == [8, 9, 10]
    assert database.read(lambda c: messages.since(c, ten, 10)) == []


@pytest.mark.parametrize(
    "content", ["你好 🎉", "</script>", "'; DROP TABLE chat_messages; --", "\u2028\u202e", "a\nb\tc"]
)
def test_a_text_comes_back_as_it_was(database, lobby, content):
    append(database, draft(lobby, content, request_id="r1"))
    (found,) = database.read(lambda c: messages.since(c, lobby, 0))
    assert (found.content, found.request_id, found.ts, found.repeated) == (content, "r1", 1000, False)
