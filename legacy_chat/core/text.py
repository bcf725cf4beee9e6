"""What may stand in a message: one place for the rule, whatever transport the text came by."""

from __future__ import annotations

import re

from ..errors import BadText, Empty, TooLong

# Tab, newline and carriage return are text; the other control characters garble terminals, logs and C strings, and
# half a surrogate pair cannot be encoded.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_GID = re.compile(r"[\w.:@+-]{1,64}")
# Browsers read a backslash as a slash and drop tabs and newlines: `/\evil.example` would lead to another site.
_PICTURE = re.compile(r"(?:https://[^/\s\\]|/(?![/\\]))[^\s\\\x00-\x1f\x7f]*")
_PICTURE_CHARS = 500
# In a terminal these begin commands, as escape does: "\x9b1G" goes back to the start of the line.
_COMMANDS = re.compile("[\x80-\x9f]")
# U+200C and U+200D: Persian words and families of emoji are spelled with them. At an end they join nothing.
_JOINERS = "\u200c\u200d"
_UNSEEN = dict.fromkeys(map(ord, _JOINERS))
_EDGES = _JOINERS + "".join(letter for letter in map(chr, range(0x3001)) if letter.isspace())
# All that some reader takes for the end of a line, those of Unicode among them.
_NEWLINES = ("\r\n", "\n", "\r", "\x85", "\u2028", "\u2029")


def check_text(content: str, limit: int) -> str:
    """The text with its newlines made one kind; `limit` in characters.

    Raises `Empty`, `TooLong` or `BadText`.
    """
    if not content or content.isspace():
        raise Empty("The message is empty: write something first.")
    _check_fit(content, limit)
    return content.replace("\r\n", "\n").replace("\r", "\n") if "\r" in content else content


def check_line(content: str, limit: int) -> str:
    """Any text, the empty one too, as one line: each newline becomes a space. Raises `TooLong` or `BadText`."""
    _check_fit(content, limit)
    for newline in _NEWLINES:
        content = content.replace(newline, " ")
    if _COMMANDS.search(content):
        raise BadText("The message holds control characters (U+0080 to U+009F): remove them.")
    return content


def _check_fit(content: str, limit: int) -> None:
    if len(content) > limit:
        raise TooLong(f"The message has {len(content)} characters; at most {limit} are allowed.")
    if _UNFIT.search(content):
        raise BadText("The message holds control characters (such as NUL): remove them.")


def is_gid(text: str) -> bool:
    """Whether it could be a room's key."""
    return bool(_GID.fullmatch(text))


def check_gid(gid: str) -> str:
    """A key for a new room. Raises `BadText`."""
    if not is_gid(gid):
        raise BadText(f"{gid!r} cannot be a room's key: use 1 to 64 letters, digits or _ . : @ + - characters.")
    return gid


def check_name(name: str, what: str = "name", limit: int = 80) -> str:
    """A name on one line, stripped; joiners are kept inside it. Raises as `check_text`."""
    name = name.strip(_EDGES)
    if not name:
        raise Empty(f"The {what} is empty.")
    if len(name) > limit:
        raise TooLong(f"The {what} has {len(name)} characters; at most {limit} are allowed.")
    if not all(map(_is_shown, name)):
        raise BadText(f"The {what} holds characters that cannot be printed: remove them.")
    return name


def check_uid(uid: str) -> str:
    """A person's key. Raises as `check_text`, for joiners too: no two keys are to look the same."""
    if any(joiner in uid for joiner in _JOINERS):
        raise BadText("The uid holds characters that cannot be seen: remove them.")
    return check_name(uid, "uid", 64)


def fit_name(name: str, limit: int = 80) -> str:
    """What of a name can be shown, maybe nothing."""
    return "".join(filter(_is_shown, name)).strip(_EDGES)[:limit].rstrip(_EDGES)


def folded(name: str) -> str:
    """Alike for names that look alike but for their case."""
    return name.translate(_UNSEEN).casefold()


def _is_shown(letter: str) -> bool:
    return letter.isprintable() or letter in _JOINERS


def check_avatar(address: str) -> str:
    """The address of a picture. Raises `BadText`, or `TooLong` over 500 characters."""
    if len(address) > _PICTURE_CHARS:
        raise TooLong(f"The avatar's address has {len(address)} characters; at most {_PICTURE_CHARS} are allowed.")
    if not _PICTURE.fullmatch(address):
        raise BadText("An avatar is an https:// address, or a path of the site such as /static/ada.png.")
    return address
