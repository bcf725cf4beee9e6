from legacy_chat.backplane.contract import Unsubscribe
from legacy_chat.backplane.memory import MemoryBackplane


def test_a_notice_is_there_when_publish_returns():
    backplane, heard = MemoryBackplane(), []
    backplane.subscribe(heard.append)
    backplane.publish(Unsubscribe("7", "g:lobby"))
    assert heard == [Unsubscribe("7", "g:lobby")]


def test_two_sites_in_one_process_do_not_hear_each_other():
    one, other, heard = MemoryBackplane(), MemoryBackplane(), []
    other.subscribe(heard.append)
    one.publish(Unsubscribe("7", "g:lobby"))
    assert heard == []


def test_with_no_worker_a_notice_is_nobodys():
    MemoryBackplane().publish(Unsubscribe("7", "g:lobby"))
