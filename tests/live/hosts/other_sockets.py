"""A host that served WebSockets with gevent-websocket before it added chat, with an origin of its own allowed."""

from flask import Flask
from flask_login import LoginManager, UserMixin

from legacy_chat import Chat

app = Flask(__name__)
app.config.update(SECRET_KEY="host", CHAT_ALLOWED_ORIGINS=["https://shop.example"], CHAT_PREFIX="/talk")


class User(UserMixin):
    def __init__(self, uid):
        self.id, self.username = uid, f"user {uid}"


manager = LoginManager(app)
manager.request_loader(lambda asked: User(asked.headers["X-User"]) if "X-User" in asked.headers else None)
Chat(app)
flask_app = app.wsgi_app


@app.get("/")
def home():
    return "the host's page"


def echo(environ, start_response):
    """What gevent-websocket's users write: the socket is in the environ."""
    if environ["PATH_INFO"] != "/echo":
        return flask_app(environ, start_response)
    socket = environ["wsgi.websocket"]
    message = socket.receive()
    while message is not None:
        socket.send(f"echo {message}")
        message = socket.receive()
    return []


app.wsgi_app = echo
