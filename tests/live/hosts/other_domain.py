"""A site whose session cookie is for another host than the one it is served at."""

from legacy_chat import create_app

app = create_app({"SESSION_COOKIE_DOMAIN": "shop.example"})
