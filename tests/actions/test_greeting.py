from legacy_chat.actions.greeting import hello


def test_a_client_is_told_its_number_and_the_limits(parts):
    frame = hello(1001, parts.settings)
    assert (frame.client_id, frame.version, frame.ping) == (1001, 1, 25)
    assert (frame.limits.message_bytes, frame.limits.text_chars, frame.limits.rate) == (65536, 4000, (50, 200))


def test_and_the_sites_welcome_where_there_is_one(make_parts):
    assert hello(1001, make_parts(CHAT_WELCOME="hi").settings).welcome == "hi"
