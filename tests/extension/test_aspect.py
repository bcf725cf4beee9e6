import pytest

from legacy_chat.extension.aspect import EXTENSION, state_of_app


def test_the_state_is_that_of_the_app_that_is_served(make_host):
    one, other = make_host(), make_host()
    with one.app_context():
        assert state_of_app() is one.extensions[EXTENSION]
    with other.app_context():
        assert state_of_app() is other.extensions[EXTENSION]


def test_outside_of_an_app_flask_says_so():
    with pytest.raises(RuntimeError, match="application context"):
        state_of_app()
