import pytest

from legacy_chat.actions.handlers import Handlers


@pytest.fixture
def handlers() -> Handlers:
    return Handlers()


def test_a_handler_gets_the_data_and_one_without_parameters_gets_nothing(handlers):
    handlers.add("move", lambda data: data)
    handlers.add("ready", lambda: "yes")
    handlers.add("all", lambda *data: data)
    handlers.add("maybe", lambda data="nothing": data)
    assert handlers.events["move"]({"to": "e4"}) == {"to": "e4"}
    assert handlers.events["ready"]({"to": "e4"}) == "yes"
    assert handlers.events["all"](1) == (1,)
    assert handlers.events["maybe"](1) == 1


def test_the_function_stays_what_it_is(handlers):
    def move(data):
        return data

    assert handlers.add("move", move) is move


def test_connect_and_close_may_have_several_and_are_no_events(handlers):
    for name in ("connect", "connect", "close", "disconnect"):
        handlers.add(name, lambda member: None)
    assert (len(handlers.connect), len(handlers.close), handlers.events) == (2, 2, {})


def test_an_event_has_one_answer(handlers):
    handlers.add("move", lambda data: 1)
    with pytest.raises(ValueError, match="handles 'move' already"):
        handlers.add("move", lambda data: 2)


@pytest.mark.parametrize("name", ["", "no spaces", "-first", "x" * 65, "new\nline", "end\n"])
def test_what_cannot_be_a_name_is_refused(handlers, name):
    with pytest.raises(ValueError, match="event's name"):
        handlers.add(name, lambda data: 1)


def test_a_function_of_two_parameters_is_refused_where_it_is_written(handlers):
    with pytest.raises(TypeError, match="more than one argument"):
        handlers.add("move", lambda member, data: 1)


def test_a_coroutine_is_refused(handlers):
    async def move(data):
        return data

    with pytest.raises(TypeError, match="coroutine"):
        handlers.add("move", move)


def test_what_cannot_be_called_is_refused(handlers):
    with pytest.raises(TypeError, match="5 is no function: a handler is one"):
        handlers.add("move", 5)


def test_whether_the_site_has_any(handlers):
    assert not handlers
    handlers.add("close", lambda: None)
    assert handlers
