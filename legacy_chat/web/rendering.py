"""Our own templates, apart from the site's: neither finds the other's under a name that both have.

The environment is ours too: a site with delimiters, filters or undefined values of its own changes nothing here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from flask import url_for
from jinja2 import Environment, FileSystemLoader

from . import csp

_PACKAGE = Path(__file__).parent.parent


def shipped(folder: str) -> Path:
    """`templates` or `static`: inside the package when installed from a wheel, beside it in a checkout."""
    installed = _PACKAGE / folder
    return installed if installed.is_dir() else _PACKAGE.parent / folder


def render(name: str, **context: Any) -> str:
    """A page, within a request. `nonce` is there for scripts and styles where the site has one."""
    return _environment().get_template(name).render(nonce=csp.nonce(), **context)


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(shipped("templates")), autoescape=True)
    environment.globals["url_for"] = url_for
    return environment
