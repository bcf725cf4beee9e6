"""The checker finds what is wrong, and only that: ada and ben say three things each, and one of them goes wrong."""

from __future__ import annotations

import sqlite3

import pytest

from .checker import Checker, Entry, read_history

SAID = [Entry(n, "ada" if n % 2 else "ben", f"id{n}", f"number {n}") for n in range(1, 7)]


class Story:
    """Everybody saw everything; tests spoil one thing."""

    def __init__(self) -> None:
        self.checker = Checker(seed=42)
        self.stored = {"tea": list(SAID)}
        for entry in SAID:
            self.checker.attempted(entry.uid, entry.id, "tea", entry.text)
            self.checker.acked(entry.uid, entry.id, entry.seq)
        self.ada = self._log("ada", after=0)
        self.ben = self._log("ben", after=2)  # he came later

    def _log(self, who: str, after: int) -> list[Entry]:
        log = self.checker.log(who, "tea", after)
        log.entries = [entry for entry in SAID if entry.seq > after]
        return log.entries

    def faults(self) -> set[str]:
        return set(self.checker.verdict(self.stored).faults)


@pytest.fixture
def story() -> Story:
    return Story()


def test_nothing_went_wrong(story):
    verdict = story.checker.check(story.stored)
    assert verdict.clean
    assert str(verdict) == "seed 42: 6 attempts, 6 acks, 6 stored, 10 seen"


def test_what_was_never_acked_may_be_stored_or_not(story):
    del story.checker.acks["ada", "id3"]
    story.checker.attempted("cem", "id9", "tea", "swallowed")
    assert story.faults() == set()


def test_an_acked_message_that_is_not_stored_is_lost(story):
    del story.stored["tea"][-1]
    del story.ada[-1], story.ben[-1]
    assert story.faults() == {"lost"}


def test_a_hole_in_the_history_is_a_gap(story):
    del story.checker.acks["ada", "id3"]
    del story.stored["tea"][2], story.ada[2], story.ben[0]
    assert story.faults() == {"gaps"}


def test_one_message_under_two_numbers_is_duplicated(story):
    again = SAID[-1]._replace(seq=7)
    for entries in (story.stored["tea"], story.ada, story.ben):
        entries.append(again)
    assert story.faults() == {"duplicated"}


def test_one_number_twice_in_the_history_is_duplicated(story):
    story.checker.attempted("cem", "x", "tea", "me too")
    story.stored["tea"].append(Entry(6, "cem", "x", "me too"))
    assert {"duplicated", "gaps"} <= story.faults()


def test_a_message_stored_in_two_rooms_is_duplicated(story):
    story.stored["coffee"] = [SAID[0]]
    assert story.faults() == {"duplicated", "unexpected"}


def test_a_message_that_comes_twice_is_duplicated(story):
    story.ben.insert(1, story.ben[0])
    assert "duplicated" in story.faults()


def test_two_messages_swapped_are_out_of_order(story):
    story.ada[1], story.ada[2] = story.ada[2], story.ada[1]
    assert story.faults() == {"gaps"}


def test_a_hole_in_a_log_is_a_gap_and_missing(story):
    del story.ada[2]
    assert story.faults() == {"gaps", "missing"}


def test_the_newest_ones_that_never_came_are_missing(story):
    del story.ben[-2:]
    verdict = story.checker.verdict(story.stored)
    assert verdict.faults == {"missing": ["ben in tea: 5", "ben in tea: 6"]}


def test_what_was_before_somebody_came_is_not_missing_and_must_not_come(story):
    story.ben.insert(0, SAID[1])
    assert story.faults() == {"gaps"}


def test_a_stored_message_that_nobody_said_is_unexpected(story):
    for entries in (story.stored["tea"], story.ada, story.ben):
        entries.append(Entry(7, "eve", "id7", "never said"))
    assert story.faults() == {"unexpected"}


def test_another_text_than_was_said_is_unexpected(story):
    other = SAID[3]._replace(text="something else")
    story.stored["tea"][3] = story.ada[3] = story.ben[1] = other
    assert story.faults() == {"unexpected"}


def test_stored_after_an_error_is_unexpected(story):
    del story.checker.acks["ben", "id4"]
    story.checker.failed("ben", "id4", "unavailable")
    assert story.faults() == {"unexpected"}


def test_seen_and_not_stored_is_unexpected(story):
    story.ada.append(Entry(7, "ben", "id7", "a ghost"))
    assert story.faults() == {"unexpected"}


def test_two_who_saw_different_things_under_one_number_diverge(story):
    story.ben[-1] = story.ben[-1]._replace(text="what only ben saw")
    assert story.faults() == {"diverging"}


def test_an_ack_with_another_number_diverges(story):
    story.checker.acked("ada", "id1", 5)
    assert story.faults() == {"diverging"}


def test_the_report_names_the_seed_and_what_was_found(story):
    del story.stored["tea"][-1]
    with pytest.raises(AssertionError) as report:
        story.checker.check(story.stored)
    assert "seed 42" in str(report.value)
    assert "lost: 1" in str(report.value)
    assert "('ben', 'id6'), acked as 6" in str(report.value)


def test_the_history_is_read_from_the_file(migrated_file, tmp_path):
    path = tmp_path / "history.sqlite"
    path.write_bytes(migrated_file.read_bytes())
    connection = sqlite3.connect(path)
    insert = "INSERT INTO chat_conversations (id, key, gid, name, private, seq, ts) VALUES"
    connection.execute(f"{insert} (1, 'r:tea', 'tea', 'Tea', 0, 2, 5)")
    connection.execute(f"{insert} (2, 'p:1:2', NULL, '', 0, 1, 5)")
    for row in ((1, 2, "ben", "b", "hi"), (1, 1, "ada", None, "hello"), (2, 1, "ada", "p", "between us")):
        conversation, seq, uid, id, text = row
        connection.execute(
            "INSERT INTO chat_messages VALUES (?, ?, ?, ?, ?, 5, ?)", (conversation, seq, uid, uid, text, id)
        )
    connection.commit()
    connection.close()
    assert read_history(path) == {"tea": [Entry(1, "ada", "", "hello"), Entry(2, "ben", "b", "hi")]}
