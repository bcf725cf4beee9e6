"""What may stand in a message: one place for the rule, whatever transport the text came by."""

from __future__ import annotations

import re

from ..errors import BadText, Empty, TooLong

# Tab, newline and carriage return are text; the other control characters garble terminals, logs and C strings, and
# half a surrogate pair cannot be encoded.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_GID = re.compile(r"[\w.:@+-]{1,64}")


def check_text(content: str, limit: int) -> str:
    """The text with its newlines made one kind; `limit` in characters.

    Raises `Empty`, `TooLong` or `BadText`.
    """
    if not content or content.isspace():
        raise Empty("The message is empty: write something first.")
    if len(content) > limit:
        raise TooLong(f"The message has {len(content)} characters; at most {limit} are allowed.")
    if _UNFIT.search(content):
        raise BadText("The message holds control characters (such as NUL): remove them.")
    return content.replace("\r\n", "\n").replace("\r", "\n") if "\r" in content else content


def check_gid(gid: str) -> str:
    """A key for a new room. Raises `BadText`."""
    if not _GID.fullmatch(gid):
        raise BadText(f"{gid!r} cannot be a room's key: use 1 to 64 letters, digits or _ . : @ + - characters.")
    return gid


def check_name(name: str, what: str = "name", limit: int = 80) -> str:
    """A name on one line, stripped. Raises as `check_text`."""
    name = name.strip()
    if not name:
        raise Empty(f"The {what} is empty.")
    if len(name) > limit:
        raise TooLong(f"The {what} has {len(name)} characters; at most {limit} are allowed.")
    if not name.isprintable():
        raise BadText(f"The {what} holds characters that cannot be printed: remove them.")
    return name
