"""How many sockets may come."""

import pytest

from legacy_chat import settings
from legacy_chat.errors import Unavailable
from legacy_chat.realtime.admission import Admission, most_sockets


def admission(**limits) -> Admission:
    return Admission(settings.load({f"CHAT_{name.upper()}": value for name, value in limits.items()}, {}))


def test_adas_third_page_waits_until_one_of_two_is_closed():
    door = admission(max_per_user=2)
    for _ in range(2):
        door.check("10.0.0.1", "ada")
        door.enter("10.0.0.1", "ada")
    with pytest.raises(Unavailable) as refused:
        door.check("10.0.0.1", "ada")
    assert refused.value.retry_after
    door.check("10.0.0.1", "ben")
    door.leave("10.0.0.1", "ada")
    door.check("10.0.0.1", "ada")


def test_an_address_is_full_for_everybody_behind_it_and_for_nobody_else():
    door = admission(max_per_address=1)
    door.enter("10.0.0.1", None)
    with pytest.raises(Unavailable):
        door.check("10.0.0.1", "ada")
    door.check("10.0.0.2", "ada")
    door.check(None, "ada")


def test_a_person_who_is_known_only_at_the_login_counts_from_there():
    door = admission(max_per_user=1)
    door.enter(None, None)
    door.check_uid("ada")
    door.enter_uid("ada")
    with pytest.raises(Unavailable):
        door.check_uid("ada")
    door.leave(None, "ada")
    door.check_uid("ada")


def test_a_worker_is_full():
    door = admission(max_connections=1, max_per_address=0, max_per_user=0)
    door.enter("10.0.0.1", "ada")
    with pytest.raises(Unavailable):
        door.check("10.0.0.2", "ben")


@pytest.mark.parametrize(
    ("wanted", "descriptors", "most"), [(10_000, 1024, 768), (500, 1024, 500), (0, 65536, 65280), (10_000, 256, 128)]
)
def test_pages_keep_descriptors_whatever_the_setting_says(wanted, descriptors, most):
    assert most_sockets(wanted, descriptors) == most
