from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from legacy_chat.core.metrics import COMMIT_FAILURES, COMMIT_JOBS, COMMIT_SECONDS, Histogram, new_counts
from legacy_chat.core.model import Draft
from legacy_chat.errors import Exists, Internal, Unavailable
from legacy_chat.storage import messages, people, rooms
from legacy_chat.storage.writer import Inline, Writer


class Later:
    """An offload whose work runs when the test says so, as a thread's would."""

    def __init__(self):
        self.started, self.steps = [], []

    def start(self, work, done):
        self.started.append((work, done))

    def call(self, work):
        return work()

    def repeat(self, step):
        self.steps.append(step)

    def finish_one(self, answers=1000):
        """Let one commit end, and give so many of the answers that wait."""
        work, done = self.started.pop(0)
        done(work())
        self.answer(answers)

    def answer(self, answers=1000):
        while self.steps and answers:
            answers -= 1
            if not self.steps[0]():
                self.steps.pop(0)


@pytest.fixture
def lobby(database) -> int:
    return database.run(lambda c: rooms.create_room(c, "lobby", "Lobby", False)).id


@pytest.fixture
def writer(database) -> Writer:
    return Writer(database, Inline())


def draft(conversation, content="hi", uid="7", request_id=None):
    return Draft(conversation, uid, "ada", content, 1000, request_id)


def remember(uid, name):
    return lambda connection: people.remember(connection, uid, name, 0)


def fail(connection):
    people.remember(connection, "8", "cleo", 0)
    raise Exists("There is one already.")


def test_a_message_is_committed_before_its_answer(database, writer, lobby):
    seen = []
    writer.submit(draft(lobby), lambda message: seen.append((message.seq, stored(database, lobby))))
    assert seen == [(1, ["hi"])]


def stored(database, conversation):
    return [m.content for m in database.read(lambda c: messages.since(c, conversation, 0))]


def test_what_waits_during_a_commit_is_the_next_commit_in_one(database, lobby):
    later, answers = Later(), []
    writer = Writer(database, later)
    for n in range(5):
        writer.submit(draft(lobby, f"{n}"), lambda message: answers.append(message.seq))
    assert len(later.started) == 1
    later.finish_one()
    assert answers == [1]
    assert len(later.started) == 1
    later.finish_one()
    assert answers == [1, 2, 3, 4, 5]
    assert later.started == []


def test_nothing_is_delayed_when_nothing_waits(database, lobby):
    later = Later()
    writer = Writer(database, later)
    for _ in range(2):
        writer.submit(draft(lobby), lambda _: None)
        later.finish_one()
    assert stored(database, lobby) == ["hi", "hi"]


def test_jobs_of_both_kinds_are_answered_in_the_order_in_which_they_came(database, lobby):
    later, answers = Later(), []
    writer = Writer(database, later)
    for job in (draft(lobby), remember("7", "ada"), draft(lobby), draft(lobby), remember("7", "ada")):
        writer.submit(job, lambda result: answers.append(getattr(result, "seq", result)))
    later.finish_one()
    later.finish_one()
    assert answers == [1, True, 2, 3, False]


def test_a_job_sees_the_messages_that_came_before_it_and_none_after(database, lobby):
    later, heads = Later(), []
    writer = Writer(database, later)
    writer.submit(lambda c: None, lambda _: None)
    writer.submit(draft(lobby), lambda _: None)
    writer.submit(lambda c: rooms.find_room(c, "lobby").seq, heads.append)
    writer.submit(draft(lobby), lambda _: None)
    later.finish_one()
    later.finish_one()
    assert heads == [1]
    assert stored(database, lobby) == ["hi", "hi"]


def test_a_job_that_is_refused_takes_no_other_along(database, lobby):
    later, answers = Later(), []
    writer = Writer(database, later)
    for job in (remember("7", "ada"), draft(lobby), fail, draft(lobby), remember("9", "ben")):
        writer.submit(job, answers.append)
    later.finish_one()
    later.finish_one()
    assert isinstance(answers[2], Exists)
    assert stored(database, lobby) == ["hi", "hi"]
    names = database.read(lambda c: [people.find_name(c, uid) for uid in ("7", "8", "9")])
    assert names == ["ada", None, "ben"]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda c: 1 / 0, id="our own mistake"),
        pytest.param(
            lambda c: c.execute(text("INSERT INTO chat_info VALUES ('epoch', 'another')")), id="a broken constraint"
        ),
    ],
)
def test_a_job_that_breaks_takes_no_other_along(database, lobby, broken):
    later, answers = Later(), []
    writer = Writer(database, later)
    for job in (lambda c: None, draft(lobby), broken, draft(lobby)):
        writer.submit(job, answers.append)
    later.finish_one()
    later.finish_one()
    assert isinstance(answers[2], Internal)
    assert stored(database, lobby) == ["hi", "hi"]


def test_a_store_that_does_not_answer_fails_all_of_the_batch_and_stores_nothing(database, lobby):
    def locked(connection):
        people.remember(connection, "7", "ada", 0)
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    later, answers = Later(), []
    writer = Writer(database, later)
    for job in (lambda c: None, draft(lobby), locked):
        writer.submit(job, answers.append)
    later.finish_one()
    later.finish_one()
    assert [type(answer) for answer in answers[1:]] == [Unavailable, Unavailable]
    assert answers[1].retry_after
    assert stored(database, lobby) == []
    assert database.read(lambda c: people.find_name(c, "7")) is None


def test_after_a_failure_the_next_message_is_stored_as_if_nothing_had_been(database, writer, lobby, monkeypatch):
    answers = []
    with monkeypatch.context() as patch:
        patch.setattr(database, "run", lambda work: (_ for _ in ()).throw(OperationalError("", {}, Exception("full"))))
        writer.submit(draft(lobby, request_id="r1"), answers.append)
    writer.submit(draft(lobby, request_id="r1"), answers.append)
    assert isinstance(answers[0], Unavailable)
    assert (answers[1].seq, answers[1].repeated) == (1, False)


def test_an_answer_that_raises_spoils_no_other(database, lobby):
    later, answers = Later(), []
    writer = Writer(database, later)
    writer.submit(draft(lobby), lambda _: 1 / 0)
    writer.submit(draft(lobby), lambda _: 1 / 0)
    writer.submit(draft(lobby), answers.append)
    later.finish_one()
    later.finish_one()
    assert [message.seq for message in answers] == [3]


def test_something_submitted_by_an_answer_is_committed_too(database, writer, lobby):
    answers = []
    writer.submit(draft(lobby), lambda _: writer.submit(draft(lobby), lambda message: answers.append(message.seq)))
    assert answers == [2]


def test_call_waits_for_its_result(writer):
    assert writer.call(remember("7", "ada")) is True
    assert writer.call(remember("7", "ada")) is False


def test_call_raises_what_the_job_raised(writer, database):
    with pytest.raises(Exists):
        writer.call(fail)
    assert database.read(lambda c: people.find_name(c, "8")) is None


def test_call_tells_of_a_commit_before_it_returns_and_of_a_refusal_not_at_all(writer):
    told = []
    assert writer.call(remember("7", "ada"), told.append) is True
    with pytest.raises(Exists):
        writer.call(fail, told.append)
    assert told == [True]


def test_a_batch_is_bounded(database, lobby):
    later, answers = Later(), []
    writer = Writer(database, later)
    for _ in range(1, 1503):
        writer.submit(draft(lobby), answers.append)
    sizes = []
    while later.started:
        before = len(answers)
        later.finish_one()
        sizes.append(len(answers) - before)
    assert sizes == [1, 1000, 501]
    assert [message.seq for message in answers] == list(range(1, 1503))


def test_many_threads_at_once_lose_nothing_and_number_without_a_hole(database, lobby):
    writer, seqs = Writer(database, Inline()), []

    def speak(uid):
        for n in range(20):
            done = threading.Event()
            writer.submit(
                draft(lobby, uid=uid, request_id=f"{n}"), lambda m, done=done: (seqs.append(m.seq), done.set())
            )
            assert done.wait(5)

    threads = [threading.Thread(target=speak, args=(f"{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seqs) == list(range(1, 81))


def test_the_next_commit_goes_on_while_answers_wait_and_their_order_holds(database, lobby):
    later, order = Later(), []
    writer = Writer(database, later)
    for content in ("one", "two", "three"):
        writer.submit(draft(lobby, content), lambda m: order.append(m.content))
    later.finish_one(answers=0)  # "one" was alone; "two" and "three" are the next commit
    assert order == []
    later.finish_one(answers=2)
    assert order == ["one", "two"]
    assert writer.busy
    later.answer()
    assert order == ["one", "two", "three"]
    assert not writer.busy


# -- what operators see ------------------------------------------------------------------------------------------------


def observed(counts, histogram: Histogram) -> tuple[float, float]:
    """How many times, and the sum."""
    *buckets, total = counts[histogram.first : histogram.first + len(histogram.bounds) + 2]
    return sum(buckets), total


def test_commits_and_their_jobs_are_counted(database, lobby):
    counts, later = new_counts(), Later()
    writer = Writer(database, later, counts)
    for _ in range(4):
        writer.submit(draft(lobby), lambda _: None)
    assert writer.waiting == 3  # the first is on its way
    later.finish_one()
    later.finish_one()
    assert writer.waiting == 0
    assert observed(counts, COMMIT_JOBS) == (2, 4)
    times, seconds = observed(counts, COMMIT_SECONDS)
    assert times == 2
    assert 0 < seconds < 5


def test_a_commit_that_fails_is_counted_and_told_without_what_was_to_be_stored(database, lobby, monkeypatch, caplog):
    counts = new_counts()

    def refuse(_):
        original = Exception("could not store\nDETAIL: Failing row contains (nobody's business).")
        raise OperationalError("INSERT", {"content": "nobody's business"}, original)

    monkeypatch.setattr(database, "run", refuse)
    Writer(database, Inline(), counts).submit(draft(lobby, "nobody's business"), lambda _: None)
    assert counts[COMMIT_FAILURES] == 1
    assert observed(counts, COMMIT_JOBS) == (0, 0)
    assert caplog.messages == ["commit failed: could not store"]


def test_a_job_with_a_mistake_shows_its_statement_and_not_the_words_in_it(writer, caplog):
    statement = text("INSERT INTO chat_info (name, value) VALUES ('epoch', :value)")
    words = " ".join(["nobody's", "business"])  # as the traceback shows this very source
    writer.submit(lambda c: c.execute(statement, {"value": words}), lambda _: None)
    assert "INSERT INTO chat_info" in caplog.text
    assert words not in caplog.text


def test_commits_fail_until_something_was_written(database, writer, lobby, monkeypatch):
    """Not every commit that succeeds has written something."""
    assert not writer.failing
    with monkeypatch.context() as patch:
        patch.setattr(database, "run", lambda work: (_ for _ in ()).throw(OperationalError("", {}, Exception("full"))))
        writer.submit(draft(lobby), lambda _: None)
        with pytest.raises(Unavailable):
            writer.probe()
    writer.call(lambda _: None)
    assert writer.failing
    writer.probe()
    assert not writer.failing
