"""The host's CSRF protection guards what cookies may do; keyed addresses take no cookie.

They are answered around it (`open_door`), but for sites whose own middleware leads to them in another way.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint


def exempt(blueprint: Blueprint) -> None:
    """Spare `blueprint` the `CSRFProtect` of Flask-WTF that the app has."""

    def tell(app: Any) -> None:
        protection: Any = app.extensions.get("csrf")
        if hasattr(protection, "exempt"):
            protection.exempt(blueprint)

    blueprint.record_once(lambda setup: tell(setup.app))
