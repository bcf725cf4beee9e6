"""Addresses that ask for a key themselves, or for nothing: the HTTP API, the push door, scripts and styles, the widget.

They are answered within the site's app, but around its `before_request` and `after_request`: a login that a site
demands everywhere, its CSRF check and its session cookie are for people with a browser, and a program with a key would
only be sent to a login page. A widget that asks every minute would keep a session alive for ever, and a site's policy
would forbid the frame of the widget. The site's error pages are for people as well, and these answers have codes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response as BaseResponse

log = logging.getLogger(__name__)

Environ = dict[str, Any]
WSGIApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class OpenDoor:
    """`paths` are PATH_INFOs; those that end with a slash stand for all that is below."""

    def __init__(self, app: Flask, paths: Iterable[str]):
        self._app = app
        paths = tuple(paths)
        self._paths = frozenset(path for path in paths if not path.endswith("/"))
        self._folders = tuple(path for path in paths if path.endswith("/"))

    def answers(self, path: str) -> bool:
        return path in self._paths or path.startswith(self._folders)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._app.request_context(environ):
            response = self._answer()
        return response(environ, start_response)

    def _answer(self) -> BaseResponse:
        try:
            response = self._view()
        except HTTPException as error:
            return error.get_response(request.environ)
        except Exception:
            if self._app.testing:
                raise
            log.exception("%s %s failed", request.method, request.path)
            return InternalServerError().get_response(request.environ)
        for after in reversed(self._app.after_request_funcs.get(request.blueprint or "", [])):
            response = self._app.ensure_sync(after)(response)
        return response

    def _view(self) -> Response:
        if request.routing_exception is not None:
            raise request.routing_exception
        rule = request.url_rule
        if request.method == "OPTIONS" and getattr(rule, "provide_automatic_options", False):
            return self._app.make_default_options_response()
        view = self._app.ensure_sync(self._app.view_functions[request.endpoint or ""])
        return self._app.make_response(view(**(request.view_args or {})))
