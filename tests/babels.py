"""Flask-Babel in a site, of whatever version."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask_babel import Babel


def add_babel(app: Flask, selector: Callable[[], str | None]) -> None:
    """The pages of `app` speak the language that `selector` names."""
    babel = Babel()
    if hasattr(babel, "localeselector"):  # before 3
        babel.init_app(app)
        babel.localeselector(selector)
    else:
        babel.init_app(app, locale_selector=selector)
