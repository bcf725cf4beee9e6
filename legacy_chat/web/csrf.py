"""The host's CSRF protection guards what cookies may do; keyed addresses take no cookie."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app


def exempt(blueprint: Blueprint) -> None:
    """Spare `blueprint` Flask-WTF's `CSRFProtect`, whichever of it and the chat was added to the app first."""

    def tell(app: Any) -> None:
        protection: Any = app.extensions.get("csrf")
        if hasattr(protection, "exempt"):
            protection.exempt(blueprint)

    blueprint.record_once(lambda setup: tell(setup.app))
    blueprint.before_app_request(lambda: tell(current_app))
