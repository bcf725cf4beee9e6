"""A chat for people of another site: they come with tokens that it signs (chat_token.php), so nobody is known here.

SECRET_KEY=… CHAT_ALLOWED_ORIGINS=http://127.0.0.1:9000 \
    gunicorn -k geventwebsocket.gunicorn.workers.GeventWebSocketWorker wsgi:application
"""

from __future__ import annotations

import os

from legacy_chat.wsgi import mount


def nothing_else(environ, start_response):
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"There is only a chat here.\n"]


application = mount(nothing_else, "/chat", identify=lambda environ: None, secret_key=os.environ["SECRET_KEY"])
chat_app = application.flask  # flask --app wsgi chat key the-site --scope tokens
