import pytest

from legacy_chat.core import close


@pytest.mark.parametrize("code", [4400, close.NOT_LOGGED_IN, close.FORBIDDEN, 4407, close.SESSION_ENDED, 4499])
def test_these_codes_tell_a_client_to_stay_away(code):
    assert close.is_final(code)


@pytest.mark.parametrize(
    "code", [close.DONE, close.ABNORMAL, close.RESTART, close.FULL, 4399, close.TOO_SLOW, close.FLOOD, 4439, 4500]
)
def test_after_these_codes_a_client_comes_back(code):
    assert not close.is_final(code)


def test_no_two_codes_share_a_number():
    codes = [value for name, value in vars(close).items() if name.isupper()]
    assert len(codes) == len(set(codes))
