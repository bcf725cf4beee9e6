import time

from legacy_chat.actions.parts import Parts, now_ms
from legacy_chat.backplane.memory import MemoryBackplane
from legacy_chat.settings import load
from legacy_chat.storage import rooms


def test_a_query_runs_in_the_offload(database):
    class Counting:
        calls = 0

        def call(self, work):
            self.calls += 1
            return work()

    offload = Counting()
    parts = Parts(load({}, {}), database, MemoryBackplane(), offload)
    assert parts.read(rooms.epoch) == database.read(rooms.epoch)
    assert offload.calls == 1


def test_without_a_loop_everything_runs_where_it_is_called(database):
    parts = Parts(load({}, {}), database, MemoryBackplane())
    assert parts.writer.call(rooms.epoch) == database.read(rooms.epoch)


def test_the_time_of_a_message_is_in_milliseconds():
    assert abs(now_ms() - time.time() * 1000) < 5000
