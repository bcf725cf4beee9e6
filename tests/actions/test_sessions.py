from legacy_chat.actions import sessions
from legacy_chat.backplane.contract import Disconnect
from legacy_chat.core import close


def test_all_that_ada_has_open_ends_or_what_one_device_has(parts, published):
    sessions.end(parts, 7)
    sessions.end(parts, "7", "her phone", by="7")
    assert [notice for notice in published if isinstance(notice, Disconnect)] == [
        Disconnect("7", close.SESSION_ENDED, "logged out"),
        Disconnect("7", close.SESSION_ENDED, "logged out", "her phone", "7"),
    ]
