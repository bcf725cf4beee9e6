"""Rules as a site gives them: what can be none is refused where it is written."""

from __future__ import annotations

import pytest

from legacy_chat import Chat

KINDS = {"can_join": 2, "can_invite": 3, "can_post": 2, "can_message": 2, "before_message": 1, "member_loader": 1}


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.mark.parametrize(("kind", "number"), KINDS.items())
def test_a_rule_takes_what_it_will_be_called_with(chat, kind, number):
    register = getattr(chat, kind)
    rule = eval(f"lambda {', '.join('abc'[:number])}: True")
    assert register(rule) is rule
    assert register(lambda *given: True)
    for wrong in ("lambda: True", f"lambda {', '.join('abcd'[: number + 1])}: True"):
        with pytest.raises(TypeError, match=rf"cannot be called with \(.*\), as `{kind}` is"):
            register(eval(wrong))


@pytest.mark.parametrize("kind", KINDS)
def test_what_can_be_no_rule_is_refused(chat, kind):
    async def later(*given):
        return True

    class Later:
        async def __call__(self, *given):
            return True

    for wrong in (later, Later()):
        with pytest.raises(TypeError, match=f"is a coroutine: `{kind}` is a plain function"):
            getattr(chat, kind)(wrong)
    with pytest.raises(TypeError, match="None is no function"):
        getattr(chat, kind)(None)
