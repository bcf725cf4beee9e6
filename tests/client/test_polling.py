"""A session over single requests: what it posts when, and which answers it believes."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from live.raw import eventually

from legacy_chat.client import Client, Closed, NotConnected, NotSent, Refused
from legacy_chat.client import polling as polling_module
from legacy_chat.core import frames

from .desk import Asked, Desk, ack
from .script import message, numbers


@pytest.fixture
def polling(ada):
    """`polling(url)` is a connected client that polls."""
    return lambda url, **how: ada(url, transport="polling", **how)


def seen(client: Client, count: int) -> list[int]:
    return numbers(client, count)


def held(client: Client) -> Client:
    """Whose poll is on its way or held, so that what is said comes after it."""
    eventually(lambda: client._wire._holding)
    return client


# -- polls -------------------------------------------------------------------------------------------------------


def test_the_first_post_logs_in_and_the_next_ones_are_held_with_the_newest_cursor(desk, polling):
    asked: list[Asked] = []

    def scene(desk: Desk) -> None:
        asked.append(desk.login(lobby=1))
        for seq in (2, 3):
            asked.append(desk.hear())
            asked[-1].say(message(seq), cursor=f"c{seq}")
        asked.append(desk.hear())

    client = polling(desk(scene), token="secret")
    assert seen(client, 2) == [2, 3]
    assert client.transport == "polling"
    assert client.online
    eventually(lambda: len(asked) == 4)
    assert [(post.cursor, post.wait) for post in asked] == [(None, 0), ("c1", 25), ("c2", 25), ("c3", 25)]
    assert [post.path for post in asked] == ["/chat/poll"] * 4
    assert asked[0].frames[0]["token"] == "secret"
    assert "secret" not in str(asked[1].headers)
    assert [post.frames for post in asked[1:]] == [[], [], []]
    assert {post.headers["Content-Type"] for post in asked} == {"application/json"}


def test_a_cookie_comes_with_the_origin_of_the_site(desk, polling):
    came = []

    def scene(desk: Desk) -> None:
        came.append(desk.login().headers)

    url = desk(scene)
    polling(url, cookie="session=abc")
    assert (came[0]["Cookie"], came[0]["Origin"]) == ("session=abc", url.removesuffix("/chat"))


def test_polls_and_sends_keep_one_connection_each(desk, polling):
    holds, talks, here = [], [], threading.Semaphore(0)

    def scene(desk: Desk) -> None:
        talks.append(desk.login(lobby=0).connection)
        for number in range(1, 4):
            hold = desk.hear()
            here.release()
            talk = desk.hear()
            hold.say(cursor="void")
            talk.say(ack(talk.frames[0]["id"], number), cursor=f"c{number}")
            holds.append(hold.connection)
            talks.append(talk.connection)

    client = polling(desk(scene))
    for number in range(1, 4):
        assert here.acquire(timeout=10)
        assert client.group("lobby", "hello").seq == number
    desk.finish()
    assert len(set(holds)) == 1
    assert len(set(talks)) == 1
    assert holds[0] != talks[0]


def test_where_nothing_is_held_back_the_pause_is_kept_and_grows_while_nothing_happens(desk, polling, monkeypatch):
    monkeypatch.setattr(polling_module, "_PAUSE_MOST", 0.4)
    times: list[float] = []

    def scene(desk: Desk) -> None:
        desk.login(pause=100, lobby=0)
        for _ in range(9):
            asked = desk.hear()
            times.append(time.monotonic())
            asked.say(pause=100)
        asked = desk.hear()
        asked.say(message(1), pause=100)
        times.append(time.monotonic())
        desk.hear()
        times.append(time.monotonic())

    assert seen(polling(desk(scene)), 1) == [1]
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses[0] >= 0.1
    assert pauses[-2] >= 0.39
    assert max(pauses) < 1


def test_a_pause_is_no_reason_to_wait_with_what_is_said(desk, polling):
    def scene(desk: Desk) -> None:
        desk.login(pause=60_000, lobby=0)
        asked = desk.hear()
        assert asked.wait == 0
        asked.say(message(1), ack(asked.frames[0]["id"], 1), cursor="c2", pause=60_000)

    client = polling(desk(scene))
    began = time.monotonic()
    assert client.group("lobby", "hello").seq == 1
    assert seen(client, 1) == [1]
    assert time.monotonic() - began < 5


def test_a_server_that_answers_early_with_nothing_is_not_asked_in_circles(desk, polling):
    count = []

    def scene(desk: Desk) -> None:
        desk.login()
        ends = time.monotonic() + 1
        while time.monotonic() < ends:
            desk.hear().say()
            count.append(1)

    polling(desk(scene))
    time.sleep(1)
    assert 2 <= len(count) < 15


def test_a_long_backlog_is_fetched_at_once(desk, polling):
    def scene(desk: Desk) -> None:
        desk.login(lobby=0)
        for start in range(1, 1001, 100):
            desk.hear().say(*map(message, range(start, start + 100)), cursor=f"c{start}")

    client = polling(desk(scene))
    began = time.monotonic()
    assert seen(client, 1000) == list(range(1, 1001))
    assert time.monotonic() - began < 5


# -- sends -------------------------------------------------------------------------------------------------------


def test_what_is_said_while_a_poll_is_held_goes_out_at_once_with_the_same_cursor(desk, polling):
    def scene(desk: Desk) -> None:
        desk.login(lobby=3)
        held, talk = desk.both()
        assert (held.cursor, talk.cursor, talk.wait) == ("c1", "c1", 0)
        assert [frame["content"] for frame in talk.frames] == ["hello"]
        held.say(cursor="other")
        talk.say(message(4), ack("mine", 4), cursor="c2")
        assert desk.hear().cursor == "c2"

    client = held(polling(desk(scene)))
    assert client.group("lobby", "hello", id="mine").seq == 4
    assert seen(client, 1) == [4]
    desk.finish()


def test_what_the_held_poll_brings_while_something_is_said_is_left_aside(desk, polling):
    """What is said may change what the next cursor stands for, such as the event rooms one is in."""
    typing = {"type": "typing", "uid": "2", "name": "ben", "gid": "lobby"}

    def scene(desk: Desk) -> None:
        desk.login(lobby=3)
        held, talk = desk.both()
        held.say(typing, message(4), cursor="of the held one")
        desk.hears_nothing(0.2)
        talk.say(typing, message(4), message(5), ack("mine", 5), cursor="c2")
        assert desk.hear().cursor == "c2"

    client = held(polling(desk(scene)))
    assert client.group("lobby", "hello", id="mine").seq == 5
    assert isinstance(client.receive(10), frames.TypingNotice)
    assert seen(client, 2) == [4, 5]
    assert client.receive(0.1) is None
    desk.finish()


def test_it_is_left_aside_too_while_a_lost_post_is_to_be_repeated(desk, polling):
    def scene(desk: Desk) -> None:
        desk.login(lobby=3)
        held, talk = desk.both()
        talk.refuse(503, headers={"Retry-After": "1"})
        time.sleep(0.2)
        held.say(message(4), cursor="of the held one")
        again = desk.hear()
        assert (again.cursor, again.frames) == ("c1", talk.frames)
        again.say(message(4), message(5), ack("mine", 5), cursor="c2")
        assert desk.hear().cursor == "c2"

    client = held(polling(desk(scene)))
    assert client.group("lobby", "hello", id="mine").seq == 5
    assert seen(client, 2) == [4, 5]
    desk.finish()


def test_a_post_that_is_refused_as_a_whole_is_told_to_whoever_asked_and_not_repeated(desk, polling):
    def scene(desk: Desk) -> None:
        desk.login(lobby=0, pause=60_000)
        desk.hear().refuse(413, {"type": "error", "code": "too_large", "message": "too large"})
        talk = desk.hear()
        assert (talk.cursor, talk.frames[0]["content"]) == ("c1", "short")
        talk.say(ack(talk.frames[0]["id"], 1), message(1), cursor="c2", pause=60_000)

    client = polling(desk(scene))
    with pytest.raises(Refused) as refused:
        client.group("lobby", "long")
    assert refused.value.code == "too_large"
    assert client.group("lobby", "short").seq == 1
    desk.finish()


def test_a_poll_that_is_sent_home_and_does_not_come_is_not_waited_for(desk, polling, monkeypatch):
    monkeypatch.setattr(polling_module, "_HOME_SECONDS", 0.2)

    def scene(desk: Desk) -> None:
        desk.login(lobby=0)
        _, talk = desk.both()
        talk.say(ack(talk.frames[0]["id"], 1), message(1), cursor="c2")
        again = desk.hear()
        assert (again.cursor, again.wait) == ("c2", 25)
        again.say(message(2), cursor="c3")

    client = held(polling(desk(scene)))
    client.group("lobby", "hello")
    assert seen(client, 2) == [1, 2]


def test_ones_own_private_message_is_handed_out_in_its_place(desk, polling):
    ben = {"type": "pm", "uid": "2", "to": "1", "name": "ben", "content": "hi", "seq": 1, "ts": 0, "mid": "1"}

    def scene(desk: Desk) -> None:
        desk.login()
        held, talk = desk.both()
        held.say()
        talk.say(ben, ack("mine", 2), cursor="c2")

    client = held(polling(desk(scene)))
    client.pm("2", "hello", id="mine")
    assert [(event.uid, event.seq) for event in (client.receive(10), client.receive(10))] == [("2", 1), ("1", 2)]


def test_what_is_said_while_a_post_is_under_way_goes_together_in_the_next_one(desk, polling):
    first, ready = threading.Event(), threading.Event()

    def scene(desk: Desk) -> None:
        desk.login(lobby=0, pause=60_000)
        talk = desk.hear()
        first.set()
        assert ready.wait(10)
        desk.hears_nothing(0.1)
        talk.say(ack(talk.frames[0]["id"], 1), cursor="c2", pause=60_000)
        talk = desk.hear()
        assert len(talk.frames) == 5
        talk.say(*(ack(frame["id"], n) for n, frame in enumerate(talk.frames, 2)), cursor="c3", pause=60_000)

    client = polling(desk(scene))
    with ThreadPoolExecutor(6) as pool:
        begun = [pool.submit(client.group, "lobby", "one")]
        assert first.wait(10)
        begun += [pool.submit(client.group, "lobby", "more") for _ in range(5)]
        eventually(lambda: len(client._wire._outgoing) == 5)
        ready.set()
        assert sorted(each.result().seq for each in begun) == [1, 2, 3, 4, 5, 6]


def test_a_post_is_no_larger_than_the_server_takes(desk, polling):
    sizes: list[int] = []
    many, size = 60, 1500

    def scene(desk: Desk) -> None:
        desk.login(lobby=0, pause=60_000, rate=(0, 0))
        seq = 0
        while seq < many:
            talk = desk.hear()
            sizes.append(int(talk.headers["Content-Length"]))
            time.sleep(0.02)
            seq += len(talk.frames)
            talk.say(*(ack(frame["id"]) for frame in talk.frames), cursor=f"c{seq}", pause=60_000)

    client = polling(desk(scene))
    with ThreadPoolExecutor(many) as pool:
        assert len(list(pool.map(lambda _: client.group("lobby", "x" * size, timeout=20), range(many)))) == many
    assert max(sizes) <= 8 * 2000 + 500
    assert len(sizes) >= many * size / (8 * 2000)


def test_the_rate_that_the_server_told_is_kept_with_the_posts_themselves(desk, polling):
    tokens = []

    def scene(desk: Desk) -> None:
        desk.login(lobby=0, rate=(20, 10))
        said = 0
        while said < 20:
            asked = desk.hear()
            tokens.append((time.monotonic(), 1 + len(asked.frames)))
            said += len(asked.frames)
            asked.say(*(ack(frame["id"]) for frame in asked.frames), cursor=f"c{len(tokens)}")

    client = polling(desk(scene))
    for _ in range(20):
        client.group("lobby", "hello", timeout=20)
    cost = sum(cost for _, cost in tokens)
    assert cost <= 10 + 20 * (tokens[-1][0] - tokens[0][0]) + 1


@pytest.mark.parametrize(("code", "retry_after"), [("rate_limited", 60), ("not_member", None)])
def test_a_no_is_told_at_once_with_its_code(desk, polling, code, retry_after):
    def scene(desk: Desk) -> None:
        desk.login(pause=60_000)
        talk = desk.hear()
        error = {"type": "error", "id": talk.frames[0]["id"], "code": code, "message": "no"}
        talk.say(error | ({"retry_after": retry_after} if retry_after else {}))

    with pytest.raises(Refused) as refused:
        polling(desk(scene)).group("lobby", "hello")
    assert (refused.value.code, refused.value.retry_after) == (code, retry_after)


# -- trouble -----------------------------------------------------------------------------------------------------


def test_a_send_whose_answer_was_lost_is_posted_again_with_its_id(desk, polling):
    ids = []

    def scene(desk: Desk) -> None:
        desk.login(lobby=3, pause=60_000)
        for _ in range(3):
            talk = desk.hear()
            assert talk.cursor == "c1"
            ids.append(talk.frames[0]["id"])
            if len(ids) < 3:
                talk.vanish()
        talk.say(message(4), ack("mine", 4), cursor="c2")

    client = polling(desk(scene))
    assert client.group("lobby", "hello", id="mine").seq == 4
    assert ids == ["mine"] * 3
    assert seen(client, 1) == [4]


def test_what_may_not_happen_twice_is_not_posted_twice(desk, polling):
    def scene(desk: Desk) -> None:
        desk.login(pause=60_000)
        desk.hear().vanish()
        talk = desk.hear()
        assert [frame["type"] for frame in talk.frames] == ["rooms"]
        talk.say({"type": "ack", "id": talk.frames[0]["id"], "ok": True, "rooms": []}, cursor="c2")

    client = polling(desk(scene))
    began = time.monotonic()
    with pytest.raises(NotSent):
        client.request("create", name="Tea", timeout=10)
    assert time.monotonic() - began < 5
    assert client.request("rooms").rooms == []


def test_what_a_full_server_did_not_look_at_is_posted_again_even_so(desk, polling):
    times = []

    def scene(desk: Desk) -> None:
        desk.login(pause=60_000)
        for status in (503, 429):
            talk = desk.hear()
            times.append(time.monotonic())
            talk.refuse(status, headers={"Retry-After": "1"})
        talk = desk.hear()
        times.append(time.monotonic())
        assert talk.frames[0]["type"] == "create"
        talk.say({"type": "ack", "id": talk.frames[0]["id"], "ok": True}, cursor="c2")

    client = polling(desk(scene))
    assert client.request("create", name="Tea", timeout=10)
    assert [after - before >= 0.99 for before, after in itertools.pairwise(times)] == [True, True]


def test_a_word_of_when_to_come_back_counts_more_than_whole_seconds(desk, polling):
    times = []

    def scene(desk: Desk) -> None:
        desk.login(pause=60_000)
        for code in ("rate_limited", None):
            talk = desk.hear()
            times.append(time.monotonic())
            if code:
                error = {"type": "error", "code": code, "message": "slowly", "retry_after": 0.2}
                talk.refuse(429, error, headers={"Retry-After": "1"})
        talk.say(ack(talk.frames[0]["id"]))

    polling(desk(scene)).group("lobby", "hello")
    assert 0.2 <= times[1] - times[0] < 0.9


def test_nobody_who_stopped_waiting_is_spoken_for(desk, polling):
    def scene(desk: Desk) -> None:
        desk.login(pause=60_000)
        desk.hear().refuse(503, headers={"Retry-After": "1"})
        talk = desk.hear()
        assert [frame["content"] for frame in talk.frames] == ["later"]
        talk.say(ack(talk.frames[0]["id"]))

    client = polling(desk(scene))
    with pytest.raises(NotSent):
        client.group("lobby", "now", timeout=0.2)
    assert client.group("lobby", "later")


def test_a_server_that_holds_no_more_polls_takes_what_is_said(desk, polling):
    def scene(desk: Desk) -> None:
        desk.login(lobby=0)
        desk.hear().refuse(503, headers={"Retry-After": "60"})
        talk = desk.hear()
        talk.say(message(1), ack(talk.frames[0]["id"]), cursor="c2")
        desk.hears_nothing(0.3)

    client = polling(desk(scene))
    eventually(lambda: not client.online)
    assert client.group("lobby", "hello")
    assert client.online
    assert seen(client, 1) == [1]
    desk.finish()


@pytest.mark.parametrize("trouble", ["vanish", "gateway", "portal"])
def test_what_somebody_in_between_says_is_no_end(desk, polling, trouble):
    def scene(desk: Desk) -> None:
        desk.login(lobby=0)
        for _ in range(3):
            asked = desk.hear()
            if trouble == "vanish":
                asked.vanish()
            else:
                asked.answer(502 if trouble == "gateway" else 200, b"<html>Please wait</html>")
        asked = desk.hear()
        assert asked.cursor == "c1"
        asked.say(message(1), cursor="c2")

    client = polling(desk(scene))
    login = client.login
    assert seen(client, 1) == [1]
    assert client.login is login


def test_a_server_that_restarts_says_when_to_come_back(desk, polling):
    times = []

    def scene(desk: Desk) -> None:
        desk.login(lobby=0)
        desk.hear().say(message(1), {"type": "drain", "retry_after": 400}, cursor="c2")
        times.append(time.monotonic())
        asked = desk.hear()
        times.append(time.monotonic())
        assert asked.cursor == "c2"
        asked.say(message(2), cursor="c3")

    assert seen(polling(desk(scene)), 2) == [1, 2]
    assert 0.4 <= times[1] - times[0] < 3


def test_a_cursor_that_is_too_old_means_a_new_login_that_goes_on(desk, polling):
    error = {"type": "error", "code": "bad_cursor", "message": "too old"}

    def scene(desk: Desk) -> None:
        desk.login(lobby=3)
        desk.hear().say(message(4), cursor="c2")
        desk.hear().refuse(400, error, close=1012)
        asked = desk.hear()
        assert asked.frames[0]["resume"] == {"epoch": "e1", "seqs": {"g:lobby": 4}}
        desk.let_in(asked, message(5), cursor="c3", lobby=5)
        assert desk.hear().cursor == "c3"

    assert seen(polling(desk(scene)), 2) == [4, 5]
    desk.finish()


@pytest.mark.parametrize(("status", "code"), [(401, 4401), (403, 4403), (401, 4440)])
def test_a_final_code_ends_the_client_after_what_had_come(desk, polling, status, code):
    def scene(desk: Desk) -> None:
        desk.login(lobby=0)
        desk.hear().say(message(1), cursor="c2")
        desk.hear().refuse(status, {"type": "error", "code": "x", "message": "enough"}, close=code)

    client = polling(desk(scene))
    assert seen(client, 1) == [1]
    with pytest.raises(Closed) as closed:
        client.receive(10)
    assert (closed.value.code, closed.value.reason) == (code, "enough")


@pytest.mark.parametrize(("status", "code"), [(401, 4401), (403, 4403)])
def test_a_login_that_is_refused_for_good_is_told_by_connect(desk, status, code):
    def scene(desk: Desk) -> None:
        desk.hear().answer(status, b"no")

    with pytest.raises(Closed) as closed:
        Client(desk(scene), transport="polling").connect()
    assert closed.value.code == code


@pytest.mark.parametrize("status", [503, 404, 302, 413])
def test_a_login_that_does_not_work_is_tried_until_the_timeout(desk, status):
    def scene(desk: Desk) -> None:
        for _ in range(2):
            desk.hear().answer(status, b"no")

    with pytest.raises(NotConnected, match=str(status)):
        Client(desk(scene), transport="polling").connect(timeout=1)


def test_a_flood_is_answered_with_patience(desk, polling):
    times = []

    def scene(desk: Desk) -> None:
        desk.login(lobby=0)
        desk.hear().refuse(429, {"type": "error", "code": "rate_limited", "message": "flood"}, close=4429)
        times.append(time.monotonic())
        asked = desk.hear()
        times.append(time.monotonic())
        desk.let_in(asked, message(1), lobby=1)

    assert seen(polling(desk(scene)), 1) == [1]
    assert times[1] - times[0] >= 1


def test_a_token_is_made_anew_for_each_login(desk, polling):
    tokens, seen_ = iter(["first", "second"]), []

    def scene(desk: Desk) -> None:
        seen_.append(desk.login(lobby=0).frames[0]["token"])
        desk.hear().refuse(400, close=1012)
        asked = desk.hear()
        seen_.append(asked.frames[0]["token"])
        desk.let_in(asked, message(1), lobby=1)

    assert seen(polling(desk(scene), token=lambda: next(tokens)), 1) == [1]
    assert seen_ == ["first", "second"]


@pytest.mark.timed
def test_the_end_leaves_no_thread_and_comes_at_once(desk, polling):
    def scene(desk: Desk) -> None:
        desk.login()
        desk.hear()

    before = threading.active_count()
    url = desk(scene)
    with Client(url, transport="polling") as client:
        held(client)
        began = time.monotonic()
    assert time.monotonic() - began < 1
    assert not client.online
    assert client.transport is None
    names = [thread.name for thread in threading.enumerate() if thread.name.startswith("legacy_chat")]
    assert names == []
    assert threading.active_count() >= before
