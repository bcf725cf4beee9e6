"""A site with the widget on each page, a strict policy and styles that reach for everything.

`/enter/<uid>/<name>` logs in, `/exit` logs out; `?dark`, `?zh` and `?greeting` ask for such a page.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from flask import Flask, g, render_template_string, request
from flask_login import LoginManager, UserMixin, login_user, logout_user

from legacy_chat import Chat

folder = Path(os.environ["SITE_INSTANCE"])
(folder / "secret_key").write_text("only for tests")

app = Flask("corner", instance_path=str(folder))
app.secret_key = "only for tests"
login = LoginManager(app)
chat = Chat(app)


class User(UserMixin):
    def __init__(self, key: str):
        self.id, self.name = key.split("-", 1)

    def get_id(self) -> str:
        return f"{self.id}-{self.name}"


login.user_loader(User)

PAGE = """<!doctype html>
<html lang="{{ 'zh-CN' if 'zh' in request.args else 'en' }}">
<meta name="viewport" content="width=device-width">
<title>{{ name }}</title>
<style nonce="{{ g.csp_nonce }}">
  html { font-size: 62.5%; {{ 'color-scheme: light dark; --lc-hue: 160;' if 'dark' in request.args }} }
  * { color: red !important; font-size: 30px; letter-spacing: 4px; line-height: 3 }
  button, div, p, svg, textarea { background: yellow; border: 5px solid lime; text-transform: uppercase; float: left }
  .message, .talk, .badge, .widget { display: none !important }
  body { display: flex; flex-direction: column; gap: 50px }
</style>
<body>
<h1>{{ name }}</h1>
<button class="badge widget">A button of the site</button>
{% if greeting %}{{ chat_widget(room=room, greeting=greeting, greeting_after=0.2) }}
{% elif bare %}<script type="module" src="/chat/static/widget.js" nonce="{{ g.csp_nonce }}"></script>
<legacy-chat{% if room %} room="{{ room }}"{% endif %} hidden></legacy-chat>
{% else %}{{ chat_widget(room=room, side=request.args.get("side")) }}{% endif %}
"""


@app.before_request
def make_nonce():
    g.csp_nonce = secrets.token_urlsafe(16)


@app.after_request
def add_policy(response):
    policy = "default-src 'self'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; frame-ancestors 'none'"
    response.headers.setdefault("Content-Security-Policy", policy.format(g.csp_nonce))
    return response


@app.get("/enter/<uid>/<name>")
def enter(uid, name):
    login_user(User(f"{uid}-{name}"))
    return "welcome"


@app.get("/exit")
def leave():
    logout_user()
    return "bye"


@app.get("/page/<name>")
def page(name):
    asked = request.args
    return render_template_string(
        PAGE, name=name, room=asked.get("room"), greeting=asked.get("greeting"), bare="bare" in asked
    )


with app.app_context():
    chat.room("support", "Support")
    chat.room("long", "Long")
    chat.room("secret", "Secret", private=True)
