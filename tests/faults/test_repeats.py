"""The same `id` again, whatever the circumstances: one row, one delivery, and everybody who asks gets the same ack."""

from __future__ import annotations

import itertools
import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from live.fixtures import serving
from live.raw import TEXT, Person, frame

ROWS = """
    SELECT m.uid, m.request_id, c.key, m.seq, m.content
    FROM chat_messages AS m JOIN chat_conversations AS c ON c.id = m.conversation
    WHERE m.uid IN (?, ?, ?) ORDER BY c.key, m.seq
"""


_tests = itertools.count(1)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One server for all: every test has people and a room of its own."""
    with serving(tmp_path_factory.mktemp("repeats"), rate="0", max_per_address="0") as site:
        yield site


class Trio:
    """A room of ada, ben and cy, and the file where what they say ends up."""

    def __init__(self, site, come):
        number = next(_tests)
        self.site, self._come = site, come
        self.ada, self.ben, self.cy = (f"{name}{number}" for name in ("ada", "ben", "cy"))
        founder = self.comes(self.ada)
        self.gid = founder.ask(type="create", name="Room")["room"]["gid"]
        for uid in (self.ben, self.cy):
            founder.ask(type="invite", gid=self.gid, uid=uid)
        founder.close()

    def comes(self, uid: str) -> Person:
        return self._come(self.site, uid, uid)

    def rows(self) -> list[tuple]:
        """The stored messages of these people: (uid, id, conversation, seq, text)."""
        connection = sqlite3.connect(f"file:{self.site.folder}/chat.sqlite?mode=ro", uri=True)
        try:
            return connection.execute(ROWS, (self.ada, self.ben, self.cy)).fetchall()
        finally:
            connection.close()


@pytest.fixture
def trio(site, come) -> Trio:
    return Trio(site, come)


def answer(ack: dict) -> tuple:
    assert ack["type"] == "ack"
    return ack["seq"], ack["mid"], ack["ts"]


def heard(person: Person) -> list[tuple]:
    """(seq, text) of the messages that have come."""
    person.ask(type="ping")
    return [(f["seq"], f["content"]) for f in person.waiting if f["type"] in ("groupPm", "pm")]


@pytest.mark.parametrize("type", ["group", "pm"])
def test_two_tabs_that_send_the_same_at_the_same_moment_store_it_once(trio, type):
    target = {"type": "group", "gid": trio.gid} if type == "group" else {"type": "pm", "uid": trio.ben}
    tabs = [trio.comes(trio.ada), trio.comes(trio.ada)]
    ben = trio.comes(trio.ben)
    start = threading.Barrier(2)

    def send(tab: Person, number: int) -> tuple:
        start.wait(10)
        return answer(tab.ask(**target, content=f"text {number}", id=f"id-{number}"))

    with ThreadPoolExecutor(2) as pool:
        for number in range(60):
            one, other = pool.map(send, tabs, [number, number])
            assert one == other
    stored = trio.rows()
    assert [row[:2] + row[3:] for row in stored] == [(trio.ada, f"id-{n}", n + 1, f"text {n}") for n in range(60)]
    assert heard(ben) == [(n + 1, f"text {n}") for n in range(60)]


def test_two_tabs_with_different_texts_under_one_id_agree_on_one_of_them(trio):
    tabs = [trio.comes(trio.ada), trio.comes(trio.ada)]
    ben = trio.comes(trio.ben)
    start = threading.Barrier(2)

    def send(tab: Person, text: str, number: int) -> tuple:
        start.wait(10)
        return answer(tab.ask(type="group", gid=trio.gid, content=f"{text} {number}", id=f"id-{number}"))

    with ThreadPoolExecutor(2) as pool:
        for number in range(60):
            one, other = pool.map(send, tabs, ["this", "that"], [number, number])
            assert one == other
    stored = [(seq, text) for _, _, _, seq, text in trio.rows()]
    assert [seq for seq, _ in stored] == list(range(1, 61))
    assert all(text in (f"this {seq - 1}", f"that {seq - 1}") for seq, text in stored)
    assert heard(ben) == stored


def test_ten_copies_in_one_segment_are_one_message_with_ten_equal_acks(trio):
    ada, ben = trio.comes(trio.ada), trio.comes(trio.ben)
    text = json.dumps({"type": "group", "gid": trio.gid, "content": "once", "id": "same"}).encode()
    ada.client.send_bytes(frame(TEXT, text) * 10)
    assert {answer(ada.expect("ack", id="same")) for _ in range(10)} == {answer(ada.ask(**json.loads(text)))}
    assert heard(ada) == heard(ben) == [(1, "once")]
    assert len(trio.rows()) == 1


def test_another_text_under_the_id_changes_nothing(trio):
    ada, ben = trio.comes(trio.ada), trio.comes(trio.ben)
    first = answer(ada.ask(type="group", gid=trio.gid, content="first", id="a"))
    assert answer(ada.ask(type="group", gid=trio.gid, content="second", id="a")) == first
    assert heard(ben) == [(1, "first")]
    assert trio.rows() == [(trio.ada, "a", f"g:{trio.gid}", 1, "first")]


def test_the_same_id_of_another_person_is_another_message(trio):
    people = [trio.comes(uid) for uid in (trio.ada, trio.ben, trio.cy)]
    acks = [answer(person.ask(type="group", gid=trio.gid, content="hi", id="same")) for person in people]
    assert [seq for seq, *_ in acks] == [1, 2, 3]
    assert [row[:4] for row in trio.rows()] == [
        (uid, "same", f"g:{trio.gid}", seq) for seq, uid in enumerate((trio.ada, trio.ben, trio.cy), 1)
    ]


def test_the_same_id_in_another_room_is_the_first_message_and_nobody_there_hears_of_it(trio):
    ada, ben = trio.comes(trio.ada), trio.comes(trio.ben)
    tea = ben.ask(type="create", name="Tea")["room"]["gid"]
    ada.ask(type="join", gid=tea)
    first = answer(ada.ask(type="group", gid=trio.gid, content="here", id="same"))
    for target in ({"type": "group", "gid": tea}, {"type": "pm", "uid": trio.ben}):
        assert answer(ada.ask(**target, content="there", id="same")) == first
    assert heard(ben) == [(1, "here")]
    assert trio.rows() == [(trio.ada, "same", f"g:{trio.gid}", 1, "here")]
    assert ada.ask(type="group", gid=tea, content="new", id="other")["seq"] == 1


def test_the_repeat_after_a_restart_gets_the_first_ack_too(trio):
    ada = trio.comes(trio.ada)
    first = answer(ada.ask(type="group", gid=trio.gid, content="once", id="same"))
    trio.site.kill()
    trio.site.start()
    ada = trio.comes(trio.ada)
    assert answer(ada.ask(type="group", gid=trio.gid, content="again", id="same")) == first
    assert trio.rows() == [(trio.ada, "same", f"g:{trio.gid}", 1, "once")]


def test_a_refused_message_leaves_its_id_free(trio):
    ada = trio.comes(trio.ada)
    assert ada.ask(type="group", gid="nowhere", content="hi", id="same")["code"] == "unknown_room"
    assert ada.ask(type="group", gid=trio.gid, content=" ", id="same")["code"] == "empty"
    assert answer(ada.ask(type="group", gid=trio.gid, content="hi", id="same"))[0] == 1
    assert [row[1] for row in trio.rows()] == ["same"]


def test_messages_without_an_id_are_never_taken_for_repeats(trio):
    ada = trio.comes(trio.ada)
    for _ in range(3):
        ada.send(type="group", gid=trio.gid, content="the same")
    assert [ada.expect("groupPm")["seq"] for _ in range(3)] == [1, 2, 3]
    assert [row[1] for row in trio.rows()] == [None] * 3
