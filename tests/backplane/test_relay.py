"""The asking end of the relay, against a worker that is played: it answers, refuses, hangs up or is not there."""

from __future__ import annotations

import json
import os
import socket
import threading
from contextlib import closing

import pytest

from legacy_chat.backplane import relay as relay_module
from legacy_chat.backplane.contract import Disconnect, Reach, ToPeople
from legacy_chat.backplane.memory import MemoryBackplane
from legacy_chat.backplane.relay import Answer, Relay, decode_request, encode_answer, socket_path
from legacy_chat.core.push import Errand, Push, Pushed
from legacy_chat.errors import BadShape, Unavailable, UnknownRoom

HELLO = Errand(Push(uid="7", content="hello"), "push:1")
STORED = Errand(Push(uid="7", content="hello", durable=True), "push:2")


@pytest.fixture
def relay(tmp_path) -> Relay:
    return Relay(str(tmp_path))


@pytest.fixture
def play(relay):
    """A worker that gives these answers, one a connection; None hangs up. The list of what it was asked."""
    ended = []

    def start(*answers: Answer | None) -> list:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(relay.path))
        listener.listen()
        asked: list = []
        thread = threading.Thread(target=serve, args=(listener, answers, asked))
        thread.start()
        ended.append((listener, thread))
        return asked

    yield start
    for listener, thread in ended:
        thread.join(10)
        listener.close()
        assert not thread.is_alive()


def serve(listener, answers, asked) -> None:
    for answer in answers:
        with closing(listener.accept()[0]) as connection:
            asked.append(decode_request(b"".join(iter(lambda c=connection: c.recv(65536), b""))))
            if answer is not None:
                connection.sendall(encode_answer(answer))
    listener.close()


def test_an_errand_is_handed_over_whole_and_answered_with_counts(relay, play):
    asked = play(Answer(pushed=Pushed(1, 3, 0, id="x")))
    assert relay.hand_over(HELLO) == Pushed(1, 3, 0, id="x")
    assert [request.errand for request in asked] == [HELLO]


def test_a_notice_keeps_its_bytes(relay, play):
    asked = play(Answer(pushed=Pushed(2, 4, 0)))
    notice = ToPeople(("7", "9"), b'{"type":"event"}', droppable=True)
    assert relay.tell(notice) == Reach(2, 4)
    assert [request.notice for request in asked] == [notice]


def test_what_the_worker_raised_is_raised_here(relay, play):
    play(Answer.failed(UnknownRoom("There is no room 'x'.")), Answer.failed(Unavailable("ill", retry_after=2.0)))
    with pytest.raises(UnknownRoom, match="no room 'x'"):
        relay.hand_over(HELLO)
    with pytest.raises(Unavailable) as caught:
        relay.hand_over(HELLO)
    assert caught.value.retry_after == 2.0


@pytest.mark.parametrize("left_over", [False, True])
def test_nobody_listens(relay, left_over):
    if left_over:  # by a worker that was killed
        with closing(socket.socket(socket.AF_UNIX)) as listener:
            listener.bind(str(relay.path))
    assert relay.hand_over(HELLO) is None
    assert relay.tell(Disconnect("7", 4440, "")) is None


def test_a_worker_that_dies_with_an_event_in_its_hands_is_an_error(relay, play):
    play(None)
    with pytest.raises(Unavailable, match="went away"):
        relay.hand_over(HELLO)


def test_what_is_stored_is_asked_for_again_under_the_same_id(relay, play):
    asked = play(None, Answer(pushed=Pushed(1, 1, 1)))
    assert relay.hand_over(STORED) == Pushed(1, 1, 1)
    assert [request.errand.request_id for request in asked] == ["push:2", "push:2"]


def test_a_socket_that_cannot_be_opened_is_told_not_hidden(tmp_path):
    (tmp_path / "file").touch()
    relay = Relay(str(tmp_path / "file"))
    with pytest.raises(Unavailable, match="cannot be opened"):
        relay.hand_over(HELLO)


def test_a_long_path_becomes_a_short_one_of_the_same_site(tmp_path):
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    assert socket_path(str(deep)) == socket_path(str(deep)) != socket_path(str(deep) + "y")
    assert len(str(socket_path(str(deep)))) < 100
    assert socket_path(str(tmp_path)).parent == tmp_path
    assert Relay(str(deep)).hand_over(HELLO) is None


def test_a_socket_that_somebody_else_put_into_the_folder_for_temporary_files_is_not_spoken_to(tmp_path, monkeypatch):
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    relay = Relay(str(deep))
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(relay.path))
        listener.listen()
        monkeypatch.setattr(relay_module, "_owner", lambda path: 12345 if path == relay.path else os.getuid())
        assert relay.hand_over(HELLO) is None


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b'{"errand":{}}', b"\xff", b'{"notice":{"type":"Unknown"}}', b"[" * 10000]
)
def test_a_request_that_cannot_be_read_is_refused(raw):
    with pytest.raises(BadShape):
        decode_request(raw)


def test_a_backplane_without_worker_publishes_through_the_relay(relay, play):
    asked = play(Answer(pushed=Pushed(0, 0, 0)), Answer(pushed=Pushed(1, 2, 0)))
    backplane = MemoryBackplane(relay)
    backplane.publish(Disconnect("7", 4440, "logged out"))
    assert backplane.deliver(ToPeople(("7",), b"{}")) == Reach(1, 2)
    assert [type(request.notice) for request in asked] == [Disconnect, ToPeople]


def test_where_nobody_listens_a_publisher_goes_on_and_who_wants_a_count_is_told(relay):
    backplane = MemoryBackplane(relay)
    backplane.publish(Disconnect("7", 4440, "logged out"))
    with pytest.raises(Unavailable, match="No chat worker"):
        backplane.deliver(ToPeople(("7",), b"{}"))


def test_another_thread_than_the_workers_goes_through_the_relay_too(relay, play):
    asked = play(Answer(pushed=Pushed(1, 1, 0)))
    backplane, received, told = MemoryBackplane(relay), [], []
    backplane.subscribe(received.append)
    assert backplane.here
    thread = threading.Thread(target=lambda: told.append(backplane.deliver(ToPeople(("7",), b"{}"))))
    thread.start()
    thread.join(10)
    assert (told, received, len(asked)) == ([Reach(1, 1)], [], 1)
    assert json.loads(asked[0].notice.frame) == {}
