"""The one table of settings: each from the app's config or the environment, all mistakes reported together."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .core.limits import Rate
from .core.text import check_gid
from .errors import BadText, SettingsError

N = TypeVar("N", int, float)


_SECONDS = "must be a number of seconds above 0"
_RATE = "must be like 50/200 (so many a second / at once), or 0"


def _number(kind: Callable[[str], N], text: str, form: str) -> N:
    """Raises `ValueError` in words of ours: Python's own name no form."""
    try:
        return kind(text)
    except ValueError:
        raise ValueError(form) from None


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = _number(int, text, f"must be a whole number from {low} to {high}")
        if not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return number

    return parse


def _seconds(text: str) -> float:
    number = _number(float, text, _SECONDS)
    if not 0 < number < 1e6:
        raise ValueError(_SECONDS)
    return number


def _flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError("must be 1 or 0")
    return words[text.lower()]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _rooms(text: str) -> tuple[str, ...]:
    try:
        return tuple(check_gid(word) for word in _words(text))
    except BadText as error:
        raise ValueError(error.message) from None


def _text_rooms(text: str) -> tuple[str, ...]:
    """None at all, these rooms, or ("*",) for any."""
    try:
        return ("*",) if text and _flag(text) else ()
    except ValueError:
        return _rooms(text)


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(word.rstrip("/").lower() for word in _words(text))
    for origin in origins:
        if origin != "*" and not re.fullmatch(r"https?://[^/?#@\s]+", origin):
            raise ValueError(f"{origin!r} must be written like https://shop.example, without a path")
    return origins


def _prefix(text: str) -> str:
    if not re.fullmatch(r"(/(?!\.\.?(/|$))[A-Za-z0-9._-]+)+", text):
        raise ValueError("must be a path such as /chat: letters, digits, - _ . and slashes, one first and none last")
    return text


def _rate(text: str) -> Rate:
    per_second, _, burst = text.partition("/")
    rate = Rate(_number(float, per_second, _RATE), _number(float, burst or per_second, _RATE))
    if not (0 <= rate.per_second < 1e9 and 0 <= rate.burst < 1e9) or (rate.per_second and rate.burst < 1):
        raise ValueError(_RATE)
    return rate


def _delays(text: str) -> tuple[float, ...]:
    return tuple(_seconds(word) for word in _words(text))


def _log_format(text: str) -> str:
    if text not in ("text", "json"):
        raise ValueError("must be text or json")
    return text


def _backplane(text: str) -> str:
    if text != "memory://":
        raise ValueError("must be memory:// (one worker)")
    return text


@dataclass(frozen=True)
class Setting:
    """`name` without CHAT_, its default as text, how the text is read, and a line of help."""

    name: str
    default: str
    parse: Callable[[str], Any]
    help: str


TABLE = (
    Setting("PREFIX", "/chat", _prefix, "the path under which everything lives"),
    Setting("DATABASE_URL", "", str, "SQLAlchemy address; empty: chat.sqlite in Flask's instance folder"),
    Setting("BACKPLANE", "memory://", _backplane, "what workers share"),
    Setting("DEFAULT_ROOMS", "lobby", _rooms, "rooms created at the first start and joined at the first login"),
    Setting("ALLOWED_ORIGINS", "", _origins, "origins beside the site itself, such as https://shop.example; * for all"),
    Setting("MAX_MESSAGE_BYTES", "65536", _integer(1024, 2**30), "the largest message a client may send"),
    Setting("TEXT_CHARS", "4000", _integer(1, 1_000_000), "the longest text of a message, in characters"),
    Setting("RATE", "50/200", _rate, "frames a second and burst for one socket, or all polls of a person; 0: no limit"),
    Setting("MAX_ROOMS", "128", _integer(1, 100_000), "rooms one person may belong to"),
    Setting("REPLAY", "300", _integer(0, 100_000), "messages of a conversation replayed at a reconnect; more is a gap"),
    Setting("MAX_CONNECTIONS", "10000", _integer(0, 1_000_000), "sockets of one worker; 0: no limit"),
    Setting("MAX_PER_USER", "10", _integer(0, 1_000_000), "sockets of one person; 0: no limit"),
    Setting("MAX_PER_ADDRESS", "50", _integer(0, 1_000_000), "sockets of one address; 0: no limit"),
    Setting("MAX_POLLS", "500", _integer(0, 1_000_000), "polls that one worker holds back at a time; 0: no limit"),
    Setting("TASKS", "1000", _integer(1, 1_000_000), "tasks of the site that wait or run in one worker at a time"),
    Setting("TRUSTED_PROXIES", "0", _integer(0, 10), "proxies in front whose X-Forwarded-* headers are believed"),
    Setting("FRAGMENTS", "1024", _integer(1, 1_000_000), "pieces that one message may come in"),
    Setting("OUTBOX_BYTES", "262144", _integer(65536, 2**30), "bytes that wait for a slow reader before it is closed"),
    Setting("HEADER_SECONDS", "15", _seconds, "until a request's headers are complete"),
    Setting("LOGIN_SECONDS", "10", _seconds, "from the handshake to the first valid frame"),
    Setting("FRAME_SECONDS", "30", _seconds, "until a started frame or message is complete"),
    Setting("WRITE_SECONDS", "10", _seconds, "until a reader that takes nothing is given up"),
    Setting("PING_SECONDS", "25", _seconds, "silence after which a client is pinged"),
    Setting("PONG_SECONDS", "10", _seconds, "from the ping to any sign of life"),
    Setting("GRACE_SECONDS", "10", _seconds, "that somebody may be gone (a page change, a restart) and is not offline"),
    Setting("LEASE_SECONDS", "30", _seconds, "until the people of a worker that died count as gone, then the grace"),
    Setting("CLOSE_SECONDS", "2", _seconds, "for the peer to end the connection after our close frame"),
    Setting("WORKER_SECONDS", "0", _integer(0, 10**7), "age at which a worker makes room for a new one; 0: never"),
    Setting("TEST_ECHO", "0", _flag, "serves /chat/test/echo; for conformance tests only"),
    Setting("LOGOUT_EVERYWHERE", "1", _flag, "a logout ends the chat of all one's devices; 0: of that browser alone"),
    Setting("METRICS_LOOPBACK", "1", _flag, "metrics may be read from this machine without a key"),
    Setting("LOG_FORMAT", "text", _log_format, "how the chat's own log lines look: text or json"),
    Setting("TOKEN_SECONDS", "3600", _seconds, "life of a connect token"),
    Setting("API_RATE", "100/200", _rate, "requests a second and burst for one key of the HTTP API; 0: no limit"),
    Setting("WEBHOOK_PRIVATE", "0", _flag, "webhooks may lead to private addresses, such as a site on this host"),
    Setting("WEBHOOK_SECONDS", "10", _seconds, "until a webhook's receiver has answered"),
    Setting(
        "WEBHOOK_RETRY_SECONDS",
        "5,30,120,600,3600,10800,21600,43200",
        _delays,
        "the waits between the tries of a delivery; after the last it is given up",
    ),
    Setting("WEBHOOK_LOG_DAYS", "7", _integer(1, 3650), "how long the log of deliveries goes back"),
    Setting("WELCOME", "", str, "a text for `hello`"),
    Setting("TEXT_ROOMS", "off", _text_rooms, "the plain-text rooms: a list of names, 1 for any name, or off"),
    Setting("TEXT_WELCOME", "", str, "a text that a newcomer to a plain-text room gets first"),
    Setting("TEXT_ECHO", "1", _flag, "plain-text rooms: whoever says something gets it as well"),
)


NAMES = frozenset(f"CHAT_{setting.name}" for setting in TABLE)


def rather(name: str) -> str:
    """What to do about a CHAT_ name that is none of ours: the nearest one, where there is one."""
    near = difflib.get_close_matches(name.removeprefix("CHAT_"), [setting.name for setting in TABLE], 1)
    if near:
        return f"rename it to CHAT_{near[0]}"
    return "give it a name that does not begin with CHAT_; docs/reference/settings.md lists those that do"


class Settings:
    """The settings, frozen: `settings.max_message_bytes` is CHAT_MAX_MESSAGE_BYTES."""

    prefix: str
    database_url: str
    backplane: str
    default_rooms: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    max_message_bytes: int
    text_chars: int
    rate: Rate
    max_rooms: int
    replay: int
    max_connections: int
    max_per_user: int
    max_per_address: int
    max_polls: int
    tasks: int
    trusted_proxies: int
    fragments: int
    outbox_bytes: int
    header_seconds: float
    login_seconds: float
    frame_seconds: float
    write_seconds: float
    ping_seconds: float
    pong_seconds: float
    grace_seconds: float
    lease_seconds: float
    close_seconds: float
    worker_seconds: int
    test_echo: bool
    logout_everywhere: bool
    metrics_loopback: bool
    log_format: str
    token_seconds: float
    api_rate: Rate
    webhook_private: bool
    webhook_seconds: float
    webhook_retry_seconds: tuple[float, ...]
    webhook_log_days: int
    welcome: str
    text_rooms: tuple[str, ...]
    text_welcome: str
    text_echo: bool

    def __init__(self, values: Mapping[str, Any]):
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("settings are read once, at start")


def load(config: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Read every CHAT_* setting: the app's config first, then the environment, then the default.

    Raises `SettingsError` with all mistakes, one a line.
    """
    values: dict[str, Any] = {}
    mistakes = []
    for setting in TABLE:
        key = f"CHAT_{setting.name}"
        given = config.get(key)
        given = environ.get(key, setting.default) if given is None else given
        try:
            values[setting.name.lower()] = setting.parse(_as_text(given))
        except ValueError as error:
            mistakes.append(f"{key}={given!r}: {error} ({setting.help})")
    unknown = sorted(key for key in config if key.startswith("CHAT_") and key not in NAMES)
    mistakes += [f"{key}: there is no such setting; {rather(key)}" for key in unknown]
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return Settings(values)


def _as_text(given: Any) -> str:
    """A value of app.config as the text it would be in the environment."""
    if isinstance(given, bool):
        return "1" if given else "0"
    if isinstance(given, list | tuple | set):
        return ",".join(str(item) for item in given)
    return str(given)
