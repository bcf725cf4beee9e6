from legacy_chat.actions.hooks import Hooks


def test_what_one_chat_was_told_another_does_not_know():
    one, other = Hooks(), Hooks()
    one.changed.append(lambda uid, online: None)
    assert other.changed == []
