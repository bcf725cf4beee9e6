import re

import pytest

from legacy_chat import errors
from legacy_chat.errors import ChatError, RateLimited


def tree(error) -> list:
    return [error, *(leaf for child in error.__subclasses__() for leaf in tree(child))]


ALL = tree(ChatError)
TOLD = [error for error in ALL if not error.__subclasses__()]


@pytest.mark.parametrize("error", TOLD)
def test_the_drawing_shows_every_error_with_its_code_and_status(error):
    assert re.search(rf"── {error.__name__} +{error.code} +{error.status}\b", errors.__doc__)


def test_no_two_errors_that_are_told_share_a_code():
    assert len({error.code for error in TOLD}) == len(TOLD)


@pytest.mark.parametrize("error", ALL)
def test_every_status_says_whose_mistake_it_was(error):
    assert 400 <= error.status < 600


def test_an_error_carries_words_and_at_times_a_wait():
    error = RateLimited("Slow down.", retry_after=0.5)
    assert (str(error), error.message, error.retry_after) == ("Slow down.", "Slow down.", 0.5)
    assert ChatError("No.").retry_after is None


def test_a_mistake_of_the_configuration_is_nothing_to_tell_a_client():
    assert not issubclass(errors.SettingsError, ChatError)


@pytest.mark.parametrize("error", [errors.Refused, errors.Forbidden, ChatError])
def test_an_error_without_words_has_some_all_the_same(error):
    assert error("").message == error().message == str(error("")) == "This was refused."


@pytest.mark.parametrize(("seconds", "told"), [(0, "1"), (0.2, "1"), (1, "1"), (1.4, "2"), (5, "5"), (59.01, "60")])
def test_nobody_is_told_to_come_too_early(seconds, told):
    assert errors.whole_seconds(seconds) == told
