"""English and Chinese: the standard library's gettext over a domain of our own."""

from __future__ import annotations

import gettext
import sys
from functools import cache
from pathlib import Path

from flask import current_app, request

LANGUAGES = {"en": "English", "zh": "中文"}
COOKIE = "legacy_chat_lang"

_FOLDER = Path(__file__).parent.parent / "translations"


@cache
def translations(lang: str) -> gettext.NullTranslations:
    return gettext.translation("legacy_chat", _FOLDER, [lang], fallback=True)


@cache
def catalog(lang: str) -> dict[str, str]:
    """Every translated string, for the page's scripts; empty for English."""
    found = getattr(translations(lang), "_catalog", {})
    return {key: text for key, text in found.items() if isinstance(key, str) and key}


def request_language(locale: str | None = None) -> str:
    """`?lang=`, then the cookie, then that of the site's own pages, then the person's `locale`, then the browser's."""
    for wish in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return wish
    for spoken in (_language_of_site(), locale):
        if spoken and spoken[:2].lower() in LANGUAGES:
            return spoken[:2].lower()
    for wish, quality in request.accept_languages:  # in the browser's order of preference
        if quality > 0 and wish[:2].lower() in LANGUAGES:
            return wish[:2].lower()
    return "en"


def _language_of_site() -> str | None:
    """That of Flask-Babel's locale selector, where the site uses it."""
    babel = sys.modules.get("flask_babel")
    locale = babel.get_locale() if babel and "babel" in current_app.extensions else None
    return str(locale) if locale else None
