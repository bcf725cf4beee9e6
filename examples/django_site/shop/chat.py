"""What the chat asks of Django: whose request it is."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections


def who(environ):
    """The user whose session it is. A session that ended, or was begun with another password, is nobody's."""
    request = WSGIRequest(environ)
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    try:
        user = get_user(request)
        return {"uid": user.pk, "name": user.get_username()} if user.is_authenticated else None
    finally:
        close_old_connections()  # as Django does after each request: a socket keeps none
