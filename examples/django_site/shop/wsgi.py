"""What gunicorn runs: Django, and chat in three lines (marked).

gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker shop.wsgi
"""

import os

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.core.wsgi import get_wsgi_application
from django.dispatch import receiver

from legacy_chat.wsgi import mount  # chat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_wsgi_application()

from .chat import who  # noqa: E402 # chat, once Django is set up

application = mount(application, "/chat", identify=who, secret_key=settings.SECRET_KEY, login_url="/login/")  # chat


@receiver(user_logged_out)
def end_sockets(request, user, **_):
    """A browser's sockets end with its session."""
    if user is not None:
        application.logged_out(request.META, user.pk)
