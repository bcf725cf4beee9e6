import pytest

from legacy_chat.core.access import check_member, check_see
from legacy_chat.core.model import Room
from legacy_chat.errors import NotMember, UnknownRoom

LOBBY = Room(1, "lobby", "Lobby", private=False, seq=3, ts=0)
BOARD = Room(2, "board", "Board", private=True, seq=3, ts=0)


@pytest.mark.parametrize(("room", "member"), [(LOBBY, False), (LOBBY, True), (BOARD, True)])
def test_a_public_room_is_seen_by_all_and_a_private_one_by_its_members(room, member):
    assert check_see(room, room.gid, member) is room


def test_a_stranger_cannot_tell_a_private_room_from_a_missing_one():
    with pytest.raises(UnknownRoom) as private:
        check_see(BOARD, "board", member=False)
    with pytest.raises(UnknownRoom) as missing:
        check_see(None, "board", member=False)
    assert private.value.message == missing.value.message
    with pytest.raises(UnknownRoom) as asked_as_member:
        check_member(BOARD, "board", member=False)
    assert asked_as_member.value.message == missing.value.message


@pytest.mark.parametrize("room", [LOBBY, BOARD])
def test_a_member_may_read_and_write(room):
    assert check_member(room, room.gid, member=True) is room


def test_somebody_else_is_told_to_join_the_public_room_first():
    with pytest.raises(NotMember, match="join"):
        check_member(LOBBY, "lobby", member=False)
