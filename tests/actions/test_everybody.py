import pytest

from legacy_chat.actions.everybody import Everybody
from legacy_chat.actions.presence import Presence


class Connected:
    """One person with two connections."""

    def is_online(self, uid):
        return uid == "7"

    def count(self):
        return 1, 2


@pytest.fixture
def polls(parts):
    presence = Presence(parts)

    def polls(uid: str, client_id: int) -> None:
        parts.database.run(lambda c: presence.polls(c, client_id, uid, False, parts.clock() + 1000))
        parts.mailbox.look()

    return polls


def test_somebody_with_both_kinds_of_page_is_one_person(parts, polls):
    polls("7", 1)
    polls("9", 2)
    everybody = Everybody(parts, Connected())
    assert everybody.count() == (2, 4)
    assert [everybody.is_online(uid) for uid in ("7", "9", "5")] == [True, True, False]


def test_without_connections_of_its_own_a_process_asks_the_store(parts, polls):
    polls("9", 2)
    everybody = Everybody(parts)
    assert everybody.count() == (1, 1)
    polls("8", 3)
    assert everybody.count() == (1, 1)
    everybody.refresh()
    assert everybody.count() == (2, 2)
    assert everybody.is_online("9")
    assert not everybody.is_online("7")
