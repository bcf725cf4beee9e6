"""Ben was away: what he says he has decides what he gets, to the message, and never anything of other people's."""

from __future__ import annotations

import itertools
import json

import pytest
from live.fixtures import serving
from live.raw import TEXT, Person

TOLD = ("groupPm", "pm", "gap")
REPLAY = 300

_tests = itertools.count(1)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One server for all: every test has people and rooms of its own."""
    with serving(tmp_path_factory.mktemp("resume"), rate="0", max_per_address="0") as site:
        yield site


class Pair:
    """Ada is here and does all the talking; ben comes and goes. They share two rooms and a private talk.

    `tea`, `cake` and `talk` are what they share, in the words of ben's `resume`. Ada has a room and a talk of her own.
    """

    def __init__(self, site, come):
        number = next(_tests)
        self._site, self._come = site, come
        self.uids = f"ada{number}", f"ben{number}"
        self.talk = f"p:ada{number}"
        self.ada = come(site, self.uids[0], "ada")
        self.epoch = self.ada.welcome["epoch"]
        self.tea, self.cake, self.diary = (
            "g:" + self.ada.ask(type="create", name="Room", private=True)["room"]["gid"] for _ in range(3)
        )
        for key in (self.tea, self.cake):
            self.ada.ask(type="invite", gid=key[2:], uid=self.uids[1])
        self.ada.ask(type="group", gid=self.diary[2:], content="nobody shall read this")
        self.ada.ask(type="pm", uid=f"cy{number}", content="nor this")

    def speak(self, key: str, count: int) -> None:
        """Ada says so many things; the last one is acked, so all are committed."""
        target = {"type": "group", "gid": key[2:]} if key.startswith("g:") else {"type": "pm", "uid": self.uids[1]}
        for number in range(count - 1):
            self.ada.send(**target, content=f"text {number}")
        assert self.ada.ask(**target, content="the last")["type"] == "ack"

    def ben(self, **how) -> Person:
        return self._come(self._site, self.uids[1], "ben", **how)

    def resumed(self, seqs: dict, epoch: str | None) -> list[tuple]:
        """What ben is told when he comes with this resume."""
        ben = self.ben(login={"resume": {"epoch": epoch, "seqs": seqs}})
        came = told(ben)
        ben.close()
        return came


@pytest.fixture
def pair(site, come) -> Pair:
    return Pair(site, come)


@pytest.fixture(params=["tea", "talk"])
def key(request, pair) -> str:
    """The room in one run, the private talk in the other."""
    return getattr(pair, request.param)


def told(ben: Person) -> list[tuple]:
    """All of conversations that came, up to the answer to a ping: `(key, seq)`, and `(key, after, seq)` for a gap."""
    ben.ask(type="ping")
    came = [frame for frame in ben.waiting if frame["type"] in TOLD]
    ben.waiting.clear()
    return [_brief(frame) for frame in came]


def _brief(frame: dict) -> tuple:
    key = f"g:{frame['gid']}" if "gid" in frame else f"p:{frame['uid']}"
    return (key, frame["after"], frame["seq"]) if frame["type"] == "gap" else (key, frame["seq"])


def test_ben_gets_what_lies_between_his_number_and_the_newest(pair, key):
    pair.speak(key, 5)
    for had in range(6):
        assert pair.resumed({key: had}, pair.epoch) == [(key, seq) for seq in range(had + 1, 6)]
    assert pair.resumed({key: 2}, None) == [(key, 3), (key, 4), (key, 5)]


def test_a_number_that_was_never_given_is_a_gap(pair, key):
    pair.speak(key, 5)
    for had in (6, 10**6, 2**63 - 1):
        assert pair.resumed({key: had}, pair.epoch) == [(key, had, 5)]


def test_numbers_of_another_epoch_are_a_gap_whatever_they_are(pair, key):
    pair.speak(key, 5)
    for had in (0, 3, 5, 6):
        assert pair.resumed({key: had}, "another") == [(key, had, 5)]


def test_three_hundred_are_replayed_and_one_more_is_a_gap(pair, key):
    pair.speak(key, REPLAY + 1)
    assert pair.resumed({key: 1}, pair.epoch) == [(key, seq) for seq in range(2, REPLAY + 2)]
    assert pair.resumed({key: 0}, pair.epoch) == [(key, 0, REPLAY + 1)]


def test_each_conversation_is_decided_by_itself(pair):
    pair.speak(pair.tea, REPLAY + 1)
    pair.speak(pair.talk, 3)
    pair.speak(pair.cake, 2)
    came = pair.resumed({pair.tea: 0, pair.talk: 1, pair.cake: 1}, pair.epoch)
    assert sorted(came) == sorted([(pair.cake, 2), (pair.tea, 0, REPLAY + 1), (pair.talk, 2), (pair.talk, 3)])


def test_a_room_not_named_stays_silent_and_a_private_talk_not_named_counts_as_0(pair):
    pair.speak(pair.tea, 2)
    pair.speak(pair.talk, 2)
    assert pair.resumed({}, pair.epoch) == [(pair.talk, 1), (pair.talk, 2)]
    fresh = pair.ben()  # no resume at all: a page that opens
    assert told(fresh) == []


def test_a_private_talk_that_began_while_ben_was_away_comes_whole(pair):
    ben = pair.ben()
    here = {f"g:{room['gid']}": room["seq"] for room in ben.welcome["groups"]}
    assert ben.welcome["peers"] == []
    ben.close()
    pair.speak(pair.talk, 3)
    assert pair.resumed(here, ben.welcome["epoch"]) == [(pair.talk, 1), (pair.talk, 2), (pair.talk, 3)]


def test_what_comes_after_the_replay_follows_it_without_a_hole_or_a_double(pair):
    pair.speak(pair.tea, 50)
    ben = pair.ben(login=False)
    ben.send(type="login", resume={"epoch": pair.epoch, "seqs": {pair.tea: 10}})
    pair.speak(pair.tea, 200)
    assert told(ben) == [(pair.tea, seq) for seq in range(11, 251)]


def test_a_restart_of_the_server_changes_none_of_it(site, pair, key):
    pair.speak(key, 5)
    site.kill()
    site.start()
    assert pair.resumed({key: 2}, pair.epoch) == [(key, 3), (key, 4), (key, 5)]
    assert pair.resumed({key: 5}, pair.epoch) == []
    assert pair.resumed({key: 6}, pair.epoch) == [(key, 6, 5)]
    assert pair.ben().welcome["epoch"] == pair.epoch


def not_his(pair: Pair) -> list[str]:
    """Names that lead to what ada has without ben, or nowhere, or would if keys were put together carelessly."""
    ada, ben = pair.uids
    cy = ada.replace("ada", "cy")
    odd = [f"p:{cy}", f"p:{len(ada)}:{ada}|{cy}", f"p:{ada}|{cy}", pair.diary[2:], cy, f"p:{ben}"]
    return [pair.diary, f"{pair.diary}%", *odd, "", "g:", "p:", "g:nowhere", "g:%"]


@pytest.mark.parametrize("epoch", ["same", "another", None])
def test_naming_other_peoples_conversations_brings_nothing_of_them(pair, epoch):
    pair.speak(pair.tea, 2)
    epoch = pair.epoch if epoch == "same" else epoch
    for had in (0, 1, 2):
        ben = pair.ben(login=False)
        ben.send(type="login", resume={"epoch": epoch, "seqs": dict.fromkeys(not_his(pair), had)})
        ben.ask(type="ping")
        everything = json.dumps(ben.waiting)
        assert [frame["type"] for frame in ben.waiting if frame["type"] in (*TOLD, "error")] == []
        assert not any(word in everything for word in ("nobody shall read", "nor this", "diary"))
        ben.close()


def test_who_left_a_room_gets_nothing_of_it_by_resume(pair):
    ben = pair.ben()
    pair.speak(pair.tea, 3)
    assert ben.ask(type="leave", gid=pair.tea[2:])["type"] == "ack"
    pair.speak(pair.tea, 3)
    assert pair.resumed({pair.tea: 0}, pair.epoch) == []


MALFORMED = (
    '"all"',
    "[]",
    "7",
    '{"seqs": []}',
    '{"seqs": "g:tea"}',
    '{"seqs": null}',
    '{"seqs": {"g:tea": -1}}',
    '{"seqs": {"g:tea": 1.5}}',
    '{"seqs": {"g:tea": "1"}}',
    '{"seqs": {"g:tea": null}}',
    '{"seqs": {"g:tea": true}}',
    '{"seqs": {"g:tea": 9223372036854775808}}',
    '{"seqs": {"g:tea": {"seq": 1}}}',
    '{"epoch": 1, "seqs": {"g:tea": 0}}',
    '{"epoch": ["e"], "seqs": {"g:tea": 0}}',
    json.dumps({"seqs": {f"g:{number}": 0 for number in range(1001)}}),
)


def test_a_malformed_resume_is_an_error_and_the_next_login_works(pair):
    pair.speak(pair.tea, 2)
    for resume in MALFORMED:
        ben = pair.ben(login=False)
        ben.client.send(TEXT, f'{{"type":"login","id":"l","resume":{resume}}}'.encode())
        error = ben.expect("error")
        assert (resume[:40], error["code"], error["id"]) == (resume[:40], "bad_frame", "l")
        assert told(ben) == []
        ben.login(resume={"epoch": None, "seqs": {pair.tea: 1}})
        assert told(ben) == [(pair.tea, 2)]
        ben.close()


def test_a_resume_of_a_thousand_names_is_answered_for_those_that_are_his(pair):
    pair.speak(pair.tea, 2)
    names = {f"g:room-{number}": 0 for number in range(999)} | {pair.tea: 1}
    assert pair.resumed(names, pair.epoch) == [(pair.tea, 2)]
