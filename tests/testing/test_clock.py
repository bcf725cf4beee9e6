import pytest

from legacy_chat.testing import Clock


def test_time_passes_when_a_test_says_so():
    clock = Clock(1000)
    clock.advance(2.5)
    assert clock() == 3500


def test_and_never_goes_back():
    with pytest.raises(ValueError, match="goes on"):
        Clock(1000).advance(-1)
