"""One connection, one post at a time; its outcome, or none for who gave it up."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from live.raw import eventually

from legacy_chat.client import lane as lane_module
from legacy_chat.client.lane import Lane, Post
from legacy_chat.client.life import Life
from legacy_chat.client.route import Route

from .desk import Desk

BODY = b'{"cursor":null,"frames":[],"wait":0}'


@pytest.fixture
def lane():
    """`lane(url)` is closed after the test."""
    made: list[Lane] = []

    def make(url: str) -> Lane:
        made.append(Lane(Life(), Route(f"{url}/poll"), {"X-Who": "ada"}))
        return made[-1]

    yield make
    for each in made:
        each.close()


def carried(lane: Lane, post: Post) -> Post:
    lane.start(post)
    eventually(lambda: post.over)
    return post


def test_posts_follow_each_other_on_one_connection(desk, lane):
    came = []

    def scene(desk: Desk) -> None:
        for status in (200, 503):
            came.append(desk.hear())
            came[-1].answer(status, b"text", {"Retry-After": "7"})

    line = lane(desk(scene))
    for status in (200, 503):
        post = carried(line, Post(BODY))
        assert (post.answer, post.error, post.left) == ((status, 7.0, b"text"), None, True)
    assert came[0].connection == came[1].connection
    assert {asked.headers["X-Who"] for asked in came} == {"ada"}


def test_a_connection_that_the_server_ended_meanwhile_is_made_anew(desk, lane):
    came = []

    def scene(desk: Desk) -> None:
        for _ in range(2):
            came.append(desk.hear())
            came[-1].answer(200, b"{}", {"Connection": "close"} if len(came) == 2 else None)

    line = lane(desk(scene))
    carried(line, Post(BODY))
    line._connection.sock.shutdown(socket.SHUT_RDWR)
    assert carried(line, Post(BODY)).error is None
    assert came[0].connection != came[1].connection


def test_a_connection_that_an_answer_ends_is_over_at_once(desk, lane):
    """Servers wait for that: gunicorn's sync worker for up to two seconds, in which it serves nobody."""
    came = []

    def scene(desk: Desk) -> None:
        came.append(desk.hear())
        came[-1].answer(200, b"{}", {"Connection": "close"})

    post = carried(lane(desk(scene)), Post(BODY))
    assert post.answer == (200, None, b"{}")
    assert came[0].ended.wait(10)


def test_the_end_of_a_connection_without_an_answer_is_an_error_of_a_post_that_left(desk, lane):
    def scene(desk: Desk) -> None:
        desk.hear().vanish()

    post = carried(lane(desk(scene)), Post(BODY))
    assert post.answer is None
    assert isinstance(post.error, ConnectionError)
    assert post.left


def test_where_nobody_listens_a_post_never_left(lane):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    post = carried(lane(f"http://127.0.0.1:{port}/chat"), Post(BODY))
    assert isinstance(post.error, ConnectionRefusedError)
    assert not post.left


@pytest.mark.timed
def test_an_answer_that_does_not_come_in_time_is_an_error(desk, lane, monkeypatch):
    monkeypatch.setattr(lane_module, "_PATIENCE", 0.1)

    def scene(desk: Desk) -> None:
        desk.hear()
        desk.hear().answer(200, b"{}")

    line = lane(desk(scene))
    began = time.monotonic()
    assert isinstance(carried(line, Post(BODY, wait=0.2)).error, TimeoutError)
    assert 0.3 <= time.monotonic() - began < 3
    assert carried(line, Post(BODY)).answer


@pytest.mark.timed
def test_a_post_that_was_given_up_makes_way_at_once(desk, lane):
    here, came = threading.Event(), []

    def scene(desk: Desk) -> None:
        came.append(desk.hear())
        here.set()
        came.append(desk.hear())
        came[-1].answer(200, b"{}")

    line = lane(desk(scene))
    first = Post(BODY, wait=25)
    line.start(first)
    assert here.wait(10)
    began = time.monotonic()
    assert carried(line, Post(BODY)).answer
    assert time.monotonic() - began < 3
    assert first.answer is None
    assert came[0].connection != came[1].connection


@pytest.mark.timed
def test_a_closed_lane_leaves_nothing_behind(desk, lane):
    here = threading.Event()

    def scene(desk: Desk) -> None:
        desk.hear()
        here.set()

    line = lane(desk(scene))
    line.start(Post(BODY, wait=25))
    assert here.wait(10)
    began = time.monotonic()
    line.close()
    line.close()
    assert time.monotonic() - began < 1
    assert not line._thread.is_alive()
    assert line._connection is None
