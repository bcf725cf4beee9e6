"""The nonce of the site's Content-Security-Policy, for what our pages load."""

from __future__ import annotations

from flask import current_app, g, request


def nonce() -> str | None:
    """The site's nonce for this response, from where sites keep it; None where it has none.

    That is the Jinja global `csp_nonce` (as Flask-Talisman has it), a function or a text, `g.csp_nonce`, or
    `request.csp_nonce`.
    """
    found = current_app.jinja_env.globals.get("csp_nonce") or g.get("csp_nonce") or getattr(request, "csp_nonce", None)
    value = found() if callable(found) else found
    return str(value) if value else None
