"""Addresses that ask for a key themselves, or for nothing: the HTTP API, the push door, scripts and styles, the widget.

They are answered within the site's app, but around its `before_request` and `after_request`: a login that a site
demands everywhere, its CSRF check and its session cookie are for people with a browser, and a program with a key would
only be sent to a login page. A widget that asks every minute would keep a session alive for ever, and a site's policy
would forbid the frame of the widget. The site's error pages are for people as well, and these answers have codes. What
is sent there is limited (`bodies`), whatever the site allows elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response as BaseResponse

from .bodies import Body

log = logging.getLogger(__name__)

# What the names of our blueprints begin with.
OURS = "legacy_chat"

Environ = dict[str, Any]
WSGIApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class OpenDoor:
    """`paths` are PATH_INFOs, each with the bytes of the largest body; one that ends with a slash stands for all below.

    Where a rule of the site's own fits there, such as one for all paths, the request goes to `site` with all its hooks:
    only views of our blueprints are called around them.
    """

    def __init__(self, app: Flask, paths: Mapping[str, int], site: WSGIApp):
        self._app = app
        self._site = site
        self._paths = dict(paths)
        self._folders = tuple(path for path in paths if path.endswith("/"))

    def answers(self, path: str) -> bool:
        return path in self._paths or path.startswith(self._folders)

    def _most(self, path: str) -> int:
        folder = next((folder for folder in self._folders if path.startswith(folder)), path)
        return self._paths[folder]

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        whole, body = environ["wsgi.input"], Body(environ, self._most(environ.get("PATH_INFO", "")))
        environ["wsgi.input"] = body
        with self._app.request_context(environ):
            response = self._answer() if _is_ours() else None
        if response is None:
            environ["wsgi.input"] = whole
            return self._site(environ, start_response)
        if body.broken:
            response.headers["Connection"] = "close"
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


def _is_ours() -> bool:
    """Whether the view is ours; also where there is none, as then nothing is called."""
    return request.url_rule is None or (request.blueprint or "").startswith(OURS)
