"""A connection is ended from another thread, at whatever point it is."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest

from legacy_chat.client.cord import Cord

from .deaf import Deaf


def cut_soon(cord: Cord) -> threading.Thread:
    cutting = threading.Timer(0.2, cord.cut)
    cutting.start()
    return cutting


def test_it_dials_as_the_standard_library_does():
    with socket.create_server(("127.0.0.1", 0)) as server:
        cord = Cord()
        with cord.dial(("localhost", server.getsockname()[1]), 5.0) as dialled:
            assert dialled.gettimeout() == 5.0
            assert dialled.getpeername() == server.getsockname()
        cord.cut()
        cord.cut()


def test_where_nobody_is_that_is_said():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        Cord().dial(("127.0.0.1", port), 5.0)
    with pytest.raises(socket.gaierror):
        Cord().dial(("nobody.invalid", 80), 5.0)


@pytest.mark.timed
@pytest.mark.parametrize("way", ["no answer", "silent"])
def test_a_cut_ends_a_connect_or_a_read_at_once(way):
    cord = Cord()
    with Deaf(way) as server:
        cutting, began = cut_soon(cord), time.monotonic()
        with suppress(OSError), cord.dial(("127.0.0.1", server.port), 30.0) as dialled:
            assert dialled.recv(1) == b""
        assert time.monotonic() - began < 2
        cutting.join()


def test_what_was_cut_dials_no_more():
    cord = Cord()
    cord.cut()
    with Deaf("silent") as server, pytest.raises(ConnectionAbortedError):
        cord.dial(("127.0.0.1", server.port), 30.0)
