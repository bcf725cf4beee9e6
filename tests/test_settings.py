import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_chat.core.limits import Rate
from legacy_chat.errors import SettingsError
from legacy_chat.settings import TABLE, Settings, load


def test_nothing_needs_to_be_set():
    settings = load({}, {})
    assert settings.prefix == "/chat"
    assert settings.default_rooms == ("lobby",)
    assert settings.allowed_origins == ()
    assert settings.max_message_bytes == 65536
    assert settings.text_chars == 4000
    assert settings.rate == Rate(50, 200)
    assert settings.replay == 300


def test_every_setting_of_the_table_is_an_attribute_and_named_in_the_class():
    names = {setting.name.lower() for setting in TABLE}
    assert names == set(Settings.__annotations__)
    assert names == set(vars(load({}, {})))
    assert all(setting.help for setting in TABLE)


def test_the_config_of_the_app_goes_over_the_environment():
    environ = {"CHAT_REPLAY": "7", "CHAT_WELCOME": "hi", "OTHER": "x"}
    settings = load({"CHAT_REPLAY": 9, "OTHER": "y"}, environ)
    assert (settings.replay, settings.welcome) == (9, "hi")


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("PREFIX", "/talk", "/talk"),
        ("PREFIX", "/a.b/...c/x-1_2/chat", "/a.b/...c/x-1_2/chat"),
        ("DEFAULT_ROOMS", "lobby, help,", ("lobby", "help")),
        ("DEFAULT_ROOMS", ["lobby", "help"], ("lobby", "help")),
        ("DEFAULT_ROOMS", "", ()),
        ("ALLOWED_ORIGINS", "https://Shop.example/, http://b.example:8000", ("https://shop.example", "http://b.example:8000")),
        ("ALLOWED_ORIGINS", "*", ("*",)),
        ("MAX_MESSAGE_BYTES", "1024", 1024),
        ("RATE", "50/200", Rate(50, 200)),
        ("RATE", "50", Rate(50, 50)),
        ("RATE", "0.5/3", Rate(0.5, 3)),
        ("RATE", "0", Rate(0, 0)),
        ("RATE", 0, Rate(0, 0)),
        ("PING_SECONDS", "2.5", 2.5),
        ("LOGIN_SECONDS", 3, 3.0),
        ("TEXT_ROOMS", "", ()),
        ("TEXT_ROOMS", "0", ()),
        ("TEXT_ROOMS", False, ()),
        ("TEXT_ROOMS", "1", ("*",)),
        ("TEXT_ROOMS", True, ("*",)),
        ("TEXT_ROOMS", "tea, 大厅", ("tea", "大厅")),
        ("TEXT_ROOMS", ["tea", "milk"], ("tea", "milk")),
    ],
)  # fmt: skip
def test_a_value_means(name, given, read):
    assert getattr(load({f"CHAT_{name}": given}, {}), name.lower()) == read


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("PREFIX", "chat"),
        ("PREFIX", "/chat/"),
        ("PREFIX", "/"),
        ("PREFIX", ""),
        ("PREFIX", "/chat/<x>"),
        ("PREFIX", "/my chat"),
        ("PREFIX", "//chat"),
        ("PREFIX", "/site//chat"),
        ("PREFIX", "/chat?x"),
        ("PREFIX", "/chat%20"),
        ("PREFIX", "/../chat"),
        ("PREFIX", "/site/."),
        ("PREFIX", "/chat\n"),
        ("ALLOWED_ORIGINS", "shop.example"),
        ("ALLOWED_ORIGINS", "https://shop.example/blog"),
        ("ALLOWED_ORIGINS", "https://"),
        ("ALLOWED_ORIGINS", "https://a.example,b.example"),
        ("MAX_MESSAGE_BYTES", "1023"),
        ("MAX_MESSAGE_BYTES", "64k"),
        ("MAX_MESSAGE_BYTES", ""),
        ("TEXT_CHARS", "0"),
        ("RATE", "fast"),
        ("RATE", "-1/5"),
        ("RATE", "50/0"),
        ("RATE", "50/-3"),
        ("RATE", "nan"),
        ("RATE", "50/nan"),
        ("RATE", "inf/inf"),
        ("PING_SECONDS", "0"),
        ("PING_SECONDS", "nan"),
        ("PING_SECONDS", "inf"),
        ("LOGIN_SECONDS", "-1"),
        ("BACKPLANE", "carrier-pigeon://"),
        ("DEFAULT_ROOMS", "the lobby"),
        ("DEFAULT_ROOMS", "a/b"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_its_name_and_help(name, given):
    with pytest.raises(SettingsError) as refused:
        load({f"CHAT_{name}": given}, {})
    assert f"CHAT_{name}" in str(refused.value)
    assert next(setting.help for setting in TABLE if setting.name == name) in str(refused.value)


@pytest.mark.parametrize(
    ("name", "given", "form"),
    [
        ("RATE", "abc", "must be like 50/200"),
        ("RATE", "50/abc", "must be like 50/200"),
        ("API_RATE", "", "must be like 50/200"),
        ("TRUSTED_PROXIES", "all", "must be a whole number from 0 to 10"),
        ("TRUSTED_PROXIES", "11", "must be a whole number from 0 to 10"),
        ("PING_SECONDS", "soon", "must be a number of seconds above 0"),
        ("WEBHOOK_RETRY_SECONDS", "5,x", "must be a number of seconds above 0"),
        ("TEST_ECHO", "maybe", "must be 1 or 0"),
    ],
)
def test_the_form_of_a_value_is_named(name, given, form):
    with pytest.raises(SettingsError, match=form) as refused:
        load({f"CHAT_{name}": given}, {})
    assert "could not convert" not in str(refused.value)
    assert "invalid literal" not in str(refused.value)


def test_all_mistakes_are_told_together():
    with pytest.raises(SettingsError) as refused:
        load({"CHAT_REPLAY": "many", "CHAT_COLOUR": "red"}, {"CHAT_RATE": "fast"})
    lines = str(refused.value).splitlines()
    assert [line.split("=")[0].split(":")[0] for line in lines] == ["CHAT_RATE", "CHAT_REPLAY", "CHAT_COLOUR"]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("CHAT_MAX_CONNECTION", "rename it to CHAT_MAX_CONNECTIONS"),
        ("CHAT_DATABASE_URI", "rename it to CHAT_DATABASE_URL"),
        ("CHAT_XYZZY", "give it a name that does not begin with CHAT_"),
    ],
)
def test_a_name_that_is_none_is_told_with_the_nearest(name, advice):
    with pytest.raises(SettingsError, match=f"{name}: there is no such setting; {advice}"):
        load({name: "1"}, {})


def test_a_setting_of_another_program_in_the_environment_is_no_mistake():
    assert load({}, {"CHAT_COLOUR": "red"})


def test_none_in_the_config_is_as_if_it_were_not_there():
    settings = load({"CHAT_WELCOME": None, "CHAT_DATABASE_URL": None}, {})
    assert (settings.welcome, settings.database_url) == ("", "")


def test_settings_do_not_change_while_the_site_runs():
    settings = load({}, {})
    with pytest.raises(AttributeError):
        settings.replay = 5


@given(st.sampled_from([f"CHAT_{setting.name}" for setting in TABLE]), st.text(max_size=12))
def test_no_text_makes_it_raise_anything_but_its_own_error(name, given):
    words = name
    try:
        load({}, {name: given})
    except SettingsError as error:
        words = str(error)
    assert name in words
