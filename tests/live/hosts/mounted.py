"""A host with a strict policy, below a path of another site.

It knows people by cookie or by a header, and sends away whom it is told to.
"""

from flask import Flask
from flask_login import LoginManager, UserMixin, login_user
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from legacy_chat import Chat

host = Flask(__name__)
host.config.update(SECRET_KEY="host", CHAT_ALLOWED_ORIGINS=["https://shop.example"], CHAT_PREFIX="/talk")


class User(UserMixin):
    def __init__(self, uid):
        self.id, self.username = uid, f"user {uid}"


manager = LoginManager(host)
manager.user_loader(User)
manager.request_loader(lambda asked: User(asked.headers["X-User"]) if "X-User" in asked.headers else None)
chat = Chat(host)


@host.get("/enter/<uid>")
def enter(uid):
    login_user(User(uid))
    return "welcome"


@host.post("/end/<uid>")
def end(uid):
    chat.disconnect(uid)
    return "done"


@host.after_request
def guard(answer):
    sources = " ".join(f"{kind}-src 'self';" for kind in ("script", "style", "img", "connect"))
    answer.headers["Content-Security-Policy"] = f"default-src 'none'; {sources}"
    return answer


app = DispatcherMiddleware(NotFound(), {"/shop": host})
