"""What gunicorn runs: Django, and chat in three lines (marked).

gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker shop.wsgi
"""

import os

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.core.wsgi import get_wsgi_application
from django.db.models.signals import post_save
from django.dispatch import receiver

from legacy_chat.wsgi import mount  # chat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_wsgi_application()

from django.contrib.auth.models import User  # noqa: E402 # once Django is set up

from .chat import who  # noqa: E402 # chat

application = mount(application, "/chat", identify=who, secret_key=settings.SECRET_KEY, login_url="/login/")  # chat


@receiver(user_logged_out)
def end_sockets(request, user, **_):
    """A browser's sockets end with its session."""
    if user is not None:
        application.logged_out(request.META, user.pk)


@receiver(post_save, sender=User)
def end_all(instance, created, **_):
    """A new password, or an account that was closed."""
    if not created and (instance._password is not None or not instance.is_active):
        application.chat.disconnect(instance.pk)
