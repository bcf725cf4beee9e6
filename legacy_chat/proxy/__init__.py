"""The configuration of a proxy in front of the site, printed from the settings: nginx, Apache, Caddy.

The words of each stand in the template beside this file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..settings import Settings, load
from . import listen

KINDS = ("nginx", "apache", "caddy")

# Where `gunicorn.conf.py` listens.
UPSTREAM = "127.0.0.1:8000"

# Seconds of silence that the proxy must bear at the least: its own default, and twice what a held poll takes.
_LEAST_IDLE = 60

# The largest body of a poll or of the HTTP API, with room.
_LEAST_BODY = 2 << 20

# Of a name of ours, beside `legacy_chat_` and `_connection`: nginx's table of variables takes 46 letters.
_LONGEST = 23

_NAME = r"[\w.*:\[\]-]+"
_ADDRESS = r"([\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5}"
_LISTEN = r"[\w.*:/\[\]-]+"
_PATH = r"""[^"\\\x00-\x1f\x7f]+"""


def _check(what: str, text: str, form: str, like: str) -> None:
    if not re.fullmatch(form, text):
        raise ValueError(f"The {what} {text!r} cannot stand in a configuration: write it like {like}.")


@dataclass(frozen=True)
class Proxy:
    """What stands in the configuration beside the settings.

    `upstream` is where gunicorn listens, host:port or the path of a unix socket. `listen` are addresses of the proxy's
    own; without any it is port 80, and with a `certificate` 443. `static` is the folder with `chat/` and `vendor/` in
    it, served from disk; without it the site serves those files.
    """

    upstream: str = UPSTREAM
    server_name: str | None = None
    listen: tuple[str, ...] = ()
    certificate: str | None = None
    key: str | None = None
    static: Path | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` for what would be something else in the file than it is here."""
        _check("upstream", self.upstream, _PATH if self.unix else _ADDRESS, "127.0.0.1:8000")
        if self.server_name is not None:
            _check("server name", self.server_name, _NAME, "shop.example")
        for address in self.listen:
            _check("address to listen on", address, _LISTEN, "8443 or 127.0.0.1:8443")
        for file in filter(None, (self.certificate, self.key)):
            _check("file", file, _PATH, "/etc/ssl/shop.pem")

    @property
    def unix(self) -> bool:
        return self.upstream.startswith("/")


def idle_seconds(settings: Settings) -> int:
    """How long a proxy has to bear a silent connection: three pings, of which one may be lost on the way."""
    return max(_LEAST_IDLE, round(3 * settings.ping_seconds))


def _word(text: object) -> str:
    """In quotes where it would be several words to the proxy."""
    return f'"{text}"' if re.search(r"[\s;{}#]", str(text)) else str(text)


def _name(settings: Settings, proxy: Proxy) -> str:
    """What the file calls its own things: nginx has one room for the names of all its files."""
    given = [
        proxy.server_name or "",
        settings.prefix if settings.prefix != load({}, {}).prefix else "",
        proxy.upstream if proxy.upstream != UPSTREAM else "",
    ]
    whole = "_".join(part.strip("/") for part in given if part)
    text = re.sub(r"[^a-z0-9]", lambda found: "__" if found[0] == "-" else "_", whole.lower())
    if len(text) > _LONGEST or not whole.isascii():
        text = f"{text[: _LONGEST - 9]}_{crc32(whole.encode()):08x}"
    return "_".join(filter(None, ["legacy_chat", text]))


def render(kind: str, settings: Settings, proxy: Proxy = Proxy()) -> str:
    """The file for one of `KINDS`, ready to be put in place. Raises `ValueError` for what it cannot say."""
    words = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - no HTML
    )
    words.filters["word"] = _word
    words.filters["apache"] = listen.apache
    template = words.get_template(f"{kind}.jinja")
    return template.render(
        proxy=proxy,
        prefix=settings.prefix,
        name=_name(settings, proxy),
        idle=idle_seconds(settings),
        body=_LEAST_BODY >> 20,
        settings=settings,
        caddy=listen.caddy(proxy.listen, proxy.server_name) if kind == "caddy" and proxy.listen else None,
    )
