"""The stand-alone site under the watchdog: `gunicorn tests.live.watched:app`."""

from legacy_chat.site import create_app

from .watchdog import watch

app = create_app()
app.wsgi_app = watch(app.wsgi_app)
