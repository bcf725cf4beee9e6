"""Every backplane passes these; one that carries notices to other processes sends them as bytes."""

import msgspec
import pytest

from legacy_chat.backplane.contract import Disconnect, Reach, Subscribe, ToAll, ToPeople, ToRoom, Unsubscribe
from legacy_chat.backplane.memory import MemoryBackplane
from legacy_chat.core.model import Conversation
from legacy_chat.errors import Unavailable

NOTICES = [
    ToRoom("g:lobby", b'{"type":"groupPm"}'),
    ToRoom("g:lobby", b"{}", droppable=True, skip=1001),
    ToPeople(("7", "9"), b"{}"),
    ToAll(b"{}"),
    Subscribe("7", Conversation(1, gid="lobby")),
    Subscribe("7", Conversation(2, pair=("7", "9"))),
    Unsubscribe("7", "g:lobby"),
    Disconnect("7", 4440, "logged out", "a browser"),
]


@pytest.fixture(params=[MemoryBackplane])
def backplane(request):
    return request.param()


def test_every_worker_hears_every_notice_in_the_publishers_order(backplane):
    one, two = [], []
    backplane.subscribe(one.append)
    backplane.subscribe(two.append)
    for notice in NOTICES:
        backplane.publish(notice)
    assert one == two == NOTICES


def test_a_worker_hears_what_is_published_from_its_start_on(backplane):
    backplane.publish(NOTICES[0])
    heard = []
    backplane.subscribe(heard.append)
    assert heard == []


def test_a_receiver_that_breaks_is_no_matter_of_the_publisher_nor_of_the_others(backplane):
    def broken(notice):
        raise RuntimeError("this worker is ill")

    heard = []
    backplane.subscribe(broken)
    backplane.subscribe(heard.append)
    backplane.publish(NOTICES[0])
    assert heard == NOTICES[:1]


def test_a_delivery_is_published_and_counted_over_all_workers(backplane):
    heard = []
    backplane.subscribe(heard.append, lambda notice: Reach(1, 3))
    backplane.subscribe(heard.append, lambda notice: Reach(2, 2))
    assert backplane.deliver(NOTICES[0]) == Reach(3, 5)
    assert heard == [NOTICES[0]] * 2


def test_what_no_worker_takes_is_refused_aloud(backplane):
    with pytest.raises(Unavailable):
        backplane.deliver(NOTICES[0])


@pytest.mark.parametrize("notice", NOTICES)
def test_a_notice_survives_the_way_over_a_wire(notice):
    kinds = ToRoom | ToPeople | ToAll | Subscribe | Unsubscribe | Disconnect
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(notice), type=kinds) == notice


@pytest.mark.parametrize("notice", NOTICES)
def test_a_notice_cannot_be_changed_by_one_of_its_receivers(notice):
    with pytest.raises(AttributeError):
        setattr(notice, notice.__struct_fields__[0], "changed")
